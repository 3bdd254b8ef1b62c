-- run.lua: runs every figure and shows the table, with the targets
--
-- After all of them it writes build/bench.json (rows and machine) and
-- build/bench.svg; build/churn.svg is that of churn.lua.
-- usage: lua spec/bench/run.lua [PATTERN]      only programs whose names match

local json = require "dkjson"

local lua = os.getenv "LUA" or "lua5.4"
local ROWS = "build/bench.rows"

-- Where code and threads lie in caches is decided anew in each process: of figures that
-- depend on it several are run, and the row is that of the median.
local RUNS = 5
local repeated = {["pair.lua"] = true, ["many.lua 1000"] = true, ["many.lua 10000"] = true}

local programs = {
  "pair.lua", "inside.lua", "nested.lua", "create.lua", "control.lua", "slice.lua",
  "capi.lua", "task.lua",
  "many.lua 1", "many.lua 100", "many.lua 1000", "many.lua 10000",
  "many.lua 100000", "many.lua 1000000",
  "many.lua 1 below", "many.lua 100 below", "many.lua 1000 below",
  "many.lua 10000 below", "many.lua 100000 below", "many.lua 1000000 below",
  "resident.lua 1000000", "resident.lua 1000 below", "resident.lua 10000 below",
  "resident.lua 100000 below", "resident.lua 1000000 below",
  "reuse.lua", "churn.lua",
  "collect.lua", "collect.lua below", "switch.lua",
}

-- Ratios: what a prototype reached, and the aim.
local targets = {
  pair0 = {0.66, 0.60}, wrap = {0.55, 0.52}, floor = {2.1, 1.9},
  callback = {nil, 0.70}, create = {1.12, 1.10}, turn100 = {0.85, 0.80},
  turn1000 = {1.08, 1.00}, turn10000 = {0.95, 0.95}, turn1000000 = {0.91, 0.90},
  turn1000000s = {1.02, 1.00}, rss1000000 = {1.00, 1.02}, compact = {1.33, 1.20},
  switch = {nil, 0.40},
}

local function output(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return (text:gsub("%s+$", ""))
end

local function machine()
  return {
    cpu = output "sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1",
    kernel = output "uname -sr",
    compiler = output "cc --version | head -n 1",
    lua = output(lua .. " -v"),
    switch = require("cfiber").stats().switch,
  }
end

-- The row of the median ratio of several of the same figure, with the range of all.
local function middle(same)
  local low, high = math.huge, 0
  for _, row in ipairs(same) do
    low, high = math.min(low, row.low), math.max(high, row.high)
  end
  table.sort(same, function(a, b)
    return a.ratio < b.ratio
  end)
  local row = same[#same // 2 + 1]
  row.low, row.high = low, high
  return row
end

local function rows()
  local order, found = {}, {}
  for line in io.lines(ROWS) do
    local row = json.decode(line)
    if not found[row.id] then
      found[row.id] = {}
      order[#order + 1] = row.id
    end
    table.insert(found[row.id], row)
  end
  local list = {}
  for i, id in ipairs(order) do
    list[i] = middle(found[id])
  end
  return list
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

-- A bar for each ratio to stock, drawn by gnuplot.
local function chart(list)
  local data = {}
  for _, row in ipairs(list) do
    if row.against == "stock" and row.unit ~= "ms" and not row.id:find "^pages" then
      data[#data + 1] = ("%q %.4f %.4f %.4f"):format(row.title, row.ratio, row.low, row.high)
    end
  end
  write("build/bench.data", table.concat(data, "\n") .. "\n")
  return os.execute "gnuplot spec/bench/chart.gnuplot"
end

local function verdict(row)
  local target = targets[row.id]
  if not target then
    return ""
  end
  local reached = target[1] and ("%.2f"):format(target[1]) or "-"
  local word = row.ratio <= target[2] and "reach" or target[1] and row.ratio <= target[1] and "reached" or "missed"
  return ("%8s %6.2f  %s"):format(reached, target[2], word)
end

local function summary(list)
  print(("\n%-48s %6s  %-14s %8s %6s"):format("ratio", "", "of rounds", "reached", "reach"))
  for _, row in ipairs(list) do
    local title = row.title
    if row.against ~= "stock" then
      title = title .. ", against " .. row.against
    end
    print(("%-64s %6.2f  %5.2f to %5.2f %s"):format(title, row.ratio, row.low, row.high, verdict(row)))
  end
end

os.remove(ROWS)
local failed = false
local host = machine()
print(("%s, %s, %s, %s, switch %s\n"):format(host.cpu, host.kernel, host.compiler, host.lua, host.switch))
print(("%-44s %9s %9s    %6s  %s"):format("", "cfiber", "peer", "ratio", "of rounds"))
for _, program in ipairs(programs) do
  for _ = 1, program:find(arg[1] or "") and (repeated[program] and RUNS or 1) or 0 do
    if not os.execute(("BENCH_ROWS=%s %s spec/bench/%s"):format(ROWS, lua, program)) then
      print(program .. ": failed")
      failed = true
    end
  end
end
local list = rows()
summary(list)
if not arg[1] then
  write("build/bench.json", json.encode({machine = host, rows = list}, {indent = true}) .. "\n")
  chart(list)
  print "\nbuild/bench.json, build/bench.svg, build/churn.svg"
end
os.exit(not failed)
