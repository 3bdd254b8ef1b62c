-- task/mutex.lua: mutexes, which one task holds at a time
--
-- Who unlocks hands the mutex to the first that waits, which holds it before it
-- runs: nobody comes in between.

local check = require "cfiber.task.check"
local queue = require "cfiber.task.queue"

local mutex = {}
mutex.__index = mutex

local function label(t)
  return t.name and ("'%s'"):format(t.name) or ("task %d"):format(t.id)
end

-- Called when the holder cannot hold it any more.
local function pass(m)
  local t = m.waiting:peek()
  if t then
    m.core.atend(t, m)
    m.core:wake(t, m.waiting, m, nil, mutex.giveback)
  end
  m.holder = t
end

local function leave(m)
  local holder = m.holder
  pass(m)
  m.core.forget(holder, m)
end

mutex.giveback = leave

-- See core.atend.
function mutex:atend(t)
  if self.holder == t then
    pass(self)
  end
end

local function unwait(m, t)
  m.waiting:remove(t)
end

local function result(m, why)
  if why then
    return m, why
  end
  return m
end

--- Waits until nobody else holds the mutex, for at most 'timeout' seconds, and
-- holds it: until it is unlocked or the task has ended, in whatever way. First
-- come, first served; 0 does not wait. An error where the task holds it already.
-- @return the mutex itself, so that 'local _ <close> = m:lock()' unlocks it at
--   the end of the block; or nil, "timeout"
function mutex:lock(timeout)
  if getmetatable(self) ~= mutex then
    check.self("lock", "mutex", self)
  end
  if timeout ~= nil then
    check.seconds(1, "lock", timeout)
  end
  local core = self.core
  local t = core:current "lock"
  t.atend = t.atend or queue.new()  -- a finalizer must not come in between later
  core.busy = true
  local holder = self.holder
  if not holder then
    core.atend(t, self)
    self.holder = t
  elseif core:acts(holder) then
    core.busy = false
    error(("'lock' of a mutex that %s holds itself"):format(label(holder)), 2)
  elseif timeout == 0 then
    core.busy = false
    return nil, "timeout"
  else
    return result(core:block("lock", self, unwait, timeout, self.waiting, t))
  end
  core.busy = false
  return self
end

--- Hands the mutex to the first that waits. An error where the task does not
-- hold it.
function mutex:unlock()
  if getmetatable(self) ~= mutex then
    check.self("unlock", "mutex", self)
  end
  local core = self.core
  core:begin()
  local holder = self.holder
  local held = holder and core:acts(holder)
  if held then
    leave(self)
  end
  core.busy = false
  if not held then
    error(("'unlock' of a mutex that %s holds"):format(holder and label(holder) or "nobody"), 2)
  end
end

-- At the end of a block. It may be unlocked already.
function mutex:__close()
  local core = self.core
  core:begin()
  if self.holder and core:acts(self.holder) then
    leave(self)
  end
  core.busy = false
end

function mutex:__tostring()
  local waiting = self.waiting.count
  return ("mutex %p: %s%s"):format(self,
    self.holder and label(self.holder) .. " holds it" or "free",
    waiting > 0 and (", %d wait%s"):format(waiting, waiting == 1 and "s" or "") or "")
end

local part = {}

--- Something that one task holds at a time.
-- @return a mutex, see its methods
function part.mutex(core)
  return setmetatable({
    core = core,
    holder = false,  -- the record of a task
    waiting = queue.new(),
  }, mutex)
end

return part
