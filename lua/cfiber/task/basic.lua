-- task/basic.lua: to start tasks, to wait, to end them

local check = require "cfiber.task.check"
local budget = require "cfiber.task.budget"
local cfiber = require "cfiber"

local status = cfiber.status
local unpack, pack = table.unpack, table.pack

local basic = {}

-- ---------------------------------------------------------------------------
-- Start

local function refuse(core, n, name, what)
  core.busy = false
  error(("bad argument #%d to '%s' (%s)"):format(n, name, what), 4)
end

-- A new task of a function or a suspended thread; or one that yielded by
-- itself, which goes on. 'busy' begins.
local function begin(core, name, n, f, ...)
  core:begin()
  local args = select("#", ...) > 0 and pack(...) or nil
  local kind = type(f)
  if kind ~= "thread" then
    if kind ~= "function" and not check.iscallable(f) then
      refuse(core, n, name, ("function or thread expected, got %s"):format(f == nil and "no value" or kind))
    end
    return core:make(f, 2, args)
  end
  local t = core:find(f)
  if t and t.state == "waiting" and t.what == "spawn" then
    t.args = args
    t.state = "new"
    return t
  elseif t and t.state ~= "ended" then
    local waits = t.state == "waiting" or t.state == "frame"
    refuse(core, n, name, waits and ("the task waits %s"):format(core:awaited(t)) or ("the task is %s"):format(t.state))
  elseif core:isforeign(f) then
    refuse(core, n, name, "a task of another scheduler")
  elseif status(f) ~= "suspended" then
    refuse(core, n, name, ("cannot start a %s thread"):format(status(f)))
  end
  return core:make(f, 2, args)
end

--- Runs f(...) in a new task now, until it first waits; then goes on.
-- @param f  a function, or a thread: suspended and no task yet, or a task that
--   yielded by itself, whose yield returns the arguments
-- @return the thread of the task, by which the other functions know it
function basic.spawn(core, f, ...)
  local t = begin(core, "spawn", 1, f, ...)
  core:spawn(t)
  return t.thread
end

--- The same at the end of this update, when nothing else is left to run.
function basic.defer(core, f, ...)
  local t = begin(core, "defer", 1, f, ...)
  core:defer(t)
  core.busy = false
  return t.thread
end

--- The same when so many seconds have passed, but not before the next update.
function basic.delay(core, seconds, f, ...)
  check.seconds(1, "delay", seconds)
  local t = begin(core, "delay", 2, f, ...)
  core:sleep(t, "delay", seconds)
  core.busy = false
  return t.thread
end

-- ---------------------------------------------------------------------------
-- Wait

--- Waits for so many seconds, by default and at least until the next update.
-- @return the seconds that passed
function basic.wait(core, seconds)
  local t, since = core.cur, core.now
  if not t or core.busy or t.state ~= "running" then
    t = core:current "wait"
  end
  if seconds == nil then
    core.busy = true
    core:blocknext(t, "wait")
    return core.now - since
  end
  check.seconds(1, "wait", seconds)
  core.busy = true
  if seconds > 0 then
    core:block("wait", false, false, seconds)
  else
    core:blocknext(t, "wait")
  end
  return core.now - since
end

--- Waits for the n-th update from now.
-- @return the seconds that passed
function basic.frames(core, n)
  check.count(1, "frames", n, 1)
  local t = core:current "frames"
  local since = core.now
  core.busy = true
  core:blockframes(t, "frames", n)
  return core.now - since
end

--- Waits until predicate() is true; it is called now and in each update, in
-- the task that waits.
-- @return what it returned
function basic.wait_until(core, predicate)
  check.callable(1, "wait_until", predicate)
  local t = core:current "wait_until"
  local value = predicate()
  while not value do
    core.busy = true
    core:blocknext(t, "wait_until")
    value = predicate()
  end
  return value
end

--- The task that runs, also inside of a generator.
-- @return its thread; or nil, outside of tasks
function basic.running(core)
  return core.cur and core.cur.thread or nil
end

-- ---------------------------------------------------------------------------
-- End

local function known(core, name, thread)
  local t = core:find(thread)
  if t then
    return t
  end
  local what = type(thread) == "thread" and "not a task of this scheduler"
    or ("thread expected, got %s"):format(thread == nil and "no value" or type(thread))
  error(("bad argument #1 to '%s' (%s)"):format(name, what), 3)
end

--- Ends a task: its <close> variables run, innermost first, before this
-- returns; where the host cancels and they wait or go beyond the limits, the
-- rest of that in later updates. A task may cancel itself.
-- @return whether it had not ended before
function basic.cancel(core, thread)
  return core:cancel(known(core, "cancel", thread))
end

--- Waits until a task has ended, for at most 'timeout' seconds.
-- @return true and its results; false and its error; false, "cancelled";
--   false, "timeout"
function basic.join(core, thread, timeout)
  local t = known(core, "join", thread)
  if timeout ~= nil then
    check.seconds(2, "join", timeout)
  end
  local cur = core:begin()  -- it must not end before the wait begins
  if t.state ~= "ended" then
    if not cur then
      core:current "join"
    elseif cur == t then
      core.busy = false
      error("a task cannot join itself", 2)
    end
    local _, why = core:join(t, timeout)
    if why == "timeout" then
      return false, why
    end
  end
  core.busy = false
  if t.results then
    return not t.failed, unpack(t.results, 1, t.results.n)
  end
  return not t.failed
end

-- ---------------------------------------------------------------------------
-- Time

--- Lets dt seconds pass and runs what is due.
-- @param dt      seconds since the last update
-- @param limits  {instructions = n, seconds = s}: what is left when so much ran
--   goes on in the next update, all in turn. nil: no limit. They hold for what
--   the host spawns until the next update, too; before the first it is stopped
--   after some 10,000 instructions and goes on in that
-- @return how many tasks are due and did not fit into the limits; if any, also an
--   array of the threads of those that were stopped in the middle (see name)
function basic.update(core, dt, limits)
  check.seconds(1, "update", dt)
  if core.now + dt == math.huge then
    check.fail(1, "update", "seconds must be finite")
  end
  check.limits(2, "update", limits)
  if core.updating or core.cur then
    error("update inside of an update of the same scheduler", 2)
  end
  local b = budget.new(core, limits)
  core.budget = b
  if b then
    b:begin()
  end
  return core:update(dt)
end

return basic
