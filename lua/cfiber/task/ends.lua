-- task/ends.lua: how tasks end, as methods of the core

local cfiber = require "cfiber"
local queue = require "cfiber.task.queue"
local waits = require "cfiber.task.waits"

local suspend, close = cfiber.suspend, cfiber.close
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
  t.joiners:push(self.cur)
  return self:block("join", t, unjoin, seconds)
end

--- on:atend(t) is called when t has ended, unless it was forgotten.
function ends.atend(t, on)
  t.atend = t.atend or queue.new()
  t.atend:push(on)
end

function ends.forget(t, on)
  t.atend:remove(on)
end

local function callatend(t)
  local list = t.atend
  t.atend = nil
  local on = list:pop()
  while on do
    on:atend(t)
    on = list:pop()
  end
end

-- Returns whether there were any.
local function wakejoiners(self, t)
  local joiner = t.joiners:pop()
  local joined = joiner ~= nil
  while joiner do
    self:wake(joiner, t)
    joiner = t.joiners:pop()
  end
  return joined
end

local function finish(self, t, ok, ...)
  self.busy = true
  withdraw(self, t)
  self:unlink(t)
  if self.tracer then
    self.tracer:ended(t, ok, ...)
  end
  t.state, t.ok, t.what = "ended", ok, nil
  t.results = select("#", ...) > 0 and pack(...) or nil
  if t.atend then
    callatend(t)
  end
  local joined = t.joiners and wakejoiners(self, t)
  self.busy = false
  if not ok and not t.cancelled and not joined and not t.owned then
    self.failed(self, t)
  end
end

-- A task that closes another may be closed in the middle of that, which closes
-- both.
local killing = {}

function killing:__close()
  if self.task.state == "closing" then
    finish(self.core, self.task, false, "cancelled")
  end
end

-- The task is not resumed any more.
local function condemn(self, t, by)
  withdraw(self, t)
  t.state, t.cancelled, t.closer = "closing", true, by
end

-- Closes a condemned task, from the inside out.
local function execute(self, t)
  local _ <close> = setmetatable({core = self, task = t}, killing)
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
  condemn(self, t, self.cur)
  execute(self, t)
  local victim = t.closes
  if victim and victim.state == "closing" then  -- not begun
    execute(self, victim)
  end
end

-- A task that closes t, for where no task runs: within the limits, and what it
-- runs may wait. nil where nothing runs, or where there is no memory for it: t is
-- closed at once.
local function closer(self, t)
  local function f()
    if t.state == "ended" then  -- an error leaves <close> variables to that
      close(t.thread)
    else
      execute(self, t)
    end
  end
  local ok, by = false, nil
  if getinfo(t.thread, 0, "l") then
    ok, by = pcall(self.make, self, f, 1)
  end
  if t.state ~= "ended" then
    condemn(self, t, ok and by)
  end
  if not ok then
    return f()
  end
  by.name, by.closes, by.origin, by.locals, by.inherited = "close", t, t.origin, t.locals, t.inherited
  if self.tracer then
    self.tracer:named(by)
  end
  return by
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

ends.finish, ends.closenext = finish, closenext

return ends
