-- task.lua: cfiber.task against the same written by hand on stock coroutines,
-- and against the timers of other schedulers, where they are installed

local bench = require "bench"
local new = require("cfiber.task").new

local stock = bench.stock
local create, resume, yield = stock.create, stock.resume, stock.yield

-- ---------------------------------------------------------------------------
-- One frame of 'n' actors, each of which waits for the next

local function actors(n)
  local S = new()
  for _ = 1, n do
    S.spawn(function()
      while true do
        S.wait()
      end
    end)
  end
  return function(frames)
    for _ = 1, frames do
      S.update(1 / 60)
    end
  end
end

local function loop(n)
  local list = {}
  for i = 1, n do
    list[i] = create(function()
      while true do
        yield()
      end
    end)
  end
  return function(frames)
    for _ = 1, frames do
      for i = 1, n do
        if not resume(list[i]) then
          error "an actor ended"
        end
      end
    end
  end
end

-- ---------------------------------------------------------------------------
-- Updates in which 'due' tasks wake, of 'sleeping' that wait

local function sleepers(sleeping, due)
  local S = new()
  for i = 1, sleeping do
    S.spawn(function()
      while true do
        S.wait(i <= due and 1 or math.huge)
      end
    end)
  end
  return function(n)
    for _ = 1, n do
      S.update(1)
    end
  end
end

-- ---------------------------------------------------------------------------
-- Short tasks, messages

local function body() end

local function spawn(n)
  local S = new()
  S.update(0)  -- before the first one, tasks run in slices
  for _ = 1, n do
    S.spawn(body)
  end
end

local function resumes(n)
  for _ = 1, n do
    resume(create(body))
  end
end

-- A message there and one back, through channels.
local function pingpong(n)
  local S = new()
  local there, back = S.channel(), S.channel()
  S.spawn(function()
    while true do
      back:put(there:get())
    end
  end)
  S.spawn(function()
    for i = 1, n do
      there:put(i)
      back:get()
    end
  end)
  S.update(1)
end

-- The same where a loop passes the values on.
local function passing(n)
  local a = create(function()
    for i = 1, n do
      yield(i)
    end
  end)
  local b = create(function(v)
    while true do
      v = yield(v)
    end
  end)
  local v
  for _ = 1, n do
    v = select(2, resume(a, v))
    v = select(2, resume(b, v))
  end
end

-- ---------------------------------------------------------------------------
-- Timers of others

local function timers(n)
  local S = new()
  for i = 1, n do
    S.spawn(function()
      while true do
        S.wait(i * 1e-9)
      end
    end)
  end
  return function(frames)
    for _ = 1, frames do
      S.update(1e-3)
    end
  end
end

-- The same of others: 'add' makes a task, 'step' runs what is due.
local function sleeping(n, add, sleep, step)
  local woken = 0
  for i = 1, n do
    add(function()
      while true do
        sleep(i * 1e-9)
        woken = woken + 1
      end
    end)
  end
  return function(frames)
    local stop = woken + frames * n
    while woken < stop do
      step()
    end
  end
end

local function cqueues(n)
  local found, cq = pcall(require, "cqueues")
  if not found then
    return nil
  end
  local queue = cq.new()
  return sleeping(n, function(f) queue:wrap(f) end, cq.sleep, function() assert(queue:step(0)) end)
end

local function copas(n)
  package.path = package.path .. ";/usr/share/lua/5.2/?.lua"  -- where Debian has it
  local found, lib = pcall(require, "copas")
  if not (found and lib.sleep) then  -- an old one has no timers
    return nil
  end
  return sleeping(n, lib.addthread, lib.sleep, function() lib.step(0) end)
end

-- ---------------------------------------------------------------------------

local hand = "by hand on stock"
bench.compare("actors", "task: a frame of 1,000 actors, each", actors(1000), loop(1000), {count = 1000, against = hand})
bench.compare("spawn", "task: spawn + finish", spawn, resumes, {against = hand})
bench.compare("pingpong", "task: channels, there and back", pingpong, passing, {against = hand})
bench.compare("sleepers", "task: update, 100 due of 100,000, each", sleepers(100000, 100), sleepers(100, 100),
  {count = 100, against = "100 of 100"})
for _, peer in ipairs {{"cqueues", cqueues(1000)}, {"copas", copas(1000)}} do
  if peer[2] then
    bench.compare(peer[1], "task: 1,000 timers, each", timers(1000), peer[2], {count = 1000, against = peer[1]})
  end
end
