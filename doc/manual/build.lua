-- build.lua: makes the manual
--
-- The pages of reference come from the types for editors and from the headers.
-- They are kept beside the guides, to be read as they are.
--
-- usage: lua doc/manual/build.lua         writes the pages of reference, and the
--                                         declarations for Teal
--        lua doc/manual/build.lua DIR     makes HTML of all pages, and man pages
--                                         of the reference, in DIR, by pandoc

local here = "doc/manual/"
package.path = here .. "?.lua;" .. package.path

local annotations = require "annotations"
local headers = require "headers"
local teal = require "teal"

local build = {}

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

-- ---------------------------------------------------------------------------
-- Reference

-- The pages, and what the man page of each says that it is.
local reference = {
  lua = {about = "Lua coroutines that yield from anywhere", source = "lua/cfiber/types.lua", make = function(path)
    return annotations.page("cfiber", path)
  end},
  task = {about = "a scheduler for game loops", source = "lua/cfiber/task/types.lua", make = function(path)
    return annotations.page("cfiber.task", path)
  end},
  c = {about = "fibers for Lua, from C", source = "csrc/include/cfiber.h", make = headers.c},
  cpp = {about = "fibers for Lua, from C++", source = "csrc/include/cfiber.hpp", make = headers.cpp},
}

--- The pages of reference: file name -> text.
function build.reference()
  local pages = {}
  for name, page in pairs(reference) do
    pages[name .. ".md"] = ("%s\n<!-- from %s, by doc/manual/build.lua -->\n"):format(page.make(page.source),
      page.source)
  end
  return pages
end

--- The declarations for Teal: path -> text.
function build.declarations()
  return {
    ["lua/cfiber.d.tl"] = teal.declarations("cfiber", "lua/cfiber/types.lua"),
    ["lua/cfiber/task.d.tl"] = teal.declarations("cfiber.task", "lua/cfiber/task/types.lua"),
  }
end

-- ---------------------------------------------------------------------------
-- HTML and man

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function run(...)
  local command = table.concat({...}, " ")
  assert(os.execute(command), "failed: " .. command)
end

local function pandoc(text, path, options)
  local source = os.tmpname()
  write(source, text)
  run("pandoc -f gfm -o", quote(path), options, source)
  os.remove(source)
end

local function html(text, path)
  local title = text:match "# ([^\n]*)"
  title = title:find "cfiber" and title or title .. " - cfiber"
  local headings = select(2, text:gsub("\n##+ ", ""))
  pandoc(text:gsub("%]%((%w+)%.md", "](%1.html"), path, ("-t html5 --template %s -M %s %s"):format(
    quote(here .. "page.html"), quote("pagetitle=" .. title), headings > 3 and "--toc --toc-depth=3" or ""))
end

-- Links from page to page lead nowhere there.
local function man(text, dir, about)
  local name = text:match "# ([^\n]*)"
  local version = read "csrc/include/cfiber.h":match 'CFIBER_VERSION "([^"]*)"'
  text = text:gsub("^# [^\n]*", ("## NAME\n\n%s - %s\n\n## DESCRIPTION"):format(name, about))
    :gsub("%[([^%]]*)%]%([%w.]*#[^)]*%)", "%1")
  pandoc(text, ("%s/%s.3"):format(dir, name), ("-s -t man --shift-heading-level-by=-1 -M title=%s -M section=3"
    .. " -M footer=%s"):format(name, quote(version)))
end

local function pages()
  local list <close> = assert(io.popen("ls " .. here .. "*.md"))
  return list:read "a":gmatch "([%w_]+)%.md"
end

function build.write(dir)
  run("mkdir -p", quote(dir), "&& cp", here .. "*.svg", here .. "style.css", quote(dir))
  for name in pages() do
    local text, page = read(here .. name .. ".md"), reference[name]
    html(text, ("%s/%s.html"):format(dir, name))
    if page then
      man(text, dir, page.about)
    end
  end
end

if arg and arg[0]:find "build%.lua$" then
  if arg[1] then
    build.write(arg[1])
  else
    for name, text in pairs(build.reference()) do
      write(here .. name, text)
    end
    for path, text in pairs(build.declarations()) do
      write(path, text)
    end
  end
end

return build
