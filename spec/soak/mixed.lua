-- mixed.lua: many kinds of work at once in one process, for a long time

local usage = [[
usage: lua spec/soak/mixed.lua [OPTIONS]      from the root, after
                                              'make specmodules'

  --seconds N   how long (default 3600)
  --rounds N    so many rounds of up to ten jobs, whatever time they take
  --every N     seconds between samples (default 5); with --rounds: rounds
  --seed N      of all that is random (default: the time)
  --from N      the first round, to have a later one again
  --job NAME    only jobs whose name has this in it
  --data FILE   where the samples go (default: build/soak/mixed.data)

Exit status 0 when no job failed and all figures are flat. The plot of the data,
build/soak/mixed.svg, is made by gnuplot spec/soak/mixed.gnuplot.
]]

package.path = "./spec/?.lua;" .. package.path
local cfiber = require "cfiber"
local figures = require "soak.figures"
local outside = require "outside"
local tasks = require "soak.tasks"

-- ---------------------------------------------------------------------------
-- Options

local options = {seconds = 3600, every = 5, seed = os.time(), from = 1, job = "", data = "build/soak/mixed.data"}

for i = 1, #arg, 2 do
  local name = arg[i]:match "^%-%-(%l+)$"
  local value = arg[i + 1]
  if not value or not options[name] and name ~= "rounds" then
    io.stderr:write(usage)
    os.exit(arg[i] == "--help" and 0 or 2)
  end
  options[name] = name ~= "job" and name ~= "data" and assert(math.tointeger(value), name) or value
end

local jobs = {}
for _, name in ipairs {"coroutines", "control", "world"} do
  for _, job in ipairs(require("soak.jobs." .. name)) do
    if job.name:find(options.job, 1, true) then
      jobs[#jobs + 1] = job
    end
  end
end

-- ---------------------------------------------------------------------------
-- Samples

local taken, latest = 0, nil  -- samples
local limits = cfiber.config()
local began = os.time()
local data = assert(io.open(options.data, "w"))

local fields = table.move(figures.counts, 1, #figures.counts, 1, {})
for _, figure in ipairs(figures.all) do
  fields[#fields + 1] = figure[1]
end

data:write("# seconds rounds ", table.concat(fields, " "), "\n")

local function write(round, s)
  data:write(os.time() - began, " ", round)
  for _, field in ipairs(fields) do
    data:write(" ", s[field])
  end
  data:write("\n")
  data:flush()
end

-- Between rounds nothing runs, and the limits are as in the beginning.
local function sample(round)
  outside.storm(0)
  cfiber.config(limits)
  collectgarbage("incremental", 200, 100, 13)
  taken, latest = taken + 1, figures.sample()
  write(round, latest)
end

local function progress(round)
  local s, seconds = latest, os.time() - began
  print(("%d s: %d rounds, %d resumes of tasks, %d yields (%d each second), %.1f MB resident, %d stacks made"):format(seconds,
    round, tasks.resumes, s.yields, s.yields // math.max(1, seconds), s.resident, s.stacks_made))
  io.stdout:flush()
end

-- ---------------------------------------------------------------------------
-- The run

local function over(round)
  if options.rounds then
    return round >= options.from + options.rounds - 1
  end
  return os.time() - began >= options.seconds
end

-- Is it time for a sample? The k-th comes after k times 'every'.
local function due(round)
  local passed = options.rounds and round - options.from + 1 or os.time() - began
  return passed >= options.every * (taken + 1)
end

local function runround(round, some)
  local ok, err = xpcall(tasks.round, debug.traceback, some)
  if not ok then
    outside.storm(0)  -- the handler goes with its library
    error(("round %d fails, again with --seed %d --from %d:\n%s"):format(round, options.seed, round, err), 0)
  end
end

-- Each job alone, so that what is made once is there before the first sample.
local function warmup()
  math.randomseed(options.seed)
  for _, job in ipairs(jobs) do
    runround(options.from, {job})
  end
end

local function run()
  local round, nextline = options.from - 1, 0
  repeat
    round = round + 1
    local last = over(round)
    math.randomseed(options.seed, round)
    runround(round, jobs)
    if due(round) or last and taken == 0 then
      sample(round)
      if os.time() >= nextline then
        nextline = os.time() + 60
        progress(round)
      end
    end
  until last
  progress(round)
end

local function showends()
  local ends = {}
  for how, n in pairs(tasks.ended) do
    ends[#ends + 1] = ("%d %s"):format(n, how)
  end
  table.sort(ends)
  print("tasks: " .. table.concat(ends, ", "))
end

print(("mixed: %d kinds of jobs, seed %d"):format(#jobs, options.seed))
warmup()
run()
data:close()
showends()
os.exit(figures.flat(figures.read(options.data)))
