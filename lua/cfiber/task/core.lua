-- task/core.lua: tasks, their states, and the loop that resumes them
--
-- A task is a thread; the scheduler keeps a record of it:
--
--   state       meaning, and fields that count then
--   ready       in the queue (or deferred); 'args' are for its resume
--   running     resumed by this scheduler; 'cur' is the one that runs
--   doomed      runs, and ends as soon as it leaves
--   frame       in the list of an update to come; 'what' says for what
--   waiting     'what' says for what, 'on' is the object; 'unwait' takes it out
--               of the object's list, 'due' is the time at which its timer
--               wakes it
--   closing     its <close> variables run, in the task 'closer' (false: in the
--               host)
--   ended       'ok' and 'results' tell how; 'results' is nil for none
--
--   spawn, defer          block              wake, timer
--   ---------> ready -> running -> waiting -----------> ready
--                       |  |    -> frame
--                       |  v       |
--                       | doomed   | cancel
--                       |  v       v
--                       | closing <-
--                       v  v
--                       ended
--
-- Both states of waiting have 'since', the time when it began. A task leaves
-- with LEFT. A wait that is refused, as in a finalizer, raises, and the state
-- is wrong until the task next calls or leaves: see 'recover'.
--
-- A slice may stop a task wherever it is, so also between two steps of a
-- function that changes what the scheduler keeps. Such functions set 'busy'
-- meanwhile: the task then goes on until they are done.
--
-- A task that was woken has what it waited for only when it runs. Until then
-- 'giveback' is kept, where what it got would be lost with it: see core:wake.

local cfiber = require "cfiber"
local queue = require "cfiber.task.queue"
local records = require "cfiber.task.records"
local timers = require "cfiber.task.timers"

local resume, suspend, slice = cfiber.resume, cfiber.suspend, cfiber.slice
local status, isyieldable = cfiber.status, cfiber.isyieldable
local close = cfiber.close
local unpack, pack = table.unpack, table.pack

local LEFT = setmetatable({}, {__name = "left"})  -- what a task yields that waits
local STUCK = 3000  -- instructions in which a wait that is not refused has begun

local core = {}
core.__index = core
for name, f in pairs(records) do
  core[name] = f
end
local popbefore, popqueue, popdeferred = records.popbefore, records.popqueue, records.popdeferred

-- Called when a task that nobody joined has failed.
local function failed(_, t)
  io.stderr:write(tostring(t.results[1]), "\n")
end

function core.new()
  return records.enter(setmetatable({
    now = 0.0,  -- seconds, the sum of all updates
    frame = 0,  -- updates so far
    cur = false,  -- the record of the task that runs
    busy = false,
    more = 1000,  -- instructions until a busy task is asked again
    stuck = 0,  -- those since its state is that of a wait
    updating = false,
    queue = {}, head = 1, tail = 0,  -- of ready tasks; gaps are those of others
    deferred = {}, first = 1, last = 0,
    next = {}, nexts = 0,  -- those that wait for the next update
    frames = {},  -- frame -> those that wait for it, further ahead: see unframe
    timers = timers.new(),
    records = setmetatable({}, {__mode = "k"}),  -- thread -> record, of all tasks
    newest = nil,  -- of those that have not ended, a list by 'older', 'newer'
    count = 0,  -- of these
    made = 0,  -- tasks so far: their numbers
    origin = false,  -- of the last one
    budget = false,  -- of the last update, see budget.lua
    failed = failed,  -- called with the core and the record, see story.lua
    tracer = false,  -- told what happens, see trace.lua
  }, core))
end

-- ---------------------------------------------------------------------------
-- Waiting

local function settimer(self, t, seconds)
  if seconds < math.huge then
    t.due = self.now + seconds
    self.timers:add(t)
  end
end

-- Takes out t, which waits for a frame further ahead: t.bucket[t.place] is
-- false then. With its last one the list goes.
local function unframe(self, t)
  local list = t.bucket
  list[t.place] = false
  list.left = list.left - 1
  t.bucket, t.place = nil, nil
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
    t.unwait, t.giveback = nil, nil
    undo(t.on, t)
  end
end

-- Back to the scheduler, from any depth inside the task, until it is resumed;
-- then raises what it is interrupted with.
local function leave(t)
  local by
  repeat
    by = suspend(t.thread, LEFT)
  until t.state == "running"  -- others may have resumed it
  if by then
    error(by.error, 0)
  end
end

local function strike(list, first, last, t)
  for i = first, last do
    if list[i] == t then
      list[i] = {state = "ended"}
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
  t.state = "running"
end

-- Ends a wait that cannot begin: the task is interrupted.
local function interrupted(self, t)
  local by = t.interrupt
  recover(self, t)
  t.interrupt, self.busy = nil, false
  error(by.error, 0)
end

--- Raises by.error in the wait of t, or in its next one where it does not wait:
-- what it was woken with is not lost.
function core:interrupt(t, by)
  if t.state == "frame" then
    unlist(self, t)
  elseif t.state == "waiting" and t.what ~= "spawn" then
    withdraw(self, t)
  else
    t.interrupt = t.interrupt or by
    return
  end
  t.state, t.args = "ready", {by, n = 1}
  self:push(t)
