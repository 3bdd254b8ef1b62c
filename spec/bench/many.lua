-- many.lua: resumes each of many suspended fibers, in turn and shuffled
-- usage: lua many.lua K [below]     below: suspended inside string.gsub

local bench = require "bench"

local K = assert(math.tointeger(tonumber(arg[1])), "how many?")
local below = arg[2] == "below"

-- Fibers that are suspended and were resumed once or twice.
local function suspended(co, body)
  local threads = {}
  for i = 1, K do
    threads[i] = co.create(body)
    co.resume(threads[i])
  end
  return threads
end

local function forever(yield)
  return function()
    while true do
      yield()
    end
  end
end

local function insidegsub(yield)
  local text = ("x"):rep(100)
  return function()
    while true do
      text:gsub("x", yield)
    end
  end
end

local function shuffle(list)
  math.randomseed(42)
  for i = #list, 2, -1 do
    local j = math.random(i)
    list[i], list[j] = list[j], list[i]
  end
end

local function round(co, threads)
  local resume = co.resume
  return function(n)
    for _ = 1, n do
      for i = 1, #threads do
        resume(threads[i])
      end
    end
  end
end

local cfiber, stock = bench.cfiber, bench.stock
local ours = suspended(cfiber, (below and insidegsub or forever)(cfiber.yield))
local peer = suspended(stock, forever(stock.yield))
local rounds = K >= 1000000 and below and 3 or K >= 100000 and 7 or nil
local options = {count = K, rounds = rounds, against = below and "its plain pair" or nil}
local what = (below and "below C, " or "") .. "over " .. bench.commas(K)
local id = (below and "below" or "turn") .. K

bench.compare(id, "resume + yield, " .. what .. " in turn", round(cfiber, ours), round(stock, peer), options)
if K > 1 then
  shuffle(ours)
  shuffle(peer)
  bench.compare(id .. "s", "resume + yield, " .. what .. " shuffled", round(cfiber, ours), round(stock, peer), options)
end
os.exit(true, false)  -- the end of so many is not measured
