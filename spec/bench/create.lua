-- create.lua: the life of a short fiber

local bench = require "bench"

local function run(co)
  local create, resume = co.create, co.resume
  local function body() end
  return function(n)
    for _ = 1, n do
      resume(create(body))
    end
  end
end

local function firstyield(co)
  local create, resume, yield = co.create, co.resume, co.yield
  local function body()
    yield()
  end
  return function(n)
    for _ = 1, n do
      resume(create(body))
    end
  end
end

bench.both("create", "create + run", run)
bench.both("firstyield", "create + first yield, then garbage", firstyield)
