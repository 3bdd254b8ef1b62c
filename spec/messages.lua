-- messages.lua: the errors that the sources of cfiber know
--
-- Every text of two words and more is taken for one, so that none can be
-- forgotten. Those that are no errors are named here.

local pages = require "pages"

local messages = {}

local others = {}
for _, text in ipairs {
  -- of tracebacks, and of what tasks are shown to do
  "stack traceback:", "channel %p: %d of %d%s%s", "signal %p: %d connected%s", "connection %p of %s", "no signal",
  "mutex %p: %s%s", ", %d wait%s", " holds it", "has ended", "is cancelled", "was stopped by the budget", "left to run",
  "waits to be spawned again", "goes on after the task that it spawned", "goes on after the trace",
  -- parts of messages
  "a function of 'cfiber'", "in C", "no value", "value passed to yield", "result of resume", "stack of",
  "guard of a stack of", "waiting for ", ": its stack has ", "Lua error",
} do
  others[text] = true
end

-- Files whose texts are assembler, Lua or stories.
local function isother(path)
  return path:find "/switch/" or path:find "measure%.c$" or path:find "story%.lua$" or path:find "types%.lua$"
end

local function isspoken(text)
  return text:find "%l%l" and text:find "[%w'] %S" and not text:find "^\\n" and not text:find "^cfiber %d"
    and not others[text]
end

local function unquoted(text)
  return (text:gsub("\\n", ""):gsub("\\(.)", "%1"))
end

-- Parts of a text that the preprocessor joins; '%s' is a part that is not known.
local function joinedbyc(text)
  return text:gsub("/%*.-%*/", ""):gsub("\n%s*#%s*include[^\n]*", ""):gsub("DEBUG_ASSERT%b()", "")
    :gsub("static_assert%b()", ""):gsub('" (%l+) "', "%%s"):gsub('"%s*"', "")
end

local function joinedbylua(text)
  return text:gsub("%-%-[^\n]*", ""):gsub('"%s*%.%.%s*"', "")
end

local function texts(paths, join)
  local found = {}
  for _, path in ipairs(paths) do
    for quoted in join(isother(path) and "" or pages.read(path)):gmatch '"([^"\n]*)"' do
      if isspoken(quoted) then
        found[#found + 1] = {path = path, text = unquoted(quoted)}
      end
    end
  end
  return found
end

--- The messages in C sources: an array of {path, text}. A text is a format as of
-- string.format.
function messages.c(paths)
  return texts(paths, joinedbyc)
end

--- The same for sources in Lua.
function messages.lua(paths)
  return texts(paths, joinedbylua)
end

return messages
