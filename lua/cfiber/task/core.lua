-- task/core.lua: tasks, their states, and the loop that resumes them
--
-- A task is a thread; the scheduler keeps a record of it:
--
--   state       meaning, and fields that count then
--   ready       in the queue (or deferred); 'args' are for its resume
--   running     resumed by this scheduler, or in the middle of a wait that
--               could not begin; 'cur' is the one that runs
--   waiting     'what' says for what, 'on' is the object, 'since' the time;
--               'unwait' takes it out of the object's list, 'due' is the time
--               at which its timer wakes it
--   closing     its <close> variables run
--   ended       'ok' and 'results' tell how; 'results' is nil for none
--
--   spawn, defer          block              wake, timer
--   ---------> ready -> running -> waiting -----------> ready
--                          |          |
--                          v  cancel  v
--                        ended <-- closing
--
-- A slice may stop a task wherever it is, so also between two steps of a
-- function that changes what the scheduler keeps. Such functions set 'busy'
-- meanwhile: the task then goes on until they are done.

local cfiber = require "cfiber"
local queue = require "cfiber.task.queue"

local found, heap = pcall(require, "binaryheap")
if not found then
  error("cfiber.task needs binaryheap (luarocks install binaryheap; Debian's lua-binaryheap is found with"
    .. " ';/usr/share/lua/5.3/?.lua' in LUA_PATH)", 0)
end

local resume, yield, suspend, slice = cfiber.resume, cfiber.yield, cfiber.suspend, cfiber.slice
local running, status, isyieldable = cfiber.running, cfiber.status, cfiber.isyieldable
local close, create = cfiber.close, cfiber.create
local getinfo = debug.getinfo
local unpack, pack = table.unpack, table.pack

local MORE = 1000  -- instructions until the scheduler's own code is through
local ORIGINS = 16  -- who spawned whom is remembered so many levels up

local core = {}
core.__index = core

-- Called when a task that nobody joined has failed.
local function failed(_, t)
  io.stderr:write(tostring(t.results[1]), "\n")
end

function core.new()
  return setmetatable({
    now = 0.0,  -- seconds, the sum of all updates
    frame = 0,  -- updates so far
    cur = false,  -- the record of the task that runs
    busy = false,
    updating = false,
    queue = {}, head = 1, tail = 0,  -- of ready tasks; gaps are those of others
    deferred = {}, first = 1, last = 0,
    frames = {},  -- frame -> array of those that wait for it
    timers = heap.minUnique(),
    records = {},  -- thread -> record, of tasks that have not ended
    ended = setmetatable({}, {__mode = "k"}),  -- the same of those that have
    count = 0,  -- of records
    made = 0,  -- tasks so far: their numbers
    budget = false,  -- of the last update, see budget.lua
    failed = failed,  -- called with the core and the record, see report.lua
    tracer = false,  -- called with "begin" or "end" and the record
  }, core)
end

-- ---------------------------------------------------------------------------
-- The queue

function core:push(t)
  local tail = self.tail + 1
  self.tail = tail
  self.queue[tail] = t
end

-- Comes before all others.
function core:pushfront(t)
  local head = self.head - 1
  self.head = head
  self.queue[head] = t
end

local function popqueue(self)
  while self.head <= self.tail do
    local head = self.head
    local t = self.queue[head]
    self.queue[head] = nil
    self.head = head + 1
    if t.state == "ready" then
      return t
    end
  end
  self.head, self.tail = 1, 0
end

local function popdeferred(self)
  while self.first <= self.last do
    local first = self.first
    local t = self.deferred[first]
    self.deferred[first] = nil
    self.first = first + 1
    if t.state == "ready" then
      return t
    end
  end
  self.first, self.last = 1, 0
end

function core:defer(t)
  local last = self.last + 1
  self.last = last
  self.deferred[last] = t
end

-- ---------------------------------------------------------------------------
-- Records

-- Where the task was made: the line in the function at this level, and the
-- same of the task that runs.
local function origin(self, level)
  local at = getinfo(level + 1, "lf")
  local by = self.cur
  local before = by and by.origin
  local depth = before and before.depth + 1 or 1
  return {
    f = at and at.func, line = at and at.currentline, task = by and by.id, name = by and by.name,
    body = by and by.f, before = depth < ORIGINS and before or nil,
    depth = depth < ORIGINS and depth or 1,
  }
