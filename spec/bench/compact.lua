-- compact.lua: resume and yield of one fiber when every yield is compact

local bench = require "bench"

local function pair(co)
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

bench.cfiber.config {native_limit = 0}
bench.both("compact", "resume + yield, compact", pair)
