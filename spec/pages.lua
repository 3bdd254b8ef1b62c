-- pages.lua: what the Markdown files of this project hold
--
-- A program says what it prints in comments that begin with an arrow: '--> text'
-- or '/* --> text */', line by line. Blanks count as one, whatever they are.

local pages = {}

function pages.read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

--- The programs of a page, in order: an array of {language, text, line}.
function pages.programs(path)
  local programs, text = {}, pages.read(path)
  for before, language, program in text:gmatch "()\n```(%w+)\n(.-)```" do
    local line = select(2, text:sub(1, before):gsub("\n", "")) + 1
    programs[#programs + 1] = {language = language, text = program, line = line}
  end
  return programs
end

--- Lines of output with each run of blanks as one.
function pages.squeeze(output)
  return (output:gsub("[ \t]+", " "):gsub(" \n", "\n"))
end

--- What a program says that it prints.
function pages.expected(program)
  local lines = {}
  for line in program:gmatch "[^\n]+" do
    local text = line:match "%-%-> (.*)"
    lines[#lines + 1] = text and text:gsub("%s*%*/$", "")
  end
  return pages.squeeze(table.concat(lines, "\n") .. (lines[1] and "\n" or ""))
end

--- The name by which a heading can be linked to.
function pages.anchor(heading)
  return (heading:lower():gsub("`", ""):gsub("[^%w%s_-]", ""):gsub("%s", "-"))
end

return pages
