-- arguments.lua: calls every function of cfiber with arguments of all kinds,
-- as the bytes of an input say. Runs in a Lua state of its own, see
-- arguments.c.

local cfiber, api, natives = ...
local byte, more, room, starve = natives.byte, natives.more, natives.room, natives.starve

local SLOTS = 16

local slots = {}
local main = coroutine.running()
local step, value

local function pick(list)
  return list[byte() % #list + 1]
end

local function several(n)
  if n == 0 then
    return
  end
  return value(), several(n - 1)
end

local function values()
  local n = byte() % 8
  return several(n < 6 and n or 0)
end

local function steps()
  for _ = 0, byte() % 8 do
    if not more() then
      return
    end
    step()
  end
end

-- Where a body takes its steps: below C frames, in metamethods, in hooks.
local places = {
  steps,
  function() for _ = 1, 40 do if more() then step() end end end,
  function() pcall(steps) end,
  function() xpcall(steps, function(e) if more() then step() end return e end) end,
  function() table.sort({3, 1, 2}, function(a, b) steps() return a < b end) end,
  function() return (("xy"):gsub(".", steps)) end,
  function() return setmetatable({}, {__index = steps}).x end,
  function() return setmetatable({}, {__lt = steps}) < {} end,
  function() tostring(setmetatable({}, {__tostring = function() steps() return "" end})) end,
  function() load(function() steps() return nil end) end,
  function() local _ <close> = setmetatable({}, {__close = steps}) steps() end,
  function() for _ in cfiber.iter(steps, 1) do steps() end end,
  function() for _ in cfiber.wrap(steps) do if not more() then break end end end,
  function() for _ in coroutine.wrap(steps) do if not more() then break end end end,
  function() setmetatable({}, {__gc = steps}) collectgarbage() end,
  function() local _ <close> = setmetatable({}, {__close = steps}) cfiber.yield(values()) end,
  function() local _ <close> = setmetatable({}, {__close = steps}) error(value()) end,
  function() cfiber.yield(values()) steps() end,
  function() ("x"):gsub("x", function() cfiber.yield(values()) steps() end) end,
  function() return steps() end,
  function() for _ = 1, 300 do end end,
}

-- Small stacks are not to overflow: that is a fault, as promised.
local function inside(place)
  if more() and room() then
    place()
  end
end

local function body()
  local place = pick(places)
  return function(...)
    slots[byte() % SLOTS + 1] = (...)
    inside(place)
    if more() then
      return values()
    end
  end
end

local numbers = {
  0, 1, 2, 3, 7, 40, 1000, -1, 65536, 100000, 262144, 1 << 30, (1 << 30) + 1, 2147483647, 2147483648, math.maxinteger,
  math.mininteger, 0.5, 2.0, 1e300, 0/0, 1/0, -1/0,
}
local strings = {
  "", "x", "1", "k", "advice", "mprotect", "stack_size", "n", "c", "crl", "%s", ("long"):rep(300), "a\0b",
}
local limits = {
  stack_size = {65536, 100000, 200000, 1 << 20, 1 << 40},
  max_depth = {1, 2, 5, 1000, 0},
  native_limit = {0, 1, 3, 1024, -1},
  pool_limit = {0, 1, 1024, -1},
  guard = {"advice", "mprotect", "none"},
  overflow_report = {true, false, 1},
}
local limitnames = {"stack_size", "max_depth", "native_limit", "pool_limit", "guard", "overflow_report"}
local names = {}
for name, f in pairs(cfiber) do
  if type(f) == "function" then
    names[#names + 1] = name
  end
end
table.sort(names)

local apinames = {"close", "resume", "status", "suspend", "throw", "yield", "yieldk"}

local function config()
  local t = {}
  for _ = 0, byte() % 3 do
    local name = pick(limitnames)
    t[name] = pick(limits[name])
  end
  return t
end

local function table_()
  local t = {}
  for _ = 1, byte() % 4 do
    local k = value()
    if k ~= nil and k == k then
      t[k] = value()
    end
  end
  return t
end

local function object()
  return setmetatable({}, {
    __index = body(), __tostring = body(), __call = body(), __close = body(), __gc = body(), __name = value(),
  })
end

local kinds = {
  function() return slots[byte() % SLOTS + 1] end,
  function() return slots[byte() % SLOTS + 1] end,
  function() return slots[byte() % SLOTS + 1] end,
  function() return (cfiber.running()) end,
  function() return main end,
  function() return nil end,
  function() return byte() % 2 == 0 end,
  function() return byte() end,
  function() return pick(numbers) end,
  function() return pick(strings) end,
  function() return body() end,
  function() return body() end,
  function() return cfiber.create(body()) end,
  function() return cfiber.create(body(), pick(limits.stack_size)) end,
  function() return coroutine.create(body()) end,
  function() return cfiber.wrap(body()) end,
  function() return cfiber[pick(names)] end,
  config,
  table_,
  object,
  function() return starve end,
  function() return api[pick(apinames)] end,
  function() return coroutine end,
}

function value()
  if more() then
    return pick(kinds)()
  end
end

local function keep(...)
  local first = byte() % SLOTS + 1
  for i = 1, math.min(select("#", ...), 3) do
    slots[(first + i) % SLOTS + 1] = (select(i, ...))
  end
end

local function hook()
  if more() then
    inside(steps)
  end
end

local function thread()
  local co = value()
  return type(co) == "thread" and co or coroutine.running()
end

local stock = {"create", "resume", "yield", "wrap", "status", "isyieldable", "running", "close"}

local actions = {
  function() keep(pcall(cfiber[pick(names)], values())) end,
  function() keep(pcall(cfiber[pick(names)], values())) end,
  function() keep(cfiber[pick(names)](values())) end,
  function() keep(cfiber.resume(thread(), values())) end,
  function() keep(cfiber.resume(thread(), values())) end,
  function() keep(cfiber.resume(cfiber.create(body()), values())) end,
  function() keep(cfiber.yield(values())) end,
  function() keep(cfiber.slice(thread(), byte() + 1, values())) end,
  function() keep(cfiber.throw(thread(), value())) end,
  function() keep(cfiber.suspend(thread(), values())) end,
  function() keep(cfiber.transfer(thread(), values())) end,
  function() keep(cfiber.close(thread())) end,
  function() keep(cfiber.config(config())) end,
  function() keep(pcall(coroutine[pick(stock)], values())) end,
  function() keep(pcall(api[pick(apinames)], values())) end,
  function() keep(api[pick(apinames)](values())) end,
  function() keep(api.resume(thread(), values())) end,
  function() keep(value()) end,
  function() keep(pcall(value() or body(), values())) end,
  function() inside(pick(places)) end,
  function() collectgarbage() end,
  function() collectgarbage("step", byte()) end,
  function() collectgarbage(byte() % 2 == 0 and "generational" or "incremental") end,
  function() debug.sethook(thread(), hook, pick {"c", "r", "l", "crl", ""}, byte() % 4 * 16) end,
  function() debug.sethook(thread()) end,
  function() debug.traceback(thread(), "", byte()) end,
  function() keep(debug.getlocal(thread(), byte() % 4, 1)) end,
  function() starve(byte()) end,
  function() natives.refuse(byte()) end,
  function() natives.raise(value()) end,
  function() error(value()) end,
  function() slots[byte() % SLOTS + 1] = nil end,
}

function step()
  pick(actions)()
end

--- Takes steps until the input is used up.
local function run()
  while more() do
    pcall(step)
  end
end

--- Lets go of everything and says what is wrong then, or nil.
local function finish()
  debug.sethook()
  for _ = 1, 6 do
    slots = {}
    collectgarbage()
  end
  cfiber.trim()
  local s = cfiber.stats()
  if not collectgarbage "isrunning" then
    return "the collector is stopped"
  end
  for _, name in ipairs {"mounted", "suspended", "pooled", "reserved"} do
    if s[name] ~= 0 then
      return ("%d %s"):format(s[name], name)
    end
  end
  return nil
end

return run, finish