end

--- What changes the scheduler begins: 'busy'. Returns the record of the task
-- that runs, or false. A finalizer may call this in the middle of a wait that
-- begins, which must not be undone then: it cannot yield.
function core:begin()
  self.busy = true
  local t = self.cur
  if t and t.state ~= "running" and isyieldable() then
    recover(self, t)
  end
  return t
end

--- The record of the task that runs; an error in the name of a function
-- outside of tasks, which ends 'busy'.
function core:current(name)
  local t = self.cur
  if not t then
    self.busy = false
    error(("'%s' outside of a task"):format(name), 3)
  elseif t.state ~= "running" then
    if not isyieldable() then
      error("attempt to yield from a finalizer", 0)
    end
    self:begin()
    self.busy = false
  end
  return t
end

--- Is t what runs: by itself, or its <close> variables as it is closed?
function core:acts(t)
  while t and t.state == "closing" do
    t = t.closer
  end
  return t == self.cur
end

--- The running task, 'cur', waits until it is woken, at most for 'seconds'
-- (nil: for ever). 'what' says for what, on the object 'on'; unwait(on, t)
-- takes it off the object's list. Returns what wake got, or nil, "timeout";
-- raises what it is interrupted with. 'busy' ends.
function core:block(what, on, unwait, seconds)
  local t = self.cur
  if not isyieldable() and status(t.thread) ~= "normal" then  -- in a finalizer; <close> variables of others can wait
    if unwait then
      unwait(on, t)
    end
    self.busy = false
    error("attempt to yield from a finalizer", 0)
  end
  t.state, t.what, t.on, t.unwait, t.since = "waiting", what, on, unwait, self.now
  if seconds then
    settimer(self, t, seconds)
  end
  if t.interrupt then
    interrupted(self, t)
  end
  leave(t)
  self.busy = true
  local value, why = t.value, t.why
  t.value, t.why, t.giveback, t.on = nil, nil, nil, nil
  self.busy = false
  return value, why
end

--- Makes a waiting task ready: its wait returns value, why. Where the value
-- must not be lost, giveback(on, t) is called when the task is ended before
-- that; t.value is still there then.
function core:wake(t, value, why, giveback)
  if t.due then
    self.timers:remove(t)
  end
  t.state, t.value, t.why = "ready", value, why
  t.unwait, t.giveback = nil, giveback
  self:push(t)
end

-- t, which runs and is in the list of an update, waits for it.
local function waitframe(self, t, what)
  t.state, t.what, t.since = "frame", what, self.now
  if t.interrupt then
    interrupted(self, t)
  end
  return leave(t)
end

--- The running task t waits for the next update.
function core:blocknext(t, what)
  local n = self.nexts + 1
  self.nexts = n
  self.next[n] = t
  return waitframe(self, t, what)
end

--- The same for the n-th from now.
function core:blockframes(t, what, n)
  if n == 1 then
    return self:blocknext(t, what)
  end
  local at = self.frame + n
  local list = self.frames[at] or {frame = at, n = 0, left = 0}
  self.frames[at] = list
  local place = list.n + 1
  list[place] = t
  list.n, list.left = place, list.left + 1
  t.bucket, t.place = list, place
  return waitframe(self, t, what)
end

--- A task that does not run yet waits for its time.
function core:sleep(t, what, seconds)
  t.state, t.what = "waiting", what
  settimer(self, t, seconds)
end

-- ---------------------------------------------------------------------------
-- Ends

local function unjoin(t, joiner)
  t.joiners:remove(joiner)
end

--- The running task waits for the end of t, at most for 'seconds'. Returns
-- t, or nil, "timeout".
function core:join(t, seconds)
  self.busy = true
  t.joiners = t.joiners or queue.new()
  t.joiners:push(self.cur)
  return self:block("join", t, unjoin, seconds)
end

--- on:atend(t) is called when t has ended, unless it was forgotten.
function core.atend(t, on)
  t.atend = t.atend or queue.new()
  t.atend:push(on)
end

function core.forget(t, on)
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

--- Ends a task that does not run: closes it, from the inside out.
function core:kill(t)
  self.busy = true
  withdraw(self, t)
  t.state, t.cancelled, t.closer = "closing", true, self.cur
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

--- Ends a task in whatever state; the running one never comes back from it.
-- Returns whether it had not ended before.
function core:cancel(t)
  self.busy = true
  local state = t.state
  if t == self.cur then
    t.state = "doomed"
    suspend(t.thread)
  elseif state == "running" then
    t.state = "doomed"
  elseif state ~= "doomed" and state ~= "closing" and state ~= "ended" then
    self:kill(t)
  end
  self.busy = false
  return state ~= "closing" and state ~= "ended"
end

-- ---------------------------------------------------------------------------
-- Resuming

