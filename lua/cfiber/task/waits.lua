-- task/waits.lua: how tasks wait and are woken, as methods of the core

local cfiber = require "cfiber"

local suspend, status, isyieldable = cfiber.suspend, cfiber.status, cfiber.isyieldable
local getinfo = debug.getinfo

local LEFT = setmetatable({}, {__name = "left"})

local waits = {LEFT = LEFT}  -- what a task yields that waits
local GONE = {state = "ended"}  -- in the place of one that was taken off a list

local function settimer(self, t, seconds)
  if seconds < math.huge then
    self.timers:add(t, self.now + seconds)
  end
end

-- Takes out t, which waits for a frame further ahead: t.bucket[t.place] is
-- false then. With its last one the list goes.
local function unframe(self, t)
  local list = t.bucket
  list[t.place] = false
  list.left = list.left - 1
  t.bucket, t.place = false, false
  if list.left == 0 then
    self.frames[list.frame] = nil
  end
end

-- Takes a task out of all that would wake it, and from it what it was woken
-- with.
local function withdraw(self, t)
  if t.due then
    self.timers:remove(t)
  elseif t.bucket then
    unframe(self, t)
  end
  local undo = t.unwait or t.giveback
  if undo then
    undo(t.on, t)
    t.unwait, t.giveback = false, nil
  end
end

-- Back to the scheduler, from any depth inside the task, until it is resumed;
-- then raises what it is interrupted with. 'busy' before and after.
local function leave(self, t)
  local by
  t.left = true
  repeat
    by = suspend(t.thread, LEFT)
  until t.state == "running"  -- others may have resumed it
  t.left = false
  if by then
    self.busy = false
    t.cause = by.cause
    error(by.error, 0)
  end
end

local function strike(list, first, last, t)
  for i = first, last do
    if list[i] == t then
      list[i] = GONE
    end
  end
end

-- Takes a task off the lists of those that are resumed in time.
local function unlist(self, t)
  strike(self.queue, self.head, self.tail, t)  -- from a spawn
  strike(self.next, 1, self.nexts, t)
  if t.bucket and not t.due then
    unframe(self, t)
  end
end

-- A task runs whose state is another one: a wait was refused, or it is doomed.
local function recover(self, t)
  if t.state == "doomed" then
    suspend(t.thread)  -- for good
  end
  withdraw(self, t)
  unlist(self, t)
  t.state, t.left = "running", false
end

-- Ends a wait that cannot begin: the task is interrupted.
local function interrupted(self, t)
  local by = t.interrupt
  recover(self, t)
  t.interrupt, self.busy = nil, false
  t.cause = by.cause
  error(by.error, 0)
end

--- Raises by.error in the wait of t, or in its next one where it does not wait:
-- what it was woken with is not lost.
function waits:interrupt(t, by)
  if t.state ~= "frame" and (t.state ~= "waiting" or t.what == "spawn") then
    if not t.args or t.args[1] ~= by then
      t.interrupt = t.interrupt or by
    end
    return
  end
  t.args = {by, n = 1}
  local tail = self.tail + 1
  self.queue[tail] = t
  if t.state == "frame" then
    unlist(self, t)
  else
    withdraw(self, t)
  end
  self.tail, t.state = tail, "ready"
end

-- Does a debug hook run, not far out?
local function ishooked()
  for level = 3, 100 do
    local at = getinfo(level, "n")
    if not at or at.namewhat == "hook" then
      return at
    end
  end
end

-- What changes the scheduler is called while it is busy. That may also be over:
-- an error of memory ended it.
local function nest(self)
  self.broken = true
  if not isyieldable() then
    self.nested = true
  elseif ishooked() then
    error("attempt to call the scheduler from a debug hook in the middle of its work", 0)
  end
end

-- What changes the scheduler begins: 'busy'.
local function enter(self)
  if self.busy then
    nest(self)
  end
  self.busy = true
end

--- The same. Returns the record of the task that runs, or false. A finalizer may
-- call this in the middle of a wait that begins, which must not be undone then:
-- it cannot yield.
function waits:begin()
  enter(self)
  local t = self.cur
  if t and t.state ~= "running" and isyieldable() then
    recover(self, t)
  end
  return t
