-- figures.lua: what must stay flat in a long run: samples, and the judgement

local cfiber = require "cfiber"
local places = require "soak.places"
local tasks = require "soak.tasks"

local figures = {}

-- ---------------------------------------------------------------------------
-- One sample

local function idle()
  for _ = 1, 6 do
    collectgarbage()
  end
end

local function lines(path)
  local n = 0
  for _ in io.lines(path) do
    n = n + 1
  end
  return n
end

-- Two numbers of the process: resident KB, OS threads.
local function process()
  local file <close> = assert(io.open "/proc/self/status")
  local text = file:read "a"
  return tonumber(text:match "VmRSS:%s*(%d+)"), tonumber(text:match "Threads:%s*(%d+)")
end

local function pid()
  local file <close> = assert(io.open "/proc/self/stat")
  return file:read "n"
end

-- By the exit status: a pipe to who counts them would be one of them.
local function handles()
  return select(3, os.execute(("exit $(ls /proc/%d/fd | wc -l)"):format(pid())))
end

--- Samples the process while no task runs. Stacks that wait for reuse, of which
-- there may be as many as 'pool_limit' says, are counted, then given back.
-- Returns a table of numbers: see figures.all and figures.counts.
function figures.sample()
  idle()
  local before = cfiber.stats()
  cfiber.trim()
  idle()
  local after = cfiber.stats()
  local resident, threads = process()
  local made, destroyed = places.objects()
  return {
    resident = resident / 1024, lua = collectgarbage "count" / 1024, threads = threads,
    handles = handles(), mappings = lines "/proc/self/maps",
    mounted = after.mounted, suspended = after.suspended, reserved = after.reserved / 2^20,
    pooled = before.pooled,
    stacks_made = after.stacks_made, yields = after.native_yields + after.compact_yields,
    objects = made and made - destroyed or 0, unfinalized = tasks.made - tasks.finalized,
  }
end

-- ---------------------------------------------------------------------------
-- All of them

--- Fields that may be anything.
figures.counts = {"yields", "stacks_made", "pooled"}

--- Those that are judged. Each: its field in a sample, what it is, its unit, and by how much the most
-- of the later half may exceed that of the earlier half: a part, and a number.
figures.all = {
  {"resident", "resident memory", "MB", 0.05, 2},
  {"lua", "Lua's memory", "MB", 0.05, 0.1},
  {"reserved", "memory of stacks", "MB", 0, 0},
  {"mappings", "mappings", "", 0, 4},
  {"handles", "open handles", "", 0, 0},
  {"threads", "OS threads", "", 0, 0},
  {"mounted", "mounted threads", "", 0, 0},
  {"suspended", "suspended threads", "", 0, 0},
  {"objects", "C++ objects not destroyed", "", 0, 0},
  {"unfinalized", "finalizers not called", "", 0, 0},
}

local function most(samples, field, first, last)
  local max = -math.huge
  for i = first, last do
    max = math.max(max, samples[i][field])
  end
  return max
end

local function show(x)
  return math.type(x) == "integer" and tostring(x) or ("%.2f"):format(x)
end

local function flat(samples, figure)
  local field, what, unit, part, number = table.unpack(figure)
  local first = #samples // 10 + 1
  local middle = (first + #samples) // 2
  local earlier, later = most(samples, field, first, middle), most(samples, field, middle + 1, #samples)
  local allowed = earlier + earlier * part + number
  local ok = later <= allowed
  print(("%-30s at most %s, then %s%s%s: %s"):format(what, show(earlier), show(later), unit ~= "" and " " .. unit or "",
    allowed > earlier and (" (allowed: %s)"):format(show(allowed)) or "", ok and "flat" or "NOT FLAT"))
  return ok
end

--- The samples in a file whose first line names their fields. They are not kept
-- in memory, which is measured.
function figures.read(path)
  local samples, names = {}, nil
  for line in io.lines(path) do
    if not names then
      names = {}
      for name in line:gmatch "[%w_]+" do
        names[#names + 1] = name
      end
    else
      local s, i = {}, 0
      for value in line:gmatch "%S+" do
        i = i + 1
        s[names[i]] = tonumber(value)
      end
      samples[#samples + 1] = s
    end
  end
  return samples
end

--- Prints a line for each figure: the most in the earlier and in the later half
-- of the samples, without the first tenth. Are all flat?
function figures.flat(samples)
  if #samples < 4 then
    print "too few samples to tell what is flat"
    return true
  end
  local ok = true
  for _, figure in ipairs(figures.all) do
    ok = flat(samples, figure) and ok
  end
  return ok
end

return figures