end

--- Makes a task of a function or a suspended thread; 'level' is that of the
-- function to name as its origin.
function core:make(f, level)
  local thread = f
  if type(f) ~= "thread" then
    thread = create(type(f) == "function" and f or function(...) return f(...) end)
  end
  local number = self.made + 1
  self.made = number
  local by = self.cur
  local t = {
    thread = thread, f = f, id = number, state = "ready", since = self.now,
    origin = origin(self, level + 1), inherited = by and by.locals or nil,
  }
  self.records[thread] = t
  self.count = self.count + 1
  return t
end

--- The record of a thread, ended or not; or nil.
function core:find(thread)
  return self.records[thread] or self.ended[thread]
end

--- The record of the task that runs; an error in the name of a function
-- outside of tasks.
function core:current(name)
  local t = self.cur
  if not t then
    error(("'%s' outside of a task"):format(name), 3)
  end
  return t
end

-- ---------------------------------------------------------------------------
-- Waiting

local function settimer(self, t, seconds)
  if seconds < math.huge then
    t.due = self.now + seconds
    self.timers:insert(t.due, t)
  end
end

-- Takes a task out of all that would wake it.
local function withdraw(self, t)
  if t.due then
    self.timers:remove(t)
    t.due = nil
  end
  local unwait = t.unwait
  if unwait then
    t.unwait = nil
    unwait(t.on, t)
  end
end

-- Back to the scheduler, from any depth inside the task.
local function leave(self, t)
  local ok, err
  repeat
    if running() == t.thread then
      ok, err = isyieldable(), "attempt to yield from a finalizer"
      if ok then
        yield()
      end
    else
      ok, err = pcall(suspend, t.thread)
    end
  until not ok or t.state == "running"  -- others may have resumed it
  if not ok then
    withdraw(self, t)
    t.state = "running"
    error(err, 0)
  end
end

--- The running task waits until it is woken, at most for 'seconds' (nil: for
-- ever). 'what' says for what, on the object 'on'; unwait(on, t) takes it off
-- the object's list. Returns what wake got, or nil, "timeout". 'busy' ends.
function core:block(what, on, unwait, seconds)
  local t = self.cur
  t.state, t.what, t.on, t.unwait, t.since = "waiting", what, on, unwait, self.now
  if seconds then
    settimer(self, t, seconds)
  end
  self.busy = false
  leave(self, t)
  local value, why = t.value, t.why
  t.value, t.why = nil, nil
  return value, why
end

--- Makes a waiting task ready: its wait returns value, why.
function core:wake(t, value, why)
  if t.due then
    self.timers:remove(t)
    t.due = nil
  end
  t.state, t.value, t.why = "ready", value, why
  t.unwait, t.on = nil, nil
  self:push(t)
end

