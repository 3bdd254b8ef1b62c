-- coverage.lua: which lines of a program run, counted in the way of luacov
-- usage: lua -l coverage program.lua; writes each line and its count to stderr

local counts = {}

local function hook(_, line)
  if debug.getinfo(2, "S").source == "@" .. arg[0] then
    counts[line] = (counts[line] or 0) + 1
  end
end

local function report()
  debug.sethook()
  local lines = {}
  for line in pairs(counts) do
    lines[#lines + 1] = line
  end
  table.sort(lines)
  for _, line in ipairs(lines) do
    io.stderr:write(line, ":", counts[line], "\n")
  end
  counts = {}
end

local exit = os.exit

function os.exit(...)
  report()
  exit(...)
end

require "hooked"(hook)
debug.sethook(hook, "l")
return setmetatable({}, {__gc = report})
