-- demo.lua: a `for` loop over the elements of a large XML document
--
-- Expat is a parser written in C that calls a Lua function at each element.
-- In a fiber that function may yield, with the C frames of the parser below
-- it: a loop pulls the elements out one by one, and expat waits meanwhile.
--
-- usage: lua demo.lua [FILE]

local cfiber = require "cfiber"
local lpeg = require "lpeg"
local lxp = require "lxp"

local P, S, Cc, Ct = lpeg.P, lpeg.S, lpeg.Cc, lpeg.Ct

local path = arg[1]
if path == nil or path == "" then
  path = "/usr/share/mime/packages/freedesktop.org.xml"
end
local terminal = os.execute "test -t 1"

-- Shows text that the next output replaces, on a terminal only.
local function progress(text)
  if terminal then
    io.write("\r\27[K", text):flush()
  end
end

local function fail(...)
  progress ""
  io.stderr:write(path, ":", ...)
  io.stderr:write "\n"
  os.exit(1)
end

-- Iterates over the elements of a document: their names and attributes.
-- co: the coroutine library to use
-- read: returns the next chunk of the text, nil at its end
local function elements(co, read)
  return co.wrap(function()
    local parser = lxp.new {
      StartElement = function(_, name, attributes)
        co.yield(name, attributes)
      end,
    }
    repeat
      local chunk = read()
      local parsed, message, line = parser:parse(chunk)
      if not parsed then
        fail(line, ": ", message)
      end
    until chunk == nil
  end)
end

-- Returns a function for 'elements' that reads a file, and the list of the
-- chunks it has read.
local function reader(file)
  local chunks = {}
  return function()
    local chunk, message = file:read(65536)
    if message then
      fail(" ", message)
    end
    chunks[#chunks + 1] = chunk
    if chunk and #chunks % 16 == 0 then
      progress(#chunks // 16 .. " MB")
    end
    return chunk
  end, chunks
end

-- Returns how often each name occurs, and how many elements there are.
local function count(read)
  local times, total = {}, 0
  for name in elements(cfiber, read) do
    times[name] = (times[name] or 0) + 1
    total = total + 1
  end
  return times, total
end

-- Returns the n names that occur most, in words.
local function most(times, n)
  local names = {}
  for name in pairs(times) do
    names[#names + 1] = name
  end
  table.sort(names, function(a, b)
    return times[a] > times[b] or times[a] == times[b] and a < b
  end)
  for i, name in ipairs(names) do
    names[i] = ("%s (%d)"):format(name, times[name])
  end
  return table.concat(names, ", ", 1, math.min(n, #names))
end

local function upto(text)
  return (1 - P(text)) ^ 0 * text
end

-- Everything in a document that may hold a "<" and is no element.
local quoted = '"' * upto '"' + "'" * upto "'"
local other = "<!--" * upto "-->" + "<![CDATA[" * upto "]]>"
  + "<?" * upto "?>" + "<!" * (quoted + (1 - S "[>")) ^ 0

local starttag = Cc(true) * "<" * (1 - S "/!?")
local document = Ct((other + starttag + 1) ^ 0)

-- Counts the start tags in a well-formed document without the help of expat.
local function starttags(text)
  return #document:match(text)
end

-- Compares with the count of another way to count, in words.
local function check(text, total)
  if text:find "\0" then
    return "not made: the document is in UTF-16"
  end
  local tags = starttags(text)
  local words = ("LPeg finds %d start tags in the text"):format(tags)
  if tags == total then
    return words .. ", the same"
  elseif text:find "<!ENTITY" then
    return words .. ", the other elements come from entities"
  end
  fail(" ", words, ", not ", total)
end

local file, problem = io.open(path, "rb")
if not file then
  io.stderr:write(problem, "\n")
  os.exit(1)
end
local read, chunks = reader(file)
local start = os.clock()
local times, total = count(read)
local seconds = os.clock() - start
local text = table.concat(chunks)
progress ""

print(path)
print(("  cfiber     %d elements in %.1f MB and %.2f s, each yielded from inside the C parser"):format(
  total, #text / (1 << 20), seconds))
print("  the most   " .. most(times, 3))
print("  check      " .. check(text, total))
print("  coroutine  " .. select(2, pcall(elements(coroutine, function() return text end))))
