-- pair.lua: resume and yield of one fiber that stays hot

local bench = require "bench"
local calls = require "calls"

local function pair1(co)
  local resume, yield = co.resume, co.yield
  local thread = co.create(function(v)
    while true do
      v = yield(v)
    end
  end)
  return function(n)
    for i = 1, n do
      resume(thread, i)
    end
  end
end

local function pair8(co)
  local resume, yield = co.resume, co.yield
  local thread = co.create(function(a, b, c, d, e, f, g, h)
    while true do
      a, b, c, d, e, f, g, h = yield(a, b, c, d, e, f, g, h)
    end
  end)
  return function(n)
    for i = 1, n do
      resume(thread, i, 2, 3, 4, 5, 6, 7, 8)
    end
  end
end

local function wrap(co)
  local yield = co.yield
  local f = co.wrap(function()
    while true do
      yield(1)
    end
  end)
  return function(n)
    for _ = 1, n do
      f()
    end
  end
end

local function generator(co)
  local yield = co.yield
  return function(n)
    for _ in co.wrap(function()
      for i = 1, n do
        yield(i)
      end
    end) do end
  end
end

local function empty(n)
  local f = calls.empty
  for _ = 1, n do
    f()
    f()
  end
end

bench.both("pair0", "resume + yield", bench.pair)
bench.both("pair1", "resume + yield, 1 value each way", pair1)
bench.both("pair8", "resume + yield, 8 values each way", pair8)
bench.both("wrap", "wrap call", wrap)
bench.both("generator", "generic for over a generator", generator)
bench.compare("floor", "resume + yield", bench.pair(bench.cfiber), empty, {against = "two empty C calls"})

bench.cfiber.config {native_limit = 0}  -- from here on every yield is compact
bench.both("compact", "resume + yield, compact", bench.pair)
