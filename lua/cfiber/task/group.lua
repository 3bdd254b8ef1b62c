-- task/group.lua: tasks that end before the block that made them is left

local brood = require "cfiber.task.brood"
local check = require "cfiber.task.check"

local getinfo = debug.getinfo

local group = brood.kind "group"

-- The first error dooms the rest and goes to the owner, into whatever it waits
-- for; where that has ended it is nobody's.
function group:ended(t)
  local first = t.failed and not t.cancelled and (not self.failed or self.failed == t)
  if first then
    self:fail(t)
    self:doom()
    self.core:interrupt(self.owner, self)
  end
  if self:isover() then
    self:wake()
  end
  return first and self.owner.state ~= "ended"
end

-- The owner has its error, or gets it now.
local function take(self)
  local owner = self.owner
  if owner.interrupt == self then
    owner.interrupt = nil
  end
end

function group:isover()
  return not self.tasks:peek()
end

local function waitall(self)
  while not self:isover() do
    self:await "group"
  end
end

--- Runs f(...) in a new task of the group until it first waits. Any task may
-- call it, and the host.
-- @return the thread of the task
-- Raises the group's error in its owner when a task has failed.
function group:spawn(f, ...)
  if getmetatable(self) ~= group then
    check.self("spawn", "group", self)
  end
  check.callable(1, "spawn", f)
  if self.failed and self.core.cur == self.owner then
    take(self)
    self:raise()
  elseif self.over or self.cancelled or self.failed then
    error(("the group %s"):format(self.over and "was left" or self.failed and "has failed" or "was cancelled"), 2)
  end
  return self:begin(2, f, ...).thread
end

--- Waits until all tasks have ended; more may be spawned afterwards.
-- Raises the first error of one.
function group:wait()
  if getmetatable(self) ~= group then
    check.self("wait", "group", self)
  end
  local t = self.core:current "wait"
  if t.owned == self then
    error("a task cannot wait for its own group", 2)
  end
  waitall(self)
  if self.failed then
    if t == self.owner then
      take(self)
    end
    self:raise()
  end
end

--- Cancels the tasks; none can be spawned any more. A task of the group may
-- call it, which ends that one, too.
function group:cancel()
  if getmetatable(self) ~= group then
    check.self("cancel", "group", self)
  end
  self.cancelled = true
  self:stop()
  local t = self.core.cur
  if t and t.owned == self then
    self.core:cancel(t)
  end
end

local function closed(rest)
  brood.close(rest.group)
end

--- Leaves the block: waits for the tasks, raises their first error. They are
-- cancelled when an error leaves it, and when its thread is closed (the owner is
-- cancelled or exits, a generator is left): then this has no function below it.
function group:__close(err)
  local _ <close> = self.rest  -- also when this wait is cancelled
  local leaves = err == nil and getinfo(2, "f") and self.core.cur == self.owner
  if leaves then
    waitall(self)
  end
  take(self)
  if leaves and self.failed then
    self:raise()
  end
end

local groups = {}

--- A group of tasks: local g <close> = task.group(). Its owner is the task that
-- makes it, which does not leave the block before they have ended. When one
-- fails the rest are cancelled, and the error is raised in the owner: in
-- g:wait(), when the block is left, or in whatever else it waits for inside the
-- block, now or next.
-- @return the group, with methods spawn, wait, cancel
function groups.group(core)
  local owner = core:current "group"
  local self = brood.new(group, core)
  self.owner, self.cancelled = owner, false
  self.rest = setmetatable({group = self}, {__close = closed})
  return self
end

return groups
