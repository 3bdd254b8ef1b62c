-- collect.lua: a collection with 100,000 suspended fibers: all of it, and the
-- longest of its steps, for which a program stands still
-- usage: lua collect.lua [below]     below: suspended inside string.gsub

local bench = require "bench"

local K = 100000
local below = arg[1] == "below"

local function insidegsub()
  string.gsub("x", "x", bench.cfiber.yield)
end

-- The set of one side, alone in the heap.
local function fill(co, body)
  local threads = {}
  for i = 1, K do
    threads[i] = co.create(body)
    co.resume(threads[i])
  end
  collectgarbage()
  return threads
end

local function time(f, ...)
  local start = os.clock()
  local result = f(...)
  return (os.clock() - start) * 1e3, result
end

-- Steps as an allocation takes them.
local function longest()
  local most = 0
  repeat
    local ms, done = time(collectgarbage, "step", 0)
    most = math.max(most, ms)
  until done
  return most
end

local function measure(all, pauses, co, body)
  local threads = fill(co, body)
  all[#all + 1] = time(collectgarbage)
  pauses[#pauses + 1] = longest()
  assert(#threads == K)
end

collectgarbage("incremental", 200, 100, 13)  -- Lua's defaults
local ours, peer, ourpauses, peerpauses = {}, {}, {}, {}
for _ = 1, 7 do
  measure(ours, ourpauses, bench.cfiber, below and insidegsub or bench.cfiber.yield)
  for _ = 1, 3 do  -- the second finds stacks unreachable again
    collectgarbage()
  end
  measure(peer, peerpauses, bench.stock, bench.stock.yield)
  collectgarbage()
end

local suffix, what = below and "below" or "", below and " below C" or ""
local against = below and "its plain coroutine" or nil
bench.rounds({id = "collect" .. suffix, title = "full collection, 100,000 suspended" .. what, unit = "ms",
  against = against}, ours, peer)
bench.rounds({id = "pause" .. suffix, title = "longest step, 100,000 suspended" .. what, unit = "ms",
  against = against}, ourpauses, peerpauses)
