-- task/channel.lua: channels, and select among several
--
--            first            last     capacity
--              v                v         v
--   | v2 | v3 | a | b | c | d | e |  .  . |
--     |    |    <- put, in this order
--     came back
--
-- Tasks wait for a value only where there is none, and to put one only where
-- there is no room. What they wait with is an offer, in select one in each
-- channel: these are a list, and the first of them that is taken withdraws the
-- others. A task keeps the offer of a single wait for the next one.
--
-- A value that a waiting task was handed, but that ended before it ran, comes
-- back to the front, whatever the capacity. Handed values have numbers, so that
-- several of them come back in their order.

local check = require "cfiber.task.check"
local queue = require "cfiber.task.queue"

local channel = {}
channel.__index = channel

local offer = {}
local offers = {}  -- a list; its field 'went' is the one that was taken
offers.__index = offers

-- ---------------------------------------------------------------------------
-- Offers

local function waiters(o)
  local ch = o.channel
  return o.value == nil and ch.getters or ch.putters
end

local function withdraw(o)
  waiters(o):remove(o)
end

-- Where this fails none is withdrawn: the first needs no less than the others.
local function withdrawall(list)
  for i = 1, #list do
    withdraw(list[i])
  end
end

local giveback, givebackone

-- The first of these offers, which there is, is taken: its task is woken with
-- the value, which for one that gets has a number.
local function accept(waiting, value, why, number)
  local o = waiting:peek()
  local list = o.list
  o.number = number
  if list then
    o.channel.core:wake(o.task, list, value, why, number and giveback)
    list.went = o
  else
    o.channel.core:wake(o.task, waiting, value, why, number and givebackone)
  end
end

local function result(value, why)
  if why then
    return value, why
  end
  return value
end

-- The running task t waits for one channel, in its list 'waiting'.
local function wait(core, t, what, ch, waiting, v, timeout)
  local o = t.offer or setmetatable({task = t, channel = ch, value = v, number = nil}, offer)
  t.offer = nil
  o.channel, o.value = ch, v
  local value, why = core:block(what, o, withdraw, timeout, waiting, o)
  o.channel, o.value = nil, nil
  t.offer = o
  return result(value, why)
end

-- It waits with these offers.
local function waitall(core, t, what, list, timeout)
  for i = 1, #list do
    local o = list[i]
    o.task, o.list, o.number = t, list, false
  end
  list.went = false
  return core:block(what, setmetatable(list, offers), withdrawall, timeout, list, t)
end

function offers:push()
  for i = 1, #self do
    local o = self[i]
    waiters(o):push(o)
  end
end

offers.pop = withdrawall

-- ---------------------------------------------------------------------------
-- Values

local function append(ch, v)
  local last = ch.last + 1
  ch.values[last] = v
  ch.last = last
end

local function shift(ch)
  local first = ch.first
  local v = ch.values[first]
  ch.values[first], ch.numbers[first] = nil, nil
  ch.first = first + 1
  return v
end

-- Puts a value that was handed out in front of those that were handed later.
local function unshift(ch, v, number)
  local values, numbers = ch.values, ch.numbers
  local at = ch.first - 1
  values[at], numbers[at] = v, number
  ch.first = at
  while numbers[at + 1] and numbers[at + 1] < number do
    values[at], numbers[at] = values[at + 1], numbers[at + 1]
    at = at + 1
  end
  values[at], numbers[at] = v, number
end

function givebackone(o, t)
  local ch = o.channel
  if ch.getters:peek() then
    accept(ch.getters, t.results, nil, o.number)
  else
    unshift(ch, t.results, o.number)
  end
end

function giveback(list, t)
  givebackone(list.went, t)
end

-- What can be done without waiting: both return two nils where nothing can.

local function put(ch, v)
  if ch.closed then
    return nil, "closed"
  end
  if ch.getters:peek() then
    local handed = ch.handed + 1
    ch.handed = handed
    accept(ch.getters, v, nil, handed)
    return true
  elseif ch.last - ch.first + 1 < ch.capacity then
    append(ch, v)
    return true
  end
  return nil, nil
end

local function get(ch)
  local putter = ch.putters:peek()
  if ch.first <= ch.last then
    if putter and ch.last - ch.first < ch.capacity then
      local last = ch.last + 1
      ch.values[last] = putter.value
      accept(ch.putters, true)
      ch.last = last
    end
    return shift(ch)
  elseif putter then
    accept(ch.putters, true)
    return putter.value
  end
  return nil, ch.closed and "closed" or nil
end

-- ---------------------------------------------------------------------------
-- Methods

--- Puts a value, which must not be nil; waits for room, for at most 'timeout'
-- seconds; 0 does not wait, so that it works outside of tasks. Without
-- a capacity it waits until the value is got. First come, first served.
-- @return true; or nil, "timeout"; or nil, "closed"
function channel:put(v, timeout)
  if getmetatable(self) ~= channel then
    check.self("put", "channel", self)
  end
  if v == nil then
    check.fail(1, "put", "value expected, got nil")
  elseif timeout ~= nil then
    check.seconds(2, "put", timeout)
  end
  local core = self.core
  local t = core:begin()
  local done, why = put(self, v)
  if done == nil and not why then
    if timeout ~= 0 then
      if not t then
        core:current "put"
      end
      return wait(core, t, "put", self, self.putters, v, timeout)
    end
    why = "timeout"
  end
  core.busy = false
  return result(done, why)
