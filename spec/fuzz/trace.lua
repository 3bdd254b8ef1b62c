-- trace.lua: what a program did, as lines of text that are equal when what
-- happened is equal
--
-- Addresses and the module's name differ between libraries and are made
-- equal; threads, tables and functions are told apart by the order in which
-- the trace meets them, and are not kept alive by it.

local trace = {}
trace.__index = trace

local functions = {}  -- in both libraries, function -> name
do
  local cfiber = require "cfiber"
  for name, f in pairs(coroutine) do
    functions[f], functions[cfiber[name]] = "co." .. name, "co." .. name
  end
end

--- The text without what differs from run to run, between the libraries,
-- between the ways to go on after a slice, and where an error that is thrown in
-- comes out of a hook.
-- It calls the same functions for both: hooks count that.
function trace.normalize(text)
  return (text:gsub("cfiber%.(%l)", "coroutine.%1"):gsub("0x%x+", "0x?"):gsub("coroutine%.slice", "coroutine.resume")
    :gsub("in function <[^>]*>", "in hook '?'"))
end

function trace.new()
  return setmetatable({lines = {}, counts = {}, labels = setmetatable({}, {__mode = "k"})}, trace)
end

local function label(self, value)
  local text = self.labels[value]
  if not text then
    local kind = type(value)
    self.counts[kind] = (self.counts[kind] or 0) + 1
    text = kind .. "#" .. self.counts[kind]
    self.labels[value] = text
  end
  return text
end

local plain = {["nil"] = true, number = true, boolean = true}

--- The value as it is shown.
function trace:show(value)
  local kind = type(value)
  if kind == "string" then
    return '"' .. trace.normalize(value) .. '"'
  elseif plain[kind] then
    return tostring(value)
  end
  return functions[value] or label(self, value)
end

--- Adds a line: the thread it happened in, what, and values.
function trace:add(thread, what, ...)
  local line = table.pack(...)
  for i = 1, line.n do
    line[i] = self:show(line[i])
  end
  self.lines[#self.lines + 1] = label(self, thread) .. ": " .. what .. " " .. table.concat(line, " ", 1, line.n)
end

--- All of it, for comparison.
function trace:text()
  return table.concat(self.lines, "\n")
end

--- A number that is the same for equal texts and hardly for others.
function trace.hash(text)
  local h = #text
  text = text .. ("\0"):rep(-#text % 8)
  for i = 1, #text, 8 do
    h = (h ~ string.unpack("<i8", text, i)) * 0x100000001B3
    h = h ~ (h >> 29)
  end
  return ("%016x"):format(h)
end

return trace
