-- tasks.lua: scenarios of cfiber.task: after each the scheduler is as good as new

local tasks = require "tasks"
local S = require("cfiber.task").new()

local scenarios = {}
local core = tasks.core(S)
local errors = {}

S.on_error = function(err)
  errors[#errors + 1] = err
end

-- Nothing waits for anything any more, and errors were those of memory.
local function restore()
  for _, thread in ipairs(tasks.living(S)) do
    S.cancel(thread)
  end
  S.update(1)
  S.update(1)
  assert(core.count == 0 and not core.newest, "tasks are left")
  assert(not core.timers:first() and not next(core.timers.buckets), "timers are left")
  assert(not next(core.frames) and core.nexts == 0, "waits for frames are left")
  assert(core.head > core.tail and core.first > core.last, "ready ones are left")
  local ended
  S.spawn(function()
    S.wait(0.5)
    S.wait()
    ended = S.timeout(1, S.wait)
  end)
  for _ = 1, 4 do
    S.update(1)
  end
  assert(ended, "no task runs any more")
  for i = 1, #errors do
    assert(tostring(errors[i]):find "not enough memory", errors[i])
    errors[i] = nil
  end
end

-- Runs main in a task, with some updates; 'done' is what it is to return, but
-- where memory was short. 'limits' are those of the updates.
local function scenario(name, main, limits)
  scenarios[#scenarios + 1] = {name = "tasks: " .. name, restore = restore, run = function()
    local t = S.spawn(main)
    for _ = 1, 12 do
      S.update(1, limits)
    end
    local ok, value = false, "it waits"
    if tasks.record(S, t).state == "ended" then
      ok, value = S.join(t)
    end
    assert(ok and value == "done" or #errors > 0 or tostring(value):find "not enough memory", value)
  end}
end

local function sum(list)
  local n = 0
  for _, v in ipairs(list) do
    n = n + v
  end
  return n
end

scenario("a task in a task", function()
  local t = S.spawn(function(a, b) S.wait() return a + b end, 1, 2)
  S.name(t, "adds")
  local ok, n = S.join(t)
  return ok and n == 3 and "done"
end)

scenario("deferred and delayed", function()
  local seen = {}
  S.defer(function(v) seen[#seen + 1] = v end, 1)
  S.delay(2, function(v) seen[#seen + 1] = v end, 2)
  S.wait(4)
  return sum(seen) == 3 and "done"
end)

scenario("waits", function()
  S.wait()
  S.wait(0.5)
  S.frames(2)
  local n = 0
  S.wait_until(function() n = n + 1 return n > 1 end)
  return "done"
end)

scenario("a channel between many", function()
  local ch, got = S.channel(), {}
  for i = 1, 3 do
    S.spawn(function() ch:put(i, 3) end)
    S.spawn(function() got[#got + 1] = ch:get(3) end)
  end
  S.wait(4)
  ch:close()
  return sum(got) == 6 and "done"
end)

scenario("a channel with room, and select", function()
  local a, b = S.channel(2), S.channel()
  S.spawn(function()
    for i = 1, 4 do
      a:put(i)
    end
    b:put "end"
  end)
  local n = 0
  repeat
    local i, v = S.select({{a}, {b}}, 3)
    n = n + (i == 1 and v or 0)
  until i ~= 1
  return n == 10 and "done"
end)

scenario("a signal", function()
  local s, n = S.signal(), 0
  s:connect(function(v) n = n + v end)
  s:once(function(v) S.wait() n = n + v end)
  S.spawn(function() local v = s:wait(3) n = n + (v or 0) end)
  s:fire(1)
  s:fire(1)
  S.wait()
  return n == 4 and "done"
end)

scenario("a mutex", function()
  local m, n = S.mutex(), 0
  for _ = 1, 3 do
    S.spawn(function()
      local _ <close> = m:lock(5)
      S.wait()
      n = n + 1
    end)
  end
  S.wait(4)
  return n == 3 and not m.holder and "done"
end)

scenario("a group", function()
  local n = 0
  do
    local g <close> = S.group()
    for i = 1, 3 do
      g:spawn(function() S.wait() n = n + i end)
    end
  end
  return n == 6 and "done"
end)

scenario("all, any and a timeout", function()
  local a, b = S.all(function() S.wait() return 1 end, function() return 2 end)
  local i, v = S.any(function() S.wait(10) error "not enough memory" end, function() S.wait() return 3 end)
  local ok, why = S.timeout(1, S.wait, 5)
  return a + b + i + v == 8 and not ok and why == "timeout" and "done"
end)

scenario("callbacks", function()
  local n = S.await(function(callback) S.delay(1, callback, 2) end)
  return n == 2 and S.await(function(callback) callback "done" end)
end)

scenario("cancel, with variables to close", function()
  local closed = 0
  local function body()
    local _ <close> = tasks.closing(function() closed = closed + 1 end)
    S.wait(5)
  end
  local a, b = S.spawn(body), S.spawn(body)
  S.cancel(a)
  S.defer(S.cancel, b)
  S.wait(2)
  return closed == 2 and "done"
end)

scenario("a channel that is closed", function()
  local ch, n = S.channel(), 0
  local function get()
    local v, why = ch:get(3)
    n = n + (v or 0) + (why and 10 or 0)
  end
  S.spawn(get)
  S.spawn(get)
  local t = S.spawn(get)
  ch:put(1)
  ch:put(2)
  ch:close()
  S.join(t)
  return n == 13 and "done"
end)

scenario("a value that comes back", function()
  local ch, got = S.channel(), {}
  local t = S.spawn(function() ch:get() end)
  S.spawn(function() got[1] = select(2, S.select({{ch}}, 3)) end)
  ch:put(1)
  S.cancel(t)
  S.wait(4)
  return got[1] == 1 and "done"
end)

scenario("a group that fails", function()
  local closed = 0
  local ok, err = pcall(function()
    local g <close> = S.group()
    g:spawn(function()
      local _ <close> = tasks.closing(function() closed = closed + 1 end)
      S.wait(5)
    end)
    g:spawn(function() S.wait() error "not enough memory, it says" end)
    S.wait(2)
  end)
  return not ok and (closed == 1 and "done" or error(err, 0))
end)

scenario("slices", function()
  local n = 0
  local t = S.spawn(function(most)
    for i = 1, most do
      n = n + i
    end
    return n
  end, 1000)
  S.spawn(S.wait)
  local _, all = assert(S.join(t))
  return all == 500500 and "done"
end, {instructions = 1000})

scenario("locals", function()
  S.locals().n = 1
  local t = S.spawn(function()
    S.wait()
    local values = S.locals()
    values.m = 1
    return values.n + values.m
  end)
  local _, n = assert(S.join(t))
  return n == 2 and "done"
end)

return scenarios
