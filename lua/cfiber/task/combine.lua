-- task/combine.lua: to wait for several tasks, or not too long for one
--
-- The tasks that these functions make end with the wait, also when the task
-- that waits is cancelled or leaves it by an error. The first of these errors
-- is raised; those of <close> variables of tasks that are cancelled after it
-- are reported as those of any task.

local brood = require "cfiber.task.brood"
local check = require "cfiber.task.check"

local unpack = table.unpack

local combine = {}

-- ---------------------------------------------------------------------------
-- Broods of as many tasks as there are arguments: 'members' has them by
-- argument, 'times' how often one is among them, 'left' how many have not ended

local all, any = brood.kind "tasks", brood.kind "tasks"

local function finish(self)
  self:doom()
  self:wake()
  self.over = true
end

local function count(self, t)
  local times = self.times[t] or 1
  self.times[t] = 0  -- it is counted once
  self.left = self.left - times
end

-- All have to end well.
function all:ended(t)
  count(self, t)
  if self.over then
    return false
  elseif t.failed then
    self:fail(t)
  end
  if self.failed or self.left == 0 then
    finish(self)
  end
  return true
end

-- One has to end well.
function any:ended(t)
  count(self, t)
  if self.over then
    return false
  elseif not t.failed then
    self.winner = t
  else
    self:fail(t)
  end
  if not t.failed or self.left == 0 then
    finish(self)
  end
  return true
end

local function refuse(n, name, what)
  error(("bad argument #%d to '%s' (%s)"):format(n, name, what), 5)
end

-- The task that an argument is, or nil for a function.
local function member(core, name, n, f)
  if check.iscallable(f) then
    return nil
  elseif type(f) ~= "thread" then
    refuse(n, name, ("function or task expected, got %s"):format(f == nil and "no value" or type(f)))
  end
  local t = core:find(f)
  if not t then
    refuse(n, name, "not a task of this scheduler")
  elseif t == core.cur then
    refuse(n, name, "a task cannot wait for itself")
  end
  return t
end

-- A brood for these arguments, none of which has begun.
local function new(core, kind, name, ...)
  local self = brood.new(kind, core)
  self.left, self.members, self.times = select("#", ...), {}, {}
  for n = 1, self.left do
    local t = member(core, name, n, (select(n, ...)))
    if t then
      self.members[n] = t
      self.times[t] = (self.times[t] or 0) + 1
    end
  end
  return self
end

-- Waits for the tasks and begins the functions, as far as that is needed.
local function start(self, ...)
  local seen, members = {}, self.members
  for n = 1, select("#", ...) do
    if self.over then
      return
    end
    local t = members[n]
    if not t then
      members[n] = self:begin(3, (select(n, ...)))
    elseif not seen[t] then
      seen[t] = true
      self:join(t)
    end
  end
end

local function resultsof(t)
  if t.results then
    return unpack(t.results, 1, t.results.n)
  end
end

-- ---------------------------------------------------------------------------
-- What is called

--- Runs f(...) in a task of its own and waits for its end, for at most so many
-- seconds; then that task is cancelled.
-- @return true and the results of f; or false, "timeout"
-- Raises the error of f, or "cancelled" when others cancelled its task.
function combine.timeout(core, seconds, f, ...)
  check.seconds(1, "timeout", seconds)
  check.callable(2, "timeout", f)
  core:current "timeout"
  local self <close> = new(core, all, "timeout", f)
  local t = self:begin(2, f, ...)
  local _, why = self:await("timeout", seconds)
  if why == "timeout" then
    self:stop()
  end
  if not t.failed then
    return true, resultsof(t)
  elseif why == "timeout" and (t.cancelled or t.state ~= "ended") then
    return false, "timeout"
  end
  self:raise()
end

--- Waits until all have ended. Functions run in tasks of their own, all at once.
-- @param ...  functions and tasks
-- @return the first result of each, in order
-- Raises the first error of one, when the functions' tasks have been cancelled;
-- the error of a task that others cancel is "cancelled".
function combine.all(core, ...)
  core:current "all"
  local self <close> = new(core, all, "all", ...)
  start(self, ...)
  if select("#", ...) > 0 then
    self:await "all"
  end
  if self.failed then
    self:raise()
  end
  local results = {}
  for n, t in ipairs(self.members) do
    results[n] = (t.results or {})[1]
  end
  return unpack(results, 1, #self.members)
end

local function place(members, t)
  for n, other in ipairs(members) do
    if other == t then
      return n
    end
  end
end

--- Waits until one has ended without an error. Functions run in tasks of their
-- own, all at once; those that are left are cancelled.
-- @param ...  functions and tasks, at least one
-- @return which argument that was, and its results
-- Raises the last error when all have failed.
function combine.any(core, ...)
  if select("#", ...) == 0 then
    check.fail(1, "any", "function or task expected, got no value")
  end
  core:current "any"
  local self <close> = new(core, any, "any", ...)
  start(self, ...)
  self:await "any"
  local t = self.winner
  if not t then
    self:raise()
  end
  return place(self.members, t), resultsof(t)
end

return combine
