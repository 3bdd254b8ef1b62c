--- cfiber.task: a scheduler for game loops and scripts.
-- The module is a scheduler; new() makes another one. All functions are called
-- without a self. Times are in seconds.

local budget = require "cfiber.task.budget"
local core = require "cfiber.task.core"

-- Until the first update says what the host allows: what never ends must not
-- keep it from that.
local STARTS = {instructions = 20000}

local parts = {}
for i, name in ipairs {
  "basic", "report", "trace", "signal", "channel", "mutex", "combine", "group", "locals", "await", "loop",
} do
  parts[i] = require("cfiber.task." .. name)
end

-- f with its first argument given; without varargs where f has none, which
-- takes half the time.
local function bind(f, x)
  local info = debug.getinfo(f, "u")
  if info.isvararg or info.nparams > 3 then
    return function(...) return f(x, ...) end
  elseif info.nparams == 3 then
    return function(a, b) return f(x, a, b) end
  end
  return function(a) return f(x, a) end
end

--- Another scheduler, with tasks and a time of its own.
-- @return a table of the same functions
local function new()
  local scheduler, t = core.new(), {}
  scheduler.budget = budget.new(scheduler, STARTS)
  for _, part in ipairs(parts) do
    for name, f in pairs(part) do
      t[name] = bind(f, scheduler)
    end
  end
  local on_error = t.on_error
  scheduler.failed = function(_, failed)
    scheduler:report(failed, t.on_error or on_error)
  end
  t.new = new
  return t
end

return new()
