-- resident.lua: resident memory of a suspended fiber
-- usage: lua resident.lua K [below]       compares; each side in a process
--        lua resident.lua K plain|below cfiber|stock      one side: prints bytes

local bench = require "bench"

local K = assert(math.tointeger(tonumber(arg[1])), "how many?")
local below = arg[2] == "below"

-- Bytes that the process has in memory.
local function resident()
  for line in io.lines "/proc/self/status" do
    local kb = line:match "^VmRSS:%s*(%d+)"
    if kb then
      return kb * 1024
    end
  end
end

local function measure(co)
  local yield = co.yield
  local text = "x"
  local body = below and co ~= bench.stock and function()
    text:gsub("x", yield)
  end or function()
    yield()
  end
  local threads = table.move({}, 1, K, 1, {})
  for i = 1, K do
    threads[i] = false
  end
  collectgarbage()
  local before = resident()
  for i = 1, K do
    local thread = co.create(body)
    co.resume(thread)
    threads[i] = thread
  end
  collectgarbage()
  return (resident() - before) / K
end

local function child(side)
  local pipe = assert(io.popen(("%s spec/bench/resident.lua %d %s %s"):format(os.getenv "LUA" or "lua5.4", K,
    below and "below" or "plain", side)))
  local bytes = tonumber(pipe:read "a")
  pipe:close()
  return bytes
end

if arg[3] then
  print(measure(bench[arg[3]]))
  return
end
local ours, peer = {}, {}
for i = 1, 3 do
  ours[i], peer[i] = child "cfiber", child "stock"
end
bench.rounds({
  id = (below and "rssbelow" or "rss") .. K,
  title = ("resident, each of %s%s"):format(bench.commas(K), below and " below C" or ""),
  unit = "B",
  against = below and "its plain coroutine" or nil,
}, ours, peer)
