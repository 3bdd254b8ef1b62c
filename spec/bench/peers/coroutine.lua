-- coroutine.lua: round trips between a coroutine and its resumer
-- usage: lua coroutine.lua N [MODULE]     Lua 5.1 to 5.4, LuaJIT
-- MODULE has the functions, by default those of the language

local n = tonumber(arg[1])
local co = arg[2] and require(arg[2]) or coroutine
local resume, yield = co.resume, co.yield

local thread = co.create(function(v)
  while true do
    v = yield(v)
  end
end)

local function trips(count)
  local _, v
  for i = 1, count do
    _, v = resume(thread, i)
  end
  assert(v == count)
end

trips(math.floor(n / 10) + 1)
local start = os.clock()
trips(n)
print(("%.2f"):format((os.clock() - start) * 1e9 / n))
