-- task/core.lua: tasks, their states, and the loop that resumes them
--
-- A task is a thread; the scheduler keeps a record of it:
--
--   state       meaning, and fields that count then
--   new         made, and in no list yet
--   ready       in the queue (or deferred); 'args' are for its resume, 'results'
--               and 'why' for its wait
--   running     resumed by this scheduler; 'cur' is the one that runs
--   doomed      runs, and ends as soon as it leaves
--   frame       in the list of an update to come; 'what' says for what
--   waiting     'what' says for what, 'on' is the object; 'unwait' takes it out
--               of the object's list, 'due' is the time at which its timer
--               wakes it
--   closing     its <close> variables run, in the task 'closer' (false: in the
--               host)
--   ended       'results' are packed, false for none; 'failed': an error is the
--               first
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
-- 'left' tells that it comes back in the middle of such a wait.
--
-- Both states of waiting have 'since', the time when it began. A task leaves
-- with LEFT. A wait that is refused, as in a finalizer, raises, and the state
-- is wrong until the task next calls or leaves: see 'recover'.
--
-- A slice may stop a task wherever it is, so also between two steps of a
-- function that changes what the scheduler keeps. Such functions set 'busy'
-- meanwhile: the task then goes on until they are done. Those that are called
-- in the middle of them, by a finalizer, end 'busy' too early: 'nested' then.
-- A debug hook must not call any there.
--
-- A task that was woken has what it waited for only when it runs. Until then
-- 'giveback' is kept, where what it got would be lost with it: see core:wake.
--
-- Memory may be short wherever a function is called or a table grows. So what a
-- change needs is made and put in places that do not count yet; then assignments
-- to fields that exist, which cannot fail, make the change. Where it takes more
-- than that the state of the task says how far it went, and a failure leaves 'busy'
-- or 'broken' behind: the next update does the rest, see repair.lua. No task is
-- lost, and no list is half changed.

local cfiber = require "cfiber"
local ends = require "cfiber.task.ends"
local records = require "cfiber.task.records"
local repair = require "cfiber.task.repair"
local timers = require "cfiber.task.timers"
local waits = require "cfiber.task.waits"

local resume, slice = cfiber.resume, cfiber.slice
local status, isyieldable = cfiber.status, cfiber.isyieldable
local unpack = table.unpack

local STUCK = 3000  -- instructions in which a change is done, and a wait that is not refused has begun
local BUSY = 10000000  -- those of the longest change, of many tasks; 'busy' is wrong after that

local core = {}
core.__index = core
for _, part in ipairs {records, waits, ends, repair} do
  for name, f in pairs(part) do
    core[name] = f
  end
end
local popbefore, popqueue, popdeferred = records.popbefore, records.popqueue, records.popdeferred
local LEFT, leave, recover, unframe = waits.LEFT, waits.leave, waits.recover, waits.unframe
local finish, closenext = ends.finish, ends.closenext

-- Closed when what the host spawned has run; 'cur' is what ran before.
local start = {}

function start:__close(err)
  if err ~= nil then
    local owner = self.core
    owner.cur, owner.busy, owner.broken = self.cur, false, true
  end
end

function core.new()
  local self = setmetatable({
    now = 0.0,  -- seconds, the sum of all updates
    frame = 0,  -- updates so far
    cur = false,  -- the record of the task that runs
    busy = false, nested = false,
    broken = false,  -- a change may have failed in the middle
    more = 1000,  -- instructions until a busy task is asked again
    stuck = 0,  -- those since then
    updating = false,
    queue = {}, head = 1, tail = 0,  -- of ready tasks; gaps are those of others
    deferred = {}, first = 1, last = 0,
    next = {}, nexts = 0,  -- those that wait for the next update
    frames = {},  -- frame -> those that wait for it, further ahead: see unframe
    timers = timers.new(),
    records = setmetatable({}, {__mode = "k"}),  -- thread -> record, of all tasks
    newest = false,  -- of those that have not ended, a list by 'older', 'newer'
    count = 0,  -- of these
    made = 0,  -- tasks so far: their numbers
    origin = false,  -- of the last one
    budget = false,  -- of the last update, see budget.lua
    failed = false,  -- whoever makes it sets this: called with it and the record of a failed task that nobody joined
    tracer = false,  -- told what happens, see trace.lua
  }, core)
  self.start = setmetatable({core = self, cur = false}, start)
  return records.enter(self)
