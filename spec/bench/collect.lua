-- collect.lua: a full collection with 100,000 suspended fibers

local bench = require "bench"

local K = 100000

-- The set of one side, alone in the heap.
local function fill(co)
  local threads = {}
  for i = 1, K do
    threads[i] = co.create(co.yield)
    co.resume(threads[i])
  end
  collectgarbage()
  return threads
end

local function time()
  local start = os.clock()
  collectgarbage()
  return (os.clock() - start) * 1e3
end

local ours, peer = {}, {}
for i = 1, 7 do
  for _, side in ipairs {{ours, bench.cfiber}, {peer, bench.stock}} do
    local threads = fill(side[2])
    side[1][i] = time()
    assert(#threads == K)
    threads = nil  -- luacheck: ignore
    collectgarbage()
  end
end
bench.rounds({id = "collect", title = "full collection, 100,000 suspended", unit = "ms"}, ours, peer)
