-- reuse.lua: the first use of a stack against its reuse

local bench = require "bench"

local K, ROUNDS = 1000, 11  -- K fits in the pool

local cfiber = bench.cfiber
local text = "x"

local function body()
  text:gsub("x", cfiber.yield)
end

-- Nanoseconds for each of K fibers to be created and to yield below C. Their
-- stacks are in the pool afterwards.
local function time()
  local threads = {}
  local start = os.clock()
  for i = 1, K do
    threads[i] = cfiber.create(body)
    cfiber.resume(threads[i])
  end
  local seconds = os.clock() - start
  for i = 1, K do
    cfiber.close(threads[i])
  end
  return seconds / K * 1e9
end

local first, again = {}, {}
for i = 1, ROUNDS do
  collectgarbage()
  cfiber.trim()
  first[i] = time()
  collectgarbage()
  again[i] = time()
end
bench.rounds({id = "reuse", title = "first use of a stack, create + yield", unit = "ns",
  against = "one from the pool"}, first, again)
