-- abandon.lua: fibers are left in every state, again and again; memory is flat
-- usage: lua spec/soak/abandon.lua N [objects]
--
-- N fibers, a third of them with each way of the collector; with 'objects' C++
-- takes part. Now and then all that was left is collected and looked at: no
-- stack may be in use, what was to be closed, finalized or destroyed was so
-- once. Of each figure in 'figures', the maximum in the later half of the looks
-- may exceed that in the first half, after a warm-up, by what is said there.

package.path = "./spec/?.lua;" .. package.path
local cfiber = require "cfiber"
local abandoned = require "soak.abandoned"

local LOOKS <const>, WARMUP <const> = 40, 8

local n = assert(math.tointeger(tonumber(arg[1])), "how many?")
if arg[2] == "objects" then
  abandoned.addobjects()
end

-- ---------------------------------------------------------------------------
-- Figures

local linux = io.open "/proc/self/maps" ~= nil

local function resident()
  for line in io.lines "/proc/self/status" do
    local kb = line:match "^VmRSS:%s*(%d+) kB"
    if kb then
      return tonumber(kb)
    end
  end
end

local function mappings()
  local lines = 0
  for _ in io.lines "/proc/self/maps" do
    lines = lines + 1
  end
  return lines
end

local function reserved()
  return cfiber.stats().reserved / 1024
end

cfiber.wrap(function() end)()  -- from the first stack on it is known how guards are made

-- By how much each may grow. A slab of stacks more or less stays, where each may have
-- a guard that is a mapping; what garbage there is at once varies, and some of Lua's
-- tables keep the size for the most.
local figures = {
  {name = "Lua's memory", unit = "KB", more = 32, get = function() return collectgarbage "count" end},
  {name = "reserved for stacks", unit = "KB", more = 128 * 1024, get = reserved},
  linux and {name = "resident", unit = "KB", more = 512, get = resident} or nil,
  linux and {name = "mappings", unit = "", more = cfiber.stats().guard == "advice" and 4 or 256, get = mappings} or nil,
}

-- All looks have their place from the beginning: they are no growth.
for _, figure in ipairs(figures) do
  for i = 1, LOOKS do
    figure[i] = 0
  end
end

-- ---------------------------------------------------------------------------
-- Looks

-- A stack goes when a second cycle finds its thread unreachable, that of one
-- that a finalizer brought back or made some cycles later.
local function collect()
  for _ = 1, 8 do
    collectgarbage()
    abandoned.forget()
  end
end

local function look(i)
  collect()
  local stats = cfiber.stats()
  assert(stats.mounted == 0, stats.mounted .. " stacks are in use")
  assert(stats.suspended == 0, stats.suspended .. " fibers count as suspended")
  abandoned.check()
  for _, figure in ipairs(figures) do
    figure[i] = figure.get()
  end
end


local function most(figure, from, to)
  return math.max(table.unpack(figure, from, to))
end

-- Says what was seen of a figure. Is it flat?
local function judge(figure)
  local middle = (LOOKS + WARMUP) // 2
  local first, later = most(figure, WARMUP + 1, middle), most(figure, middle + 1, LOOKS)
  local flat = later <= first + figure.more
  print(("  %-20s %12.1f, later %12.1f %-2s  %s"):format(figure.name, first, later, figure.unit,
    flat and "flat" or "NOT FLAT"))
  return flat
end

-- ---------------------------------------------------------------------------
-- The work

local function shuffle()
  for i = #abandoned, 2, -1 do
    local j = math.random(i)
    abandoned[i], abandoned[j] = abandoned[j], abandoned[i]
  end
end

-- Leaves fibers until there are 'count', in every state in turn.
local function leave(count)
  while abandoned.made < count do
    shuffle()
    for _, state in ipairs(abandoned) do
      local ok, message = xpcall(state.leave, debug.traceback)
      if not ok then
        error(state.name .. ": " .. message, 0)
      end
    end
  end
end

-- What garbage there can be at once when the collector does not run.
local BATCH <const> = 3000

local ways = {
  {name = "generational", leave = leave},
  {name = "incremental", leave = leave},
  {name = "stopped, and called now and then", leave = function(count)
    while abandoned.made < count do
      collectgarbage "stop"
      leave(math.min(abandoned.made + BATCH, count))
      collectgarbage "restart"
      collectgarbage()
    end
  end},
}

local function progress(before)
  if before // 1000000 < abandoned.made // 1000000 then
    print(("  %d fibers, %.0f s"):format(abandoned.made, os.clock()))
  end
end

-- Leaves 'count' fibers. Was memory flat?
local function run(way, count)
  print(way.name)
  collectgarbage(way.name == "generational" and "generational" or "incremental")
  local first = abandoned.made
  for i = 1, LOOKS do
    local before = abandoned.made
    way.leave(first + count * i // LOOKS)
    look(i)
    progress(before)
  end
  cfiber.trim()
  assert(cfiber.stats().reserved == 0, "a stack is neither in use nor kept for reuse")
  local flat = true
  for _, figure in ipairs(figures) do
    flat = judge(figure) and flat
  end
  return flat
end

math.randomseed(42)
io.stdout:setvbuf "line"
warn "@on"  -- of finalizers that fail
local flat = true
for _, way in ipairs(ways) do
  flat = run(way, n // #ways) and flat
end
print(("%d fibers in %d states, at most %d mounted at once, %.0f s: memory %s"):format(abandoned.made, #abandoned,
  cfiber.stats().peak, os.clock(), flat and "is flat" or "GROWS"))
os.exit(flat)