--- The running task waits for the n-th update from now.
function core:blockframes(what, n)
  local at = self.frame + n
  local list = self.frames[at]
  if not list then
    list = {}
    self.frames[at] = list
  end
  list[#list + 1] = self.cur
  self.cur.frame = at
  return self:block(what)
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

local function finish(self, t, ok, ...)
  withdraw(self, t)
  local thread = t.thread
  self.records[thread] = nil
  self.ended[thread] = t
  self.count = self.count - 1
  t.state, t.ok, t.what = "ended", ok, nil
  t.results = select("#", ...) > 0 and pack(...) or nil
  local unlock = t.atend  -- functions by what they are for
  if unlock then
    t.atend = nil
    for on, f in pairs(unlock) do
      f(on, t)
    end
  end
  local joiners = t.joiners
  if joiners then
    local joiner = joiners:pop()
    while joiner do
      self:wake(joiner, t)
      joiner = joiners:pop()
    end
  end
  if not ok and not t.cancelled and not joiners and not t.owned then
    self.failed(self, t)
  end
end

--- Ends a task that does not run: closes it, from the inside out.
function core:kill(t)
  withdraw(self, t)
  t.state, t.cancelled = "closing", true
  local ok, err = close(t.thread)
  if ok then
    finish(self, t, false, "cancelled")
  else
    t.cancelled = nil
    finish(self, t, false, err)
  end
end

--- Ends a task in whatever state; the running one never comes back from it.
function core:cancel(t)
  if t.state == "running" then
    t.cancelled = true
    if t == self.cur then
      leave(self, t)
    end
  elseif t.state ~= "closing" and t.state ~= "ended" then
    self:kill(t)
  end
end

-- ---------------------------------------------------------------------------
-- Resuming

-- What a resume came back with: 'ok' and the results of its end, or nothing
-- where it waits.
local function settle(self, t, before, ok, ...)
  self.cur = before
  if self.tracer then
    self.tracer("end", t)
  end
  if not ok or status(t.thread) == "dead" then
    finish(self, t, ok, ...)
  elseif t.cancelled and t.state ~= "closing" then
    self:kill(t)
  elseif t.state == "running" then  -- a yield of its own
    t.state, t.what, t.since = "waiting", "spawn", self.now
  end
end

local function settleslice(self, t, before, ok, how, ...)
  if ok and how == "budget" then
    if self.busy then
      return settleslice(self, t, before, slice(t.thread, MORE))
    end
    self.cur = before
    if self.tracer then
      self.tracer("end", t)
    end
    if t.cancelled then
      return self:kill(t)
    end
    t.state, t.stopped = "ready", true
    return self:push(t)
  end
  if ok then
    return settle(self, t, before, true, ...)
  end
  return settle(self, t, before, false, how)
end

-- Resumes a ready task, with a budget if there is one.
local function run(self, t)
  local before = self.cur
  local args = t.args
  t.state, t.args, t.stopped = "running", nil, nil
  self.cur, self.busy = t, false
  if self.tracer then
    self.tracer("begin", t)
  end
  local quantum = self.budget and self.budget:quantum()
  if quantum then
    if args then
      return settleslice(self, t, before, slice(t.thread, quantum, unpack(args, 1, args.n)))
    end
    return settleslice(self, t, before, slice(t.thread, quantum))
  elseif args then
    return settle(self, t, before, resume(t.thread, unpack(args, 1, args.n)))
  end
  return settle(self, t, before, resume(t.thread))
end

--- Runs a new task now. Inside a task that one goes on afterwards.
function core:spawn(t)
  local cur = self.cur
  if cur and isyieldable() then
    cur.state = "ready"
    self:pushfront(cur)
    self:pushfront(t)
    self.busy = false
    return leave(self, cur)
  end
  local mark = self.head  -- those before it were spawned meanwhile
  self:pushfront(t)
  while self.head < mark do
    local next = popqueue(self)
    if not next then
      break
    end
    run(self, next)
  end
end

-- ---------------------------------------------------------------------------
-- Updates

local function wakeframes(self)
  local list = self.frames[self.frame]
  if list then
    self.frames[self.frame] = nil
    for i = 1, #list do
      local t = list[i]
      if t.frame == self.frame and t.state == "waiting" then
        t.frame = nil
        self:wake(t)
      end
    end
  end
end

local function earlier(a, b)
  if a.due == b.due then
    return a.since < b.since or a.since == b.since and a.id < b.id
  end
  return a.due < b.due
end

-- Wakes those whose timers are due, in the order of their times.
local function waketimers(self)
  local timers, due = self.timers, nil
  local at = timers:peekValue()
  while at and at <= self.now do
    due = due or {}
    due[#due + 1] = timers:pop()
    at = timers:peekValue()
  end
  if not due then
    return
  end
  if #due > 1 then
    table.sort(due, earlier)
  end
  for i = 1, #due do
    local t = due[i]
    t.due = nil
    withdraw(self, t)
    if t.state == "waiting" then
      self:wake(t, nil, "timeout")
    end
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

function core:__close()
  self.updating = false
end

--- Lets dt seconds pass and runs what is due, until nothing is left to run or
-- the budget is spent. Returns how many tasks are left for the next update,
-- and which of them were stopped, or nil.
function core:update(dt)
  local _ <close> = self  -- errors of memory pass on
  self.updating = true
  self.now = self.now + dt
  self.frame = self.frame + 1
  wakeframes(self)
  waketimers(self)
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
