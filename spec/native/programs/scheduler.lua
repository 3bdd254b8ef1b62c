-- scheduler.lua: an event loop on virtual time with channels and a crowd
local now, sequence, agenda = 0, 0, {}

local function at(time, thread, ...)
  sequence = sequence + 1
  agenda[#agenda + 1] = {time = time, order = sequence, thread = thread, values = table.pack(...)}
end

local function earlier(a, b)
  return a.time < b.time or a.time == b.time and a.order < b.order
end

local function spawn(body, ...)
  at(now, coroutine.create(body), ...)
end

local function sleep(time)
  at(now + time, (coroutine.running()))
  coroutine.yield()
end

local function loop()
  while #agenda > 0 do
    table.sort(agenda, earlier)
    local event = table.remove(agenda, 1)
    now = event.time
    local ok, message = coroutine.resume(event.thread, table.unpack(event.values, 1, event.values.n))
    if not ok then
      print(now, "failed", message)
    end
  end
end

local channel = {items = {}, waiting = {}}

function channel:put(value)
  local reader = table.remove(self.waiting, 1)
  if reader then
    at(now, reader, value)
  else
    self.items[#self.items + 1] = value
  end
end

function channel:get()
  if #self.items > 0 then
    return table.remove(self.items, 1)
  end
  self.waiting[#self.waiting + 1] = coroutine.running()
  return coroutine.yield()
end

for i = 1, 3 do
  spawn(function(name, pause)
    for n = 1, 4 do
      sleep(pause)
      channel:put(name .. n)
    end
    print(now, name, "has sent all")
  end, "sender " .. i .. ":", i)
end
for i = 1, 2 do
  spawn(function()
    for _ = 1, 6 do
      print(now, "reader " .. i, channel:get())
    end
  end)
end
spawn(function()
  sleep(5)
  error("five", 0)
end)
loop()

-- In turn over more threads than are worth a native stack each.
local threads, sum = {}, 0
for i = 1, 3000 do
  threads[i] = coroutine.wrap(function()
    for n = 1, 4 do
      sum = sum + i * n
      coroutine.yield()
    end
    return true
  end)
end
local rounds = 0
repeat
  rounds = rounds + 1
  local ended = 0
  for i = 1, #threads do
    ended = ended + (threads[i]() and 1 or 0)
  end
until ended == #threads
print(rounds, sum)