end

--- Takes the oldest value; waits for one, for at most 'timeout' seconds; 0 does
-- not wait, so that it works outside of tasks. First come, first served.
-- @return the value; or nil, "timeout"; or, when nothing is left in a closed
--   channel, nil, "closed"
function channel:get(timeout)
  if getmetatable(self) ~= channel then
    check.self("get", "channel", self)
  end
  if timeout ~= nil then
    check.seconds(1, "get", timeout)
  end
  local core = self.core
  local t = core:begin()
  local v, why = get(self)
  if v == nil and not why then
    if timeout ~= 0 then
      if not t then
        core:current "get"
      end
      return wait(core, t, "get", self, self.getters, nil, timeout)
    end
    why = "timeout"
  end
  core.busy = false
  return result(v, why)
end

local function refuse(waiting)
  while waiting:peek() do
    accept(waiting, nil, "closed")
  end
end

--- Nothing can be put any more; those that wait return nil, "closed". What was
-- put before can still be got. A second time is harmless.
-- @return whether it was open
function channel:close()
  if getmetatable(self) ~= channel then
    check.self("close", "channel", self)
  end
  local core = self.core
  core:begin()
  local open = not self.closed
  self.closed = true
  refuse(self.getters)
  refuse(self.putters)
  core.busy = false
  return open
end

--- How many values can be got before one must be put.
function channel:__len()
  return self.last - self.first + 1
end

--- 'for v in ch do' gets until the channel is closed and empty.
function channel:__call()
  return self:get()
end

function channel:__tostring()
  local waiting = self.getters.count + self.putters.count
  return ("channel %p: %d of %d%s%s"):format(self, #self, self.capacity, self.closed and ", closed" or "",
    waiting > 0 and (", %d wait%s"):format(waiting, waiting == 1 and "s" or "") or "")
end

-- What a task waits for.
function offer:__tostring()
  return tostring(self.channel)
end

function offers:__tostring()
  local names = {}
  for i = 1, #self do
    names[i] = tostring(self[i])
  end
  return table.concat(names, "; ")
end

-- ---------------------------------------------------------------------------
-- Functions

local part = {}

--- A channel between tasks, first in, first out.
-- @param capacity  so many values can be put that nobody waits for; 0, the
--   default: each put waits until its value is got
-- @return a channel, see its methods
function part.channel(core, capacity)
  if capacity ~= nil then
    check.count(1, "channel", capacity, 0)
  end
  return setmetatable({
    core = core,
    capacity = capacity or 0, closed = false,
    values = {}, first = 1, last = 0,
    numbers = {},  -- of those that came back, by their places
    handed = 0,  -- so many values to tasks that waited
    getters = queue.new(), putters = queue.new(),  -- offers
  }, channel)
end

local function offersof(core, cases)
  local list = {}
  for i = 1, #cases do
    local case = cases[i]
    local ch = type(case) == "table" and case[1]
    if getmetatable(ch) ~= channel or ch.core ~= core then
      return nil, i
    end
    list[i] = setmetatable({channel = ch, value = case[2], index = i}, offer)
  end
  return list
end

local function try(list)
  for i = 1, #list do
    local o = list[i]
    local value, why
    if o.value == nil then
      value, why = get(o.channel)
    else
      value, why = put(o.channel, o.value)
    end
    if value ~= nil or why then
      return o, value, why
    end
  end
end

local function selected(o, value, why)
  if o then
    return o.index, result(value, why)
  end
  return nil, why
end

--- Waits until the first of several channels can be got from or put into, does
-- that one thing and nothing to the others. Of several that can at once it is
-- the first in the array: put those that always can last. For at most 'timeout'
-- seconds; 0 does not wait, so that it works outside of tasks.
-- @param cases  an array: {channel} to get, {channel, value} to put. A closed
--   channel can always be put into, and got from when nothing is left
-- @return the index of the case, and what get or put returned: the value; or
--   true; or nil, "closed". Or nil, "timeout"
function part.select(core, cases, timeout)
  check.type(1, "select", "table", cases)
  if timeout ~= nil then
    check.seconds(2, "select", timeout)
  end
  if getmetatable(cases) == channel or #cases == 0 and timeout == nil then
    check.fail(1, "select", "array of cases expected")
  end
  local list, wrong = offersof(core, cases)
  if not list then
    check.fail(1, "select", ("case %d is not {channel} or {channel, value} of this scheduler"):format(wrong))
  end
  local t = core:begin()
  local went, value, why = try(list)
  if not went then
    if timeout ~= 0 then
      if not t then
        core:current "select"
      end
      value, why = waitall(core, t, "select", list, timeout)
      return selected(list.went, value, why)
    end
    why = "timeout"
  end
  core.busy = false
  return selected(went, value, why)
end

return part
