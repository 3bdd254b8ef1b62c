-- states.lua: makes a thread in each state in which it can be left
--
-- Each maker returns a suspended thread; resumed as often as it takes, without
-- values, it ends.

local boundary = require "boundary"
local capi = require "capi"
local cfiber = require "cfiber"
local stock = require "soak.stock"

local create, resume, yield, running = cfiber.create, cfiber.resume, cfiber.yield, cfiber.running

local states = {}

-- Resumed once; then suspended.
local function begun(f)
  local co = create(f)
  assert(resume(co))
  assert(cfiber.status(co) == "suspended")
  return co
end

local function forever()
  local n = 0
  while n < 3000 do
    n = n + 1
  end
end

local function preempted(f)
  return function()
    local co = create(f)
    local ok, how = cfiber.slice(co, math.random(20, 200))
    assert(ok and how == "budget", how)
    return co
  end
end

states["not started"] = function() return create(function() yield() end) end
states["yielded"] = function() return begun(yield) end
states["yielded in pcall"] = function() return begun(function() assert(pcall(yield)) end) end
states["yielded below gsub"] = function()
  return begun(function() string.gsub("abc", "%a", function() yield() end) end)
end
states["yielded in sort"] = function()
  return begun(function() table.sort({1, 2, 3, 4}, function(a, b) yield() return a < b end) end)
end
states["yielded in a metamethod"] = function()
  return begun(function() tostring(setmetatable({}, {__tostring = function() yield() return "" end})) end)
end
states["yielded in a message handler"] = function()
  return begun(function() xpcall(error, yield, "x") end)
end
states["yielded in a closing"] = function()
  return begun(function()
    local _ <close> = setmetatable({}, {__close = function() yield() end})
  end)
end
states["yielded in a hook"] = function()
  return begun(function()
    debug.sethook(function() debug.sethook() yield() end, "", 1)
    forever()
  end)
end
states["yielded by a C function"] = function() return begun(function() capi.yield() capi.yield() end) end
states["in lua_yieldk"] = function() return begun(function() boundary.yieldk() end) end
states["in lua_callk"] = function() return begun(function() boundary.callk(yield) end) end
states["suspended by stock functions"] = function()
  local co = stock.create(stock.yield)
  assert(stock.resume(co))
  return co
end
states["suspended with fibers inside"] = function()
  return begun(function()
    local me = running()
    cfiber.wrap(function() string.gsub("a", "a", function() cfiber.suspend(me) end) end)()
  end)
end
states["suspended with stock coroutines inside"] = function()
  return begun(function()
    local me = running()
    stock.wrap(function() stock.wrap(cfiber.suspend)(me) end)()
  end)
end
states["transferred away"] = function()
  return begun(function() string.gsub("a", "a", function() cfiber.transfer(create(function() end)) end) end)
end
states["on a small stack"] = function()
  local co = create(function() string.gsub("a", "a", function() yield() end) end, 65536)
  assert(resume(co))
  return co
end
states["preempted"] = preempted(forever)
states["preempted below gsub"] = preempted(function() string.gsub("ab", "%a", function() forever() end) end)
states["preempted in a fiber inside"] = preempted(function() cfiber.wrap(function() forever() end)() end)
states["preempted in a stock coroutine inside"] = preempted(function() stock.wrap(function() forever() end)() end)

local names = {}
for name in pairs(states) do
  names[#names + 1] = name
end
table.sort(names)

--- A thread in a state that is picked at random, and the state's name.
return function()
  local name = names[math.random(#names)]
  return states[name](), name
end
