-- task/ends.lua: how tasks end, as methods of the core

local cfiber = require "cfiber"
local queue = require "cfiber.task.queue"
local waits = require "cfiber.task.waits"

local suspend, close, status = cfiber.suspend, cfiber.close, cfiber.status
local withdraw = waits.withdraw
local pack, getinfo = table.pack, debug.getinfo

local ends = {}

local function unjoin(t, joiner)
  t.joiners:remove(joiner)
end

--- The running task waits for the end of t, at most for 'seconds'. Returns
-- t, or nil, "timeout".
function ends:join(t, seconds)
  t.joiners = t.joiners or queue.new()
  return self:block("join", t, unjoin, seconds, t.joiners, self.cur)
end

--- on:atend(t) is called when t has ended, unless it was forgotten; once more
-- where it fails.
function ends.atend(t, on)
  t.atend = t.atend or queue.new()
  t.atend:remove(on)  -- of a call that failed
  t.atend:push(on)
end

function ends.forget(t, on)
  t.atend:remove(on)
end

local function callatend(t)
  local list = t.atend
  local on = list:peek()
  while on do
    on:atend(t)
    list:pop()
    on = list:peek()
  end
  t.atend = nil
end

-- Returns whether there were any.
local function wakejoiners(self, t)
  local joiners = t.joiners
  local joiner = joiners:peek()
  local joined = joiner
  while joiner do
    self:wake(joiner, joiners, t)
    joiner = joiners:peek()
  end
  return joined
end

-- What follows when a task has ended. It is among the living until all is done.
local function conclude(self, t)
  self.busy = true
  if t.atend then
    callatend(t)
  end
  local joined = t.joiners and wakejoiners(self, t)
  self:unlink(t)
  if t.closes and t.closes.state == "closing" then  -- not begun, or not done
    self.broken = true
  end
  self.busy = false
  if t.failed and not t.cancelled and not joined and not t.owned then
    self.failed(self, t)
  end
end

local function finish(self, t, ok, ...)
  if t.state == "ended" then
    return
  end
  self.busy = true
  withdraw(self, t)
  if self.tracer then
    self.tracer:ended(t, ok, ...)
  end
  t.results = select("#", ...) > 0 and pack(...)
  if not ok then
    t.failed = true
  end
  t.state, t.what = "ended", false
  return conclude(self, t)
end

-- A task that closes another may be closed in the middle of that, which closes
-- both.
local killing = {}

function killing:__close(err)
  local core, t = self.core, self.task
  core.broken = core.broken or err ~= nil
  if t.state == "closing" and t.closer == self.by then  -- nobody else does that now
    t.closer = false
    if status(t.thread) ~= "suspended" then  -- it was begun
      finish(core, t, false, "cancelled")
    end
  end
end

-- The task is not resumed any more.
local function condemn(self, t, by)
  t.closer = by
  t.cancelled = true
  t.state = "closing"
  withdraw(self, t)
end

-- Closes a task, from the inside out. 'by' condemns it; nil where it is condemned.
local function execute(self, t, by)
  local condemned = by == nil
  if condemned then
    by = t.closer
  end
  local _ <close> = setmetatable({core = self, task = t, by = by}, killing)
  if not condemned then
    condemn(self, t, by)
  end
  self.busy = false
  local ok, err = close(t.thread)
  if ok then
    finish(self, t, false, "cancelled")
  else
    t.cancelled = nil
    finish(self, t, false, err)
  end
end

--- Ends a task that does not run.
function ends:kill(t)
  self:enter()
  execute(self, t, self.cur)
  local victim = t.closes
  if victim and victim.state == "closing" then  -- not begun
    execute(self, victim)
  end
end

-- What a task does that closes t.
local function shut(self, t)
  if t.state == "ended" then  -- an error leaves <close> variables to that
    close(t.thread)
  else
    execute(self, t)
  end
end

local function makecloser(self, t)
  local by = self:make(shut, 1, {self, t, n = 2})
  by.name, by.closes, by.origin, by.locals, by.inherited = "close", t, t.origin, t.locals, t.inherited
  if self.tracer then
    self.tracer:named(by)
  end
  return by
end

-- A task that closes t, for where no task runs: within the limits, and what it
-- runs may wait. nil where nothing runs, or where there is no memory for it: t is
-- closed at once.
local function closer(self, t)
  local ok, by = false, nil
  if getinfo(t.thread, 0, "l") then
    ok, by = pcall(makecloser, self, t)
    self.broken = self.broken or not ok
  end
  if t.state ~= "ended" then
    condemn(self, t, ok and by)
  end
  if ok then
    return by
  end
  shut(self, t)
end

-- The same, which comes next.
local function closenext(self, t)
  local by = closer(self, t)
  if by then
    self:pushfront(by)
  end
end

--- Ends a task in whatever state; the running one never comes back from it.
-- Returns whether it had not ended before.
function ends:cancel(t)
  self:enter()
  local state = t.state
  if t == self.cur then
    t.state = "doomed"
    suspend(t.thread)
  elseif state == "running" then
    t.state = "doomed"
  elseif state ~= "doomed" and state ~= "closing" and state ~= "ended" then
    if self.cur then
      self:kill(t)
    else
      local by = closer(self, t)
      if by then
        self:spawn(by)
      end
    end
  end
  self.busy = false
  return state ~= "closing" and state ~= "ended"
end

ends.finish, ends.conclude, ends.closenext = finish, conclude, closenext

return ends