end

-- ---------------------------------------------------------------------------
-- Resuming

local function isofmemory(err)
  return type(err) == "string" and err:find("not enough memory", 1, true)
end

-- A resume came back without LEFT.
local function ended(self, t, ok, ...)
  if self.busy and t.state ~= "doomed" or not ok and isofmemory(...) then
    self.broken = true
  end
  if not ok then
    local done, err = pcall(finish, self, t, false, ...)
    if t.state == "ended" then
      closenext(self, t)
    end
    return done or error(err, 0)
  elseif status(t.thread) == "dead" then
    return finish(self, t, true, ...)
  elseif t.state == "doomed" then
    return closenext(self, t)
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
    return ended(self, t, ok, ...)
  end
end

-- Does the task get to the end of what it does with 'busy'? Not where a wait was
-- refused: its state is wrong then and 'busy' stays.
local function isbusy(self, t)
  if not self.busy and not self.nested then
    return false
  end
  self.stuck = self.stuck + self.more
  return self.stuck <= (self.busy and t.state == "running" and BUSY or STUCK)
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
    return closenext(self, t)
  elseif t.state ~= "running" then
    recover(self, t)
  end
  t.state, t.stopped = "ready", true
  return self:push(t)
end

-- The task was resumed with these: not again.
local function passed(t, args, ...)
  if t.args == args then
    t.args = nil
  end
  return ...
end

local function runslice(self, t, before, quantum)
  local args = t.args
  t.stopped = nil
  self.stuck, self.nested = 0, false
  if args then
    return settleslice(self, t, before, passed(t, args, slice(t.thread, quantum, unpack(args, 1, args.n))))
  end
  return settleslice(self, t, before, slice(t.thread, quantum))
end

-- Resumes a ready task, in a slice where there is a budget.
local function run(self, t)
  local before, budget = self.cur, self.budget
  t.state, self.cur = "running", t
  self.busy = t.left
  if self.tracer then
    self.tracer:begins(t)
  end
  if budget then
    return runslice(self, t, before, budget:quantum(t))
  end
  local args = t.args
  if args then
    return settle(self, t, before, passed(t, args, resume(t.thread, unpack(args, 1, args.n))))
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
    local queue, head = self.queue, self.head - 2
    queue[head + 1] = cur
    queue[head] = t
    self.head, cur.state, t.state = head, "ready", "ready"
    leave(self, cur)
    self.busy = false
    return
  end
  local _ <close> = cur and setmetatable({core = self, cur = cur}, start) or self.start
  local mark = self.head  -- those before it were spawned meanwhile
  self:pushfront(t)
  local next = popbefore(self, mark)
  while next do
    run(self, next)
    next = popbefore(self, mark)
  end
  self.busy = false
end

-- ---------------------------------------------------------------------------
-- Updates

-- Those that waited for this update are ready.
local function advance(self)
  local list, n = self.next, self.nexts
  if self.head > self.tail then  -- the queue was emptied: they change places
    self.next, self.queue = self.queue, list
    self.head, self.tail = 1, n
    self.nexts = 0
  elseif n > 0 then
    local new = {}
    table.move(list, 1, n, self.tail + 1, self.queue)
    self.next, self.nexts, self.tail = new, 0, self.tail + n
  end
  list = self.frames[self.frame]
  if list then
    for i = 1, list.n do
      local t = list[i]
      if t then
        self:push(t)
        unframe(self, t)
      end
    end
  end
end

-- The timer of t has come.
local function expire(self, t)
  if t.state == "waiting" then
    local undo = t.unwait
    if undo then
      undo(t.on, t)
    end
    self:wake(t, false, nil, "timeout")
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
function core:__close(err)
  self.updating, self.cur, self.busy = false, false, false
  self.broken = self.broken or err ~= nil
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
  if self.busy or self.broken then
    self.busy = false
    self:repair()
  end
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
