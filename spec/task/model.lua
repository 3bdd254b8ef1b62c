-- model.lua: what channels, signals and mutexes do, said in plain tables
--
-- Nothing runs here: begin(task, op) says what an operation returns, or nothing
-- where it waits; then onwake(task) is called when it is over, and take(task)
-- says what it returns. A task is any table. Whoever waits is in one array, in
-- the order in which they came.

local model = {}
model.__index = model

--- @param shape  capacities of the channels, numbers of signals and mutexes
function model.new(shape, onwake)
  local m = setmetatable({
    now = 0, frame = 0, puts = 0, onwake = onwake,
    waits = {}, channels = {}, signals = {}, mutexes = {}, connections = {},
  }, model)
  for i, capacity in ipairs(shape.capacities) do
    m.channels[i] = {capacity = capacity}  -- an array of {value, number}
  end
  for i = 1, shape.signals do
    m.signals[i] = {fires = 0}  -- an array of connections
  end
  for i = 1, shape.mutexes do
    m.mutexes[i] = {}
  end
  return m
end

local function remove(list, x)
  for i = 1, #list do
    if list[i] == x then
      return table.remove(list, i)
    end
  end
end

-- ---------------------------------------------------------------------------
-- Waiting

-- The first wait for which test(wait, case) is true, with the case.
function model:first(test)
  for _, wait in ipairs(self.waits) do
    for _, case in ipairs(wait.op.cases or {wait.op}) do
      if test(wait, case) then
        return wait, case
      end
    end
  end
end

local function result(wait, case, ...)
  if wait.op.cases and case then
    for i, c in ipairs(wait.op.cases) do
      if c == case then
        return {i, ...}
      end
    end
  end
  return {...}
end

-- got: what is given back when the task is ended before it takes the result.
function model:wake(wait, returned, got)
  remove(self.waits, wait)
  wait.task.result, wait.task.got = returned, got
  self.onwake(wait.task)
end

function model:begin(task, op)
  local returned = self[op.kind](self, task, op)
  if returned then
    return returned
  elseif op.timeout == 0 then
    return {nil, "timeout"}
  end
  self.waits[#self.waits + 1] = {
    task = task, op = op, since = self.now, due = op.timeout and self.now + op.timeout,
    frame = op.kind == "nextframe" and self.frame + 1, fires = op.signal and self.signals[op.signal].fires,
  }
end

function model.take(task)
  local returned = task.result
  task.result, task.got = nil, nil
  return returned
end

--- The task will not run again: it leaves what it waits for, and what it got.
function model:withdraw(task)
  local wait = self:first(function(w) return w.task == task end)
  if wait then
    remove(self.waits, wait)
  end
  local got = task.got
  task.got = nil
  if got and got.mutex then
    self:pass(got.mutex)
  elseif got then
    self:comeback(got)
  end
end

