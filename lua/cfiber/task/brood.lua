-- task/brood.lua: tasks that belong to a call or a block and end before it
--
-- A kind of brood is a table made by brood.kind, with a method ended(t), called
-- when one of its tasks has ended; it returns whether it sees to the error.
-- What it does not see to goes the way of other tasks' errors. It is called
-- while the scheduler is busy and runs nobody's code; once more where it fails.

local queue = require "cfiber.task.queue"

local pack = table.pack

local brood = {}

--- A new kind: the methods of all broods, and those that are added; 'name' is
-- what such a brood is called where it is waited for.
function brood.kind(name)
  local kind = setmetatable({__name = name}, {__index = brood})
  kind.__index, kind.__close = kind, brood.close
  return kind
end

--- A brood, for a <close> variable: what is left in the end is cancelled.
function brood.new(kind, core)
  return setmetatable({
    core = core,
    tasks = queue.new(),  -- its own that have not ended
    joined = queue.new(),  -- those of others that it waits for
    waiting = queue.new(),  -- tasks that wait for it
    over = false,  -- nobody needs to wait any more
    stopped = false,  -- its own tasks end
    closed = false,  -- nobody wants to know of them any more
    failed = false,  -- the record of the one that failed
    error = false, cause = false,  -- its own
  }, kind)
end

--- Called when one has ended: see core.atend.
function brood:atend(t)
  self.tasks:remove(t)
  self.joined:remove(t)
  if not self.closed and self:ended(t) then
    t.owned = self
  elseif t.owned == self then
    t.owned = nil
  end
end

--- Runs f(...) in a task of its own until it first waits; 'level' is that of the
-- function to name as its origin. Returns the record.
function brood:begin(level, f, ...)
  local core = self.core
  core:enter()
  local t = core:make(f, level + 1, select("#", ...) > 0 and pack(...) or nil)
  t.owned = self
  core.atend(t, self)
  self.tasks:push(t)
  core:spawn(t)
  return t
end

--- Takes part in the end of somebody else's task.
function brood:join(t)
  local core = self.core
  core:enter()
  if t.state == "ended" then
    self:atend(t)
  else
    core.atend(t, self)
    self.joined:push(t)
  end
  core.busy = false
end

--- Keeps the error of t to be raised, and what t did.
function brood:fail(t)
  self.failed, self.error, self.cause = t, t.results[1], self.core:cause(t)
end

--- Raises that error in the task that runs, or in the host.
function brood:raise()
  local t = self.core.cur
  if t then
    t.cause = self.cause
  end
  error(self.error, 0)
end

-- ---------------------------------------------------------------------------
-- Waiting

local function unwait(self, t)
  self.waiting:remove(t)
end

--- Does nobody need to wait?
function brood:isover()
  return self.over
end

--- The running task waits until it is over, at most for 'seconds'; returns
-- what core:block does.
function brood:await(what, seconds)
  local core = self.core
  core:current(what)
  core.busy = true
  if self:isover() then
    core.busy = false
    return
  end
  return core:block(what, self, unwait, seconds, self.waiting, core.cur)
end

--- Wakes those that wait.
function brood:wake()
  local t = self.waiting:peek()
  while t do
    self.core:wake(t, self.waiting)
    t = self.waiting:peek()
  end
end

-- ---------------------------------------------------------------------------
-- Ends

local function list(tasks)
  local all, t = {}, tasks:peek()
  while t do
    all[#all + 1] = t
    t = tasks:behind(t)
  end
  return all
end

--- Its own tasks end now, but for the running one: that ends when it waits.
function brood:stop()
  local core = self.core
  core:enter()
  self.stopped = true
  local all = list(self.tasks)
  core.busy = false
  for _, t in ipairs(all) do
    if t == core.cur then
      t.state = "doomed"
    else
      core:cancel(t)
    end
  end
end

--- The same from where nobody's code may run: by a task that comes first.
function brood:doom()
  self.stopped = true
  if self.tasks:peek() then
    local core = self.core
    local t = core:make(function() self:stop() end, 1)
    t.name = "cancel"
    core:pushfront(t)
  end
end

--- The same; from now on it has no part in anybody's errors.
function brood:close()
  local core = self.core
  core:enter()
  self.over, self.closed, self.stopped = true, true, true
  local t = self.joined:pop()
  while t do
    if t.atend then  -- it may have ended just now
      core.forget(t, self)
    end
    t = self.joined:pop()
  end
  core.busy = false
  self:stop()
end

return brood
