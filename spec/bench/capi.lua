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
bench.compare("cpairlua", "C: resume + yield", fiber(), bench.pair(cfiber), {against = "the same from Lua"})