function model:update(dt)
  self.now, self.frame = self.now + dt, self.frame + 1
  local due = {}
  for i, wait in ipairs {table.unpack(self.waits)} do
    wait.place = i
    if wait.frame == self.frame then
      self:wake(wait, {})
    elseif wait.due and wait.due <= self.now then
      due[#due + 1] = wait
    end
  end
  table.sort(due, function(a, b)
    if a.due ~= b.due then return a.due < b.due end
    return a.place < b.place
  end)
  for _, wait in ipairs(due) do
    self:wake(wait, wait.op.kind == "sleep" and {} or {nil, "timeout"})
  end
end

function model.sleep() end

function model.nextframe() end

-- ---------------------------------------------------------------------------
-- Channels

function model:waiter(ch, puts)
  return self:first(function(_, case)
    return case.channel and self.channels[case.channel] == ch and (case.value ~= nil) == puts
  end)
end

function model:hand(ch, v)
  local getter, case = self:waiter(ch, false)
  if getter then
    self:wake(getter, result(getter, case, v.value), {channel = ch, v = v})
    return true
  end
end

function model:comeback(got)
  local ch = got.channel
  if not self:hand(ch, got.v) then
    ch[#ch + 1] = got.v
    table.sort(ch, function(a, b) return a.number < b.number end)
  end
end

function model:number(value)
  self.puts = self.puts + 1
  return {value = value, number = self.puts}
end

function model:trytoput(ch, value)
  if ch.closed then
    return {nil, "closed"}
  end
  local v = self:number(value)
  if self:hand(ch, v) then
    return {true}
  elseif #ch < ch.capacity then
    ch[#ch + 1] = v
    return {true}
  end
end

function model:trytoget(ch)
  local v = table.remove(ch, 1)
  local putter, case = self:waiter(ch, true)
  if putter and (not v or #ch < ch.capacity) then
    self:wake(putter, result(putter, case, true))
    if v then
      ch[#ch + 1] = self:number(case.value)
    else
      v = {value = case.value}
    end
  end
  return v and {v.value} or ch.closed and {nil, "closed"} or nil
end

function model:put(_, op)
  return self:trytoput(self.channels[op.channel], op.value)
end

function model:get(_, op)
  return self:trytoget(self.channels[op.channel])
end

function model:select(_, op)
  for i, case in ipairs(op.cases) do
    local ch = self.channels[case.channel]
    local r
    if case.value == nil then
      r = self:trytoget(ch)
    else
      r = self:trytoput(ch, case.value)
    end
    if r then
      return {i, table.unpack(r, 1, 2)}
    end
  end
end

function model:close(_, op)
  local ch = self.channels[op.channel]
  local open = not ch.closed
  ch.closed = true
  for _, puts in ipairs {false, true} do
    local wait, case = self:waiter(ch, puts)
    while wait do
      self:wake(wait, result(wait, case, nil, "closed"))
      wait, case = self:waiter(ch, puts)
    end
  end
  return {open}
end

-- ---------------------------------------------------------------------------
-- Signals

function model.swait() end

--- The functions to call come first, then fired with the number.
function model:fire(op)
  local s = self.signals[op.signal]
  s.fires = s.fires + 1
  return s.fires, {table.unpack(s)}
end

function model:fired(op, number)
  local s = self.signals[op.signal]
  local function before(wait)
    return wait.op.signal and self.signals[wait.op.signal] == s and wait.fires < number
  end
  local wait = self:first(before)
  while wait do
    self:wake(wait, {op.value})
    wait = self:first(before)
  end
end

function model:connect(_, op)
  local c = {signal = self.signals[op.signal], script = op.script, once = op.once, connected = true}
  table.insert(c.signal, c)
  table.insert(self.connections, c)
  return {}
end

function model.cut(c)
  c.connected = false
  return remove(c.signal, c) ~= nil
end

function model:disconnect(_, op)
  local c = self.connections[op.connection]
  return {c and model.cut(c)}
end

-- ---------------------------------------------------------------------------
-- Mutexes

local function hold(m, task)
  m.holder = task
  task.held = task.held or {}
  table.insert(task.held, m)
end

function model:pass(m)
  m.holder = nil
  local wait = self:first(function(w)
    return w.op.mutex and self.mutexes[w.op.mutex] == m
  end)
  if wait then
    hold(m, wait.task)
    self:wake(wait, {"locked"}, {mutex = m})
  end
end

function model:lock(task, op)
  local m = self.mutexes[op.mutex]
  if not m.holder then
    hold(m, task)
    return {"locked"}
  end
  return m.holder == task and {"error"} or nil
end

function model:unlock(task, op)
  local m = self.mutexes[op.mutex]
  if m.holder ~= task then
    return {"error"}
  end
  remove(task.held, m)
  self:pass(m)
  return {}
end

--- What the task held goes on, in the order in which it was locked.
function model:ended(task)
  for _, m in ipairs(task.held or {}) do
    if m.holder == task then
      self:pass(m)
    end
  end
end

return model
