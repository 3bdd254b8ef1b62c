-- debugger.lua: a line debugger, in the way of those that editors talk to

--- A function 'asks' (see below) that is a coroutine: it yields commands.
local debugger = {session = coroutine.wrap}

local running, status = coroutine.running, coroutine.status
local source, breakpoints, ask
local stopshere  -- a function of thread, depth and line

-- Commands make it of where the program is. Step over: not into what the line
-- calls or resumes; to the caller or resumer where that has ended or yields.
local commands = {}

function commands.run()
  return function(_, _, line) return breakpoints[line] end
end

function commands.into()
  return function() return true end
end

function commands.over(thread, depth)
  return function(other, otherdepth, line)
    return breakpoints[line] or other == thread and otherdepth <= depth
      or other ~= thread and status(thread) ~= "normal"
  end
end

local function depth()
  local n = 0
  while debug.getinfo(n + 1, "l") do
    n = n + 1
  end
  return n
end

local function hook(_, line)
  if debug.getinfo(2, "S").source == source then
    local thread, level = running(), depth()
    if stopshere(thread, level, line) then
      stopshere = commands[ask(thread, line)](thread, level)
    end
  end
end

require "hooked"(hook)

--- Runs a chunk with breakpoints at lines, in this coroutine. 'command': what
-- to begin with. 'asks': a function that is called with thread and line where
-- the program stops, and returns a command.
function debugger.run(chunk, lines, command, asks)
  source, breakpoints, ask = debug.getinfo(chunk, "S").source, lines, asks
  stopshere = commands[command]()
  debug.sethook(hook, "l")
  chunk()
  debug.sethook()
  ask, stopshere = nil, nil
end

-- The level and index of a variable in the innermost function of the program
local function find(thread, name)
  local level, i = 0, 0
  while debug.getinfo(thread, level, "S").source ~= source do
    level = level + 1
  end
  repeat i = i + 1 until assert(debug.getlocal(thread, level, i)) == name
  return level, i
end

--- The value of a variable in a thread that does not run.
function debugger.get(thread, name)
  return (select(2, debug.getlocal(thread, find(thread, name))))
end

--- Sets it.
function debugger.set(thread, name, value)
  local level, i = find(thread, name)
  debug.setlocal(thread, level, i, value)
end

return debugger
