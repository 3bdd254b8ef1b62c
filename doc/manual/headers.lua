-- headers.lua: the comments of cfiber.h and cfiber.hpp as a page of the manual

local headers = {}

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

-- The lines of a comment without what frames them.
local function inside(comment)
  local lines = {}
  for line in (comment:sub(3, -3) .. "\n"):gmatch "(.-)\n" do
    lines[#lines + 1] = line:gsub("^%s*%*%* ?", ""):gsub("^   (%S)", "%1"):gsub("%s+$", "")
  end
  return lines
end

-- Names and code in quotes, as Markdown has them.
local function marked(text)
  return ((" " .. text .. "\n"):gsub("([%s(])'([^']+)'([%s%p])", "%1`%2`%3"):gsub("^%s+", ""):gsub("%s+$", ""))
end

-- Text, in which a line that begins with two spaces and a quote is a point of a
-- list.
local function prose(lines)
  local parts, list = {}, false
  for _, line in ipairs(lines) do
    local point = line:match '^ +(".*)'
    if point then
      parts[#parts + 1] = (list and "" or "\n") .. "- " .. point
      list = true
    elseif line ~= "" then
      parts[#parts + 1] = line:gsub("^ +", "  ")
    end
  end
  return marked(table.concat(parts, "\n"):gsub("^%s+", ""))
end

-- The place of a function or type on the page.
local function entry(name, code, lines)
  return ("### %s\n\n    %s\n\n%s\n"):format(name, code:gsub("\n%s*", "\n    "), prose(lines))
end

-- ---------------------------------------------------------------------------
-- cfiber.h

-- What a comment says that begins with the line of a function, or is a text of
-- its own; nil for the others.
local function described(comment)
  if not comment:find "^/%*\n" then
    return nil
  end
  local lines = inside(comment)
  table.remove(lines, 1)
  local code = lines[1]
  if lines[1]:find "^{====" then
    return ("## %s\n\n%s"):format(lines[2], prose(table.move(lines, 3, #lines - 2, 1, {}))):gsub("\n*$", "\n")
  elseif code:find "%);$" then
    table.remove(lines, 1)
    return entry(code:match "([%w_]+) %(", code, lines)
  end
  return prose(lines) .. "\n"
end

-- The title, from the first comment of a header.
local function title(lines)
  return ("# %s\n\n%s\n\n%s\n"):format(lines[2], lines[3], prose(table.move(lines, 4, #lines, 1, {})))
end

--- The page of a header in C: an entry for each comment that begins with the
-- line of a function.
function headers.c(path)
  local parts
  for comment in read(path):gmatch "/%*.-%*/" do
    if parts then
      parts[#parts + 1] = described(comment)
    else
      parts = {title(inside(comment))}
    end
  end
  return table.concat(parts, "\n")
end

-- ---------------------------------------------------------------------------
-- cfiber.hpp

-- The name that a declaration declares.
local function declared(code)
  return code:match "([%w_]+) %(" or code:match "constexpr %w+ ([%w_]+)" or code:match "struct ([%w_]+)"
    or code:match "class ([%w_]+)"
end

-- What is declared at the beginning of a text; a template in two lines.
local function declaration(text)
  local code = text:match "^struct [%w_]+ {};\n(inline [^\n]*)" or text:match "^struct [%w_]+ {[^}]*};"
    or text:match "^[^{;]*"
  return (code:gsub("%s+", " "):gsub("%s$", ""):gsub("^(template %b<>) ", "%1\n"))
end

--- The page of a header in C++: an entry for each comment above something that
-- its namespace declares and that is not a detail.
function headers.cpp(path)
  local text = read(path)
  local parts = {title(inside(text:match "/%*.-%*/")), "In `namespace cfiber`:\n"}
  text = text:match "\nnamespace cfiber {\n(.*)":gsub("namespace detail {\n.-\n\n}\n", "")
  for comment, after in text:gmatch "%f[^\n](/%*.-%*/)\n()" do
    local code = declaration(text:sub(after))
    parts[#parts + 1] = entry(declared(code), code, inside(comment))
  end
  return table.concat(parts, "\n")
end

return headers
