-- task/records.lua: the records of tasks, the living ones and those that are ready
--
--   records   thread -> record, of all tasks; does not keep them
--   newest    the living ones, a list by 'older' and 'newer'
--   queue     | . | a | b | c |          ready ones: from 'head' to 'tail'
--   deferred  | d | e |                  from 'first' to 'last'
--
-- In the queue and the list of deferred ones are also some that are not ready
-- any more: they were cancelled.

local cfiber = require "cfiber"

local create, getinfo = cfiber.create, debug.getinfo

local ORIGINS = 16  -- who spawned whom is remembered so many levels up

local schedulers = setmetatable({}, {__mode = "k"})  -- all of them

local records = {}

-- ---------------------------------------------------------------------------
-- The ready ones

function records:push(t)
  local tail = self.tail + 1
  self.queue[tail] = t  -- where this fails nothing has changed
  self.tail = tail
end

-- t is ready and comes before all others.
function records:pushfront(t)
  local head = self.head - 1
  self.queue[head] = t
  self.head, t.state = head, "ready"
end

-- The first before this place that is ready, or nil.
function records:popbefore(place)
  while self.head < place do
    local head = self.head
    local t = self.queue[head]
    self.queue[head] = nil
    self.head = head + 1
    local state = t.state
    if state == "frame" or state == "ready" then
      return t
    end
  end
end

-- The first that is ready, or nil. The queue begins anew whenever it is empty. Not
-- by popbefore: each resume pays for that call, 4 % of the time of a short one.
function records:popqueue()
  local head, tail = self.head, self.tail
  while head <= tail do
    local t = self.queue[head]
    self.queue[head] = nil
    if head == tail then
      tail, head = 0, 1
      self.tail = 0
    else
      head = head + 1
    end
    self.head = head
    local state = t.state
    if state == "frame" or state == "ready" then
      return t
    end
  end
end

-- The same of the deferred ones.
function records:popdeferred()
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

function records:defer(t)
  local last = self.last + 1
  self.deferred[last] = t
  self.last, t.state = last, "ready"
end

-- ---------------------------------------------------------------------------
-- Records

-- Where the task was made: the line in the function at this level, or in the
-- one that called it through pcall and the like; and the same of the task that
-- runs. That of the last one is used again where it fits.
local function origin(self, level)
  local at = getinfo(level + 1, "lf")
  if at and at.currentline < 0 then
    at = getinfo(level + 2, "lf")
  end
  local f, line = at and at.func, at and at.currentline
  local by, last = self.cur or nil, self.origin
  if last and last.f == f and last.line == line and last.task == (by and by.id) and last.name == (by and by.name) then
    return last
  end
  local before = by and by.origin
  local depth = before and before.depth + 1 or 1
  last = {
    f = f, line = line, task = by and by.id, name = by and by.name, body = by and by.f,
    before = depth < ORIGINS and before or nil, depth = depth < ORIGINS and depth or 1,
  }
  self.origin = last
  return last
end

local function link(self, t)
  local older = self.newest
  t.older = older
  if older then
    older.newer = t
  end
  self.newest, self.count = t, self.count + 1
end

--- Is t among the living?
function records:islinked(t)
  return t.older or t.newer or t == self.newest
end

--- t is not among the living any more, and may not be before.
function records:unlink(t)
  local older, newer = t.older, t.newer
  if not self:islinked(t) then
    return
  elseif older then
    older.newer = newer
  end
  if newer then
    newer.older = older
  else
    self.newest = older
  end
  t.older, t.newer, self.count = false, false, self.count - 1
end

--- Makes a task of a function or a suspended thread; 'level' is that of the
-- function to name as its origin; 'args', if any, are packed. Its state is "new"
-- until it is in a list.
function records:make(f, level, args)
  local thread = f
  if type(f) ~= "thread" then
    thread = create(type(f) == "function" and f or function(...) return f(...) end)
  end
  local number = self.made + 1
  self.made = number
  local by = self.cur
  local t = {
    thread = thread, f = f, id = number, state = "new", since = self.now,
    origin = origin(self, level + 1), args = args,
    what = false, on = false, unwait = false, results = false, left = false, older = false, newer = false,
    due = nil, bucket = nil,  -- place for these: 16 in all
  }
  if by and (by.locals or by.inherited) then
    t.inherited = by.locals or by.inherited
  end
  self.records[thread] = t
  link(self, t)
  if self.tracer then
    self.tracer:made(t)
  end
  return t
end

--- The record of a thread, ended or not; or nil.
function records:find(thread)
  return self.records[thread]
end

--- Is the thread a task of another scheduler that has not ended? Two would
-- resume it in the middle of each other's waits.
function records:isforeign(thread)
  for other in pairs(schedulers) do
    local t = other ~= self and other:find(thread)
    if t and t.state ~= "ended" then
      return true
    end
  end
  return false
end

--- Does no task run, of any scheduler?
function records.isoutside()
  for other in pairs(schedulers) do
    if other.cur then
      return false
    end
  end
  return true
end

--- A new scheduler, which is returned.
function records.enter(scheduler)
  schedulers[scheduler] = true
  return scheduler
end

--- The records of tasks that have not ended, the oldest first.
function records:living()
  local list, t = {}, self.newest
  while t do
    list[#list + 1] = t
    t = t.older  -- nil where a finalizer has ended it
  end
  for i = 1, #list // 2 do
    list[i], list[#list + 1 - i] = list[#list + 1 - i], list[i]
  end
  return list
end

return records
