-- inspection.lua: the debug library on suspended coroutines, and hooks
local function place(thread, level)
  local info = debug.getinfo(thread, level, "Slnt")
  return info and ("%s:%d %s %s"):format(info.short_src, info.currentline, info.namewhat, info.name)
end

local function inner(x)
  local y = x * 2
  coroutine.yield(y)
  return y
end

local co = coroutine.create(function(...)
  local first, second = ...
  local sum = inner(first)
  local tail = function() return inner(second) end
  return sum + tail()
end)

while coroutine.resume(co, 10, 20) and coroutine.status(co) == "suspended" do
  for level = 0, 4 do
    print(level, place(co, level))
  end
  print(debug.getlocal(co, 1, 1))
  print(debug.getlocal(co, 1, 2))
  print(debug.setlocal(co, 1, 2, 100))
end
print(debug.getinfo(co, 0))

local lines = {}
local hooked = coroutine.create(function()
  local a = 1
  coroutine.yield(a)
  local b = 2
  return a + b
end)
debug.sethook(hooked, function(event, line)
  lines[#lines + 1] = event .. " " .. line - debug.getinfo(hooked, 1, "S").linedefined
end, "l")
print(coroutine.resume(hooked))
print(debug.gethook(hooked) ~= nil, debug.gethook() == nil)
print(coroutine.resume(hooked))
print(table.concat(lines, ", "))

local events = {}
local called = coroutine.create(function()
  coroutine.yield()
  return tostring(1)
end)
debug.sethook(called, function(event)
  events[#events + 1] = event .. " " .. tostring(debug.getinfo(2, "n").name)
end, "cr")
coroutine.resume(called)
coroutine.resume(called)
print(table.concat(events, ", "))