-- A resume came back without LEFT.
local function ends(self, t, ok, ...)
  if not ok then
    finish(self, t, false, ...)
    close(t.thread)  -- an error leaves <close> variables to that
    return
  elseif status(t.thread) == "dead" then
    return finish(self, t, true, ...)
  elseif t.state == "doomed" then
    return self:kill(t)
  elseif t.state ~= "running" then
    recover(self, t)
  end
  t.state, t.what, t.since = "waiting", "spawn", self.now  -- a yield of its own
end

local function settle(self, t, before, ok, ...)
  self.cur = before
  if self.tracer then
    self.tracer:leaves(t)
  end
  if (...) ~= LEFT then
    return ends(self, t, ok, ...)
  end
end

-- Does the task get to the end of what it does with 'busy'? Not where a wait was
-- refused: its state is wrong then and 'busy' stays.
local function isbusy(self, t)
  if not self.busy or t.state == "running" then
    return self.busy
  end
  self.stuck = self.stuck + self.more
  return self.stuck <= STUCK
end

-- The same for a slice: 'how' is what it returns next, or the error.
local function settleslice(self, t, before, ok, how, ...)
  if not ok then
    return settle(self, t, before, false, how)
  elseif how ~= "budget" then
    return settle(self, t, before, true, ...)
  elseif isbusy(self, t) then
    return settleslice(self, t, before, slice(t.thread, self.more))
  end
  self.cur = before
  if self.tracer then
    self.tracer:stopped(t)
  end
  if t.state == "doomed" then
    return self:kill(t)
  elseif t.state ~= "running" then
    recover(self, t)
  end
  t.state, t.stopped = "ready", true
  return self:push(t)
end

local function runslice(self, t, before, quantum)
  local args = t.args
  t.args, t.stopped = nil, nil
  self.stuck = 0
  if args then
    return settleslice(self, t, before, slice(t.thread, quantum, unpack(args, 1, args.n)))
  end
  return settleslice(self, t, before, slice(t.thread, quantum))
end

-- Resumes a ready task, in a slice where there is a budget.
local function run(self, t)
  local before, budget = self.cur, self.budget
  t.state, self.cur, self.busy = "running", t, false
  if self.tracer then
    self.tracer:begins(t)
  end
  if budget then
    return runslice(self, t, before, budget:quantum())
  end
  local args = t.args
  if args then
    t.args = nil
    return settle(self, t, before, resume(t.thread, unpack(args, 1, args.n)))
  end
  return settle(self, t, before, resume(t.thread))
end

--- Runs a new task now. Inside a task that one goes on afterwards.
function core:spawn(t)
  local cur = self.cur
  if cur and isyieldable() then
    if cur.state ~= "running" then
      recover(self, cur)
    end
    cur.state = "ready"
    self:pushfront(cur)
    self:pushfront(t)
    return leave(cur)
  end
  local mark = self.head  -- those before it were spawned meanwhile
  self:pushfront(t)
  local next = popbefore(self, mark)
  while next do
    run(self, next)
    next = popbefore(self, mark)
  end
end

-- ---------------------------------------------------------------------------
-- Updates

-- Those that waited for this update are ready.
local function advance(self)
  local list, n = self.next, self.nexts
  if self.head > self.tail then  -- the queue was emptied: they change places
    self.next, self.queue = self.queue, list
    self.head, self.tail = 1, n
  else
    self.next = {}
    table.move(list, 1, n, self.tail + 1, self.queue)
    self.tail = self.tail + n
  end
  self.nexts = 0
  list = self.frames[self.frame]
  if list then
    for i = 1, list.n do
      local t = list[i]
      if t then
        unframe(self, t)
        self:push(t)
      end
    end
  end
end

-- The timer of t has come.
local function expire(self, t)
  if t.state == "waiting" then
    withdraw(self, t)
    self:wake(t, nil, "timeout")
  end
end

-- Those that are left come first in the next update, the deferred ones too:
-- else one that never ends would hold them off. Returns how many, and an array
-- of the threads that a slice stopped.
local function postpone(self)
  local t = popdeferred(self)
  while t do
    self:push(t)
    t = popdeferred(self)
  end
  local list = {}
  for i = self.head, self.tail do
    t = self.queue[i]
    if t.stopped and t.state == "ready" then
      list[#list + 1] = t.thread
    end
  end
  return self.tail - self.head + 1, list
end

-- Also where the thread that updates is closed in the middle.
function core:__close()
  self.updating, self.cur, self.busy = false, false, false
  if self.tracer then
    self.tracer:updated()
  end
end

--- Lets dt seconds pass and runs what is due, until nothing is left to run or
-- the budget is spent. Returns how many tasks are left for the next update,
-- and which of them were stopped, or nil. 'between': no frame begins, for whose
-- sake others wait.
function core:update(dt, between)
  local _ <close> = self  -- errors of memory pass on
  self.updating = true
  if self.tracer then
    self.tracer:updates(dt)
  end
  self.now = self.now + dt
  if not between then
    self.frame = self.frame + 1
    advance(self)
  end
  self.timers:pass(self.now, expire, self)
  local budget = self.budget
  while not budget or budget:goes() do
    local t = popqueue(self) or popdeferred(self)
    if not t then
      return 0
    end
    run(self, t)
  end
  return postpone(self)
end

return core
