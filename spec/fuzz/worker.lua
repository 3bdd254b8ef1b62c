-- worker.lua: runs programs and compares what their variants do
--
-- One process, one build of cfiber. What it says on stdout, a line each:
--
--   begin I              program I of the job
--   done I OPS HASH      all variants agree: operations, hash of the trace
--   fail I KIND          and the lines behind it say what is wrong
--   memory BYTES         in use now that the program is forgotten
--
-- usage: lua worker.lua JOB, a file that text.lua loads: {programs = {...}} or
-- {first = seed, last = seed, kind = "stock"|"all", fuel = n}; and for one
-- program 'dump = name', a file for its trace

local job = arg[1]
package.path = arg[0]:gsub("[^/]*$", "") .. "?.lua;" .. package.path

local cfiber = require "cfiber"
local generate = require "generate"
local machine = require "machine"
local text = require "text"
local trace = require "trace"
require "ops"
require "fiberops"

local stock = {name = "stock", library = coroutine, limit = 1024}
local fibers = {
  {name = "native", library = cfiber, limit = 1024},
  {name = "compact", library = cfiber, limit = 0},
  {name = "mixed", library = cfiber, limit = 2},
}

local variants = {
  stock = {stock, table.unpack(fibers)},
  all = fibers,
}

local collectors = {
  incremental = function() collectgarbage("incremental", 200, 100, 13) end,
  generational = function() collectgarbage "generational" end,
  eager = function() collectgarbage("incremental", 1, 1000, 1) end,
}

local function report(...)
  io.stdout:write(table.concat({...}, " "), "\n")
  io.stdout:flush()
end

-- ---------------------------------------------------------------------------
-- What holds after each program

-- A stack comes back with the first collection, that of an object which a
-- finalizer held with the next.
local function collectdown(mounted)
  for _ = 1, 6 do
    collectgarbage()
    if cfiber.stats().mounted <= mounted then
      return
    end
  end
end

-- Compared with before: a stack that is lost is lost once.
local function leftovers(before)
  local stats, problems = cfiber.stats(), {}
  local function check(condition, ...)
    if not condition then
      problems[#problems + 1] = (...):format(select(2, ...))
    end
  end
  check(collectgarbage "isrunning", "the collector is stopped")
  check(stats.mounted == before.mounted, "%d stacks are lost", stats.mounted - before.mounted)
  check(stats.suspended == before.suspended, "%d fibers are counted as suspended", stats.suspended - before.suspended)
  for _, co in ipairs(cfiber.list()) do
    check(false, "a fiber is left: %s", debug.traceback(co))
  end
  check(select(2, cfiber.running()), "another thread than the main one runs")
  check(stats.pooled <= cfiber.config().pool_limit, "%d stacks are cached", stats.pooled)
  return problems
end

-- ---------------------------------------------------------------------------
-- One program

local function run(program, variant)
  collectors[program.collector]()
  cfiber.config {native_limit = variant.limit}
  local before = cfiber.stats()
  local m = machine.new(program, variant.library)
  local lines, problems = m:execute()
  local executed = m.executed
  m = nil  -- luacheck: ignore
  collectgarbage "incremental"
  collectdown(before.mounted)
  for _, problem in ipairs(leftovers(before)) do
    problems[#problems + 1] = problem
  end
  return {text = lines, problems = problems, executed = executed}
end

local function firstdifference(a, b)
  local nexta, nextb = a:gmatch "[^\n]*", b:gmatch "[^\n]*"
  local n = 0
  while true do
    local linea, lineb = nexta(), nextb()
    n = n + 1
    if linea ~= lineb then
      return n, linea or "(it ends)", lineb or "(it ends)"
    end
  end
end

-- Lua's limit of C calls is another in a stock coroutine, which inherits what
-- its resumers have in progress.
local function comparable(text1, text2)
  return not (text1:find("C stack overflow", 1, true) or text2:find("C stack overflow", 1, true))
end

-- Returns what it is that fails, and details; or nil.
local function judge(first, variant, result)
  if #result.problems > 0 then
    return "broken", variant.name .. ": " .. table.concat(result.problems, "; ")
  end
  if first.result.text ~= result.text and (first.name ~= "stock" or comparable(first.result.text, result.text)) then
    local n, a, b = firstdifference(first.result.text, result.text)
    return "differs", ("line %d of the trace\n  %s: %s\n  %s: %s"):format(n, first.name, a, variant.name, b)
  end
end

-- Runs all variants. Returns the result of the last, or nil and what fails.
local function compare(program)
  local list = variants[program.kind]
  local first = {name = list[1].name}
  local result
  for _, variant in ipairs(list) do
    result = run(program, variant)
    first.result = first.result or result
    local kind, details = judge(first, variant, result)
    if kind then
      return nil, kind, details
    end
  end
  return result
end

-- ---------------------------------------------------------------------------
-- The job

local function dump(name, lines)
  local file = assert(io.open(name, "w"))
  file:write(lines, "\n")
  file:close()
end

local function perform(i, program, dumped)
  report("begin", i)
  local result, kind, details = compare(program)
  if not result then
    report("fail", i, kind)
    report(details)
    return
  end
  if dumped then
    dump(dumped, result.text)
  end
  report("done", i, result.executed, trace.hash(result.text))
end

-- What is in use when a program is forgotten.
local function measure()
  collectgarbage()
  report(("memory %.0f"):format(collectgarbage "count" * 1024))
end

job = text.load(job)
if job.programs then
  for i, program in ipairs(job.programs) do
    perform(i, program, job.dump)
    measure()
  end
else
  for seed = job.first, job.last do
    perform(seed, generate.program(seed, job.kind, job.fuel), job.dump)
    measure()
  end
end
