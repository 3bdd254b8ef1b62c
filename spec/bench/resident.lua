-- resident.lua: what suspended fibers cost: time to create, resident memory
-- usage: lua resident.lua K [below]       compares; each side in a process
--        lua resident.lua K plain|below cfiber|stock      one side: prints
--          nanoseconds, resident bytes, and these with the page tables

local bench = require "bench"

local K = assert(math.tointeger(tonumber(arg[1])), "how many?")
local below = arg[2] == "below"

-- Bytes that the process has in memory, and bytes of its page tables.
local function resident()
  local found = {}
  for line in io.lines "/proc/self/status" do
    local name, kb = line:match "^(%w+):%s*(%d+) kB"
    if name then
      found[name] = kb * 1024
    end
  end
  return found.VmRSS, found.VmPTE
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
  local before, tables = resident()
  local start = os.clock()
  for i = 1, K do
    local thread = co.create(body)
    co.resume(thread)
    threads[i] = thread
  end
  local seconds = os.clock() - start
  collectgarbage()
  local after, tablesafter = resident()
  local bytes = after - before
  return seconds / K * 1e9, bytes / K, (bytes + tablesafter - tables) / K
end

-- Adds what a side measures to three lists.
local function child(side, lists)
  local pipe = assert(io.popen(("%s spec/bench/resident.lua %d %s %s"):format(os.getenv "LUA" or "lua5.4", K,
    below and "below" or "plain", side)))
  for i = 1, 3 do
    table.insert(lists[i], pipe:read "n")
  end
  pipe:close()
end

if arg[3] then
  print(measure(bench[arg[3]]))
  os.exit(true, false)  -- the end of so many is not measured
end
local ours, peer = {{}, {}, {}}, {{}, {}, {}}
for _ = 1, below and K >= 1000000 and 1 or 3 do  -- it takes 15 seconds
  child("cfiber", ours)
  child("stock", peer)
end

local rows = {
  {id = "make", title = "create + first yield", unit = "ns"},
  {id = "rss", title = "resident", unit = "B"},
  {id = "pages", title = "resident, page tables", unit = "B"},
}
for i, row in ipairs(rows) do
  row.id = row.id .. (below and "below" or "") .. K
  row.title = ("%s, each of %s%s"):format(row.title, bench.commas(K), below and " below C" or "")
  row.against = below and "its plain coroutine" or nil
  bench.rounds(row, ours[i], peer[i])
end
