-- capi.lua: resume and yield from a C function to a C function, of one fiber
-- that stays hot

local bench = require "bench"
local capi = require "capi_bench"

local cfiber, stock = bench.cfiber, bench.stock

local function pair(resume, thread)
  return function(n)
    resume(thread, n)
  end
end

-- The same between Lua functions.
local function lua(co)
  local resume, yield = co.resume, co.yield
  local thread = co.create(function()
    while true do
      yield()
    end
  end)
  return function(n)
    for _ = 1, n do
      resume(thread)
    end
  end
end

local function fiber()
  return pair(capi.resume, cfiber.create(capi.fiber))
end

-- In the callback of a C function, where 'lua_yieldk' is refused.
local function inside()
  return pair(capi.resume, cfiber.create(function()
    string.gsub("a", "a", capi.fiber)
  end))
end

bench.compare("cpair", "C: resume + yield (stock: lua_yieldk)", fiber(),
  pair(capi.stockresume, stock.create(capi.stock)))
bench.compare("cinside", "C: the same inside a C callback (stock: outside)", inside(),
  pair(capi.stockresume, stock.create(capi.stock)))
bench.compare("cpairlua", "C: resume + yield", fiber(), lua(cfiber), {against = "the same from Lua"})