end

--- The record of the task that runs; an error in the name of a function
-- outside of tasks, which ends 'busy'.
function waits:current(name)
  local t = self.cur
  if not t then
    self.busy = false
    error(("'%s' %s"):format(name, self:isoutside() and "outside of a task" or "in a task of another scheduler"), 3)
  end
  if self.busy then
    nest(self)
  end
  if t.state ~= "running" then
    if not isyieldable() then
      error("attempt to yield from a finalizer", 0)
    end
    self:begin()
    self.busy = false
  end
  return t
end

--- Is t what runs: by itself, or its <close> variables as it is closed?
function waits:acts(t)
  while t and t.state == "closing" do
    t = t.closer
  end
  return t == self.cur
end

--- The running task, 'cur', waits until it is woken, at most for 'seconds'
-- (nil: for ever). 'what' says for what, on the object 'on'; list:push(x) puts it
-- on the object's list, if any, unwait(on, t) takes it off. Returns what wake got,
-- or nil, "timeout"; raises what it is interrupted with. 'busy' ends.
function waits:block(what, on, unwait, seconds, list, x)
  local t = self.cur
  if not isyieldable() and status(t.thread) ~= "normal" then  -- in a finalizer; <close> variables of others can wait
    self.busy = false
    error("attempt to yield from a finalizer", 0)
  end
  if seconds then
    settimer(self, t, seconds)
  end
  t.state, t.what, t.on, t.unwait, t.since = "waiting", what, on, unwait, self.now
  if list then
    list:push(x)
  end
  if t.interrupt then
    interrupted(self, t)
  end
  leave(self, t)
  local value, why = t.results, t.why
  t.why, t.giveback, t.on = nil, nil, false
  if value ~= nil then
    t.results = false  -- it keeps its place
  end
  self.busy = false
  return value, why
end

--- Makes a waiting task ready, the first of its object's list, if any: its wait
-- returns value, why. Where the value must not be lost, giveback(on, t) is called
-- when the task is ended before that; t.results is still there then. Where this
-- fails t waits as before.
function waits:wake(t, list, value, why, giveback)
  local tail = self.tail + 1
  self.queue[tail] = t
  t.results, t.why, t.giveback = value, why, giveback
  if t.due then
    self.timers:release(t)
  end
  if list then
    list:pop()
  end
  self.tail, t.state, t.unwait = tail, "ready", false
  if t.due then  -- as timers:remove, without a call, which may fail
    local bucket = t.bucket
    bucket[t.place], bucket.left = false, bucket.left - 1
    t.due, t.bucket, t.place = false, false, false
  end
end

-- t, which is in the list of an update, waits for it.
local function waitframe(self, t)
  if t.interrupt then
    interrupted(self, t)
  end
  leave(self, t)
  self.busy = false
end

--- The running task t waits for the next update.
function waits:blocknext(t, what)
  local n = self.nexts + 1
  self.next[n] = t
  self.nexts, t.state, t.what, t.since = n, "frame", what, self.now
  return waitframe(self, t)
end

--- The same for the n-th from now.
function waits:blockframes(t, what, n)
  if n == 1 then
    return self:blocknext(t, what)
  end
  local at = self.frame + n
  local list = self.frames[at]
  if not list then
    local new = {frame = at, n = 0, left = 0}
    list = self.frames[at] or new  -- a finalizer may have made one
  end
  if t.place == nil then
    t.bucket, t.place = false, false
  end
  local place = list.n + 1
  list[place] = t
  self.frames[at] = list
  list.n, list.left = place, list.left + 1
  t.bucket, t.place, t.state, t.what, t.since = list, place, "frame", what, self.now
  return waitframe(self, t)
end

--- A task that does not run yet waits for its time.
function waits:sleep(t, what, seconds)
  settimer(self, t, seconds)
  t.state, t.what = "waiting", what
end

waits.enter, waits.unframe, waits.leave, waits.recover = enter, unframe, leave, recover
waits.withdraw, waits.GONE = withdraw, GONE

return waits
