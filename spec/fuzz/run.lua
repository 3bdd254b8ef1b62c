-- run.lua: random programs on stock coroutines and on fibers, compared

local usage = [[
usage: lua spec/fuzz/run.lua [OPTIONS]      from the root, after 'make all' and
                                            'make SWITCH=ucontext all'

  --seed N        the first seed (default: the time)
  --programs N    how many seeds, of each kind (default 100)
  --ops N         go on until so many operations were executed, of all kinds;
                  each is executed by every variant and counts once
  --kind K        stock: programs that stock coroutines can run, compared with
                  them; all: with suspend, throw, transfer, exit, slice, yields
                  below C functions, compared among ways to yield; default both
  --fuel N        the most operations of one program (default 400)
  --build DIR     where a cfiber.so is; may be repeated, and programs are
                  compared across them (default: build and build/ucontext)
  --file F        runs the program in this file, as a failing one is kept
  --show          prints programs instead of running them
  --seconds N     for the shrinking of one failure (default 120)
  --keep DIR      where failing programs are kept (default build/fuzz)
  --quiet         no progress

Exit status 0 when all programs agree.
]]

local directory = arg[0]:gsub("[^/]*$", "")
package.path = directory .. "?.lua;" .. package.path

local batch = require "batch"
local generate = require "generate"
local shrink = require "shrink"
local text = require "text"

local BATCH = 200  -- programs that one child runs
local GROWTH = 128 * 1024  -- bytes that a child's memory may vary by
local MOST = 5  -- failures after which there is no point in going on

local options = {seed = os.time(), programs = 100, fuel = 400, seconds = 120, keep = "build/fuzz", builds = {}}

local function die(...)
  io.stderr:write("fuzz: ", string.format(...), "\n")
  os.exit(2)
end

local numbers = {seed = true, programs = true, ops = true, fuel = true, seconds = true}
local words = {kind = true, build = true, file = true, keep = true}
local flags = {show = true, quiet = true}

local function setoption(name, value)
  if numbers[name] then
    options[name] = math.tointeger(value) or die("--%s: a number expected, got %s", name, value)
  elseif name == "build" then
    table.insert(options.builds, value)
  else
    options[name] = value or die("--%s: a value expected", name)
  end
end

local function parse()
  local i = 1
  while arg[i] do
    local name = arg[i]:match "^%-%-(%l+)$"
    if name == "help" then
      io.stdout:write(usage)
      os.exit(0)
    elseif flags[name] then
      options[name] = true
    elseif numbers[name] or words[name] then
      i = i + 1
      setoption(name, arg[i])
    else
      die("unknown option %s; --help lists them", arg[i])
    end
    i = i + 1
  end
end

local function exists(path)
  local file = io.open(path)
  return file and file:close()
end

local function findbuilds()
  if #options.builds == 0 then
    options.builds = {"build", "build/ucontext"}
  end
  for _, build in ipairs(options.builds) do
    if not exists(build .. "/cfiber.so") then
      die("there is no %s/cfiber.so; --help says what to make", build)
    end
  end
end

-- ---------------------------------------------------------------------------
-- Failures

local failures = 0

local function progress(...)
  if not options.quiet then
    io.stderr:write(string.format(...), "\n")
  end
end

-- A failure stays of its kind while it shrinks.
local function samekind(kind)
  return function(programs)
    local from = 1
    while from <= #programs do
      local index, found = batch.judge(options.builds, table.move(programs, from, #programs, 1, {}))
      if not index or index < 1 then
        return nil
      elseif found == kind then
        return from + index - 1
      end
      from = from + index
    end
  end
end

local function shrunk(program, kind)
  progress("shrinking a program of %d nodes", shrink.size(program))
  return shrink.shrink(program, samekind(kind), function(p)
    progress("  %d nodes, at most %d operations", shrink.size(p), p.fuel)
  end, options.seconds)
end

local function keep(program)
  os.execute("mkdir -p '" .. options.keep .. "'")
  local name = ("%s/%s-%s.lua"):format(options.keep, program.kind, program.seed)
  text.save(name, program)
  return name
end

local function report(program, kind, details)
  failures = failures + 1
  print(("\nseed %s fails (%s): --kind %s --seed %s --programs 1 --fuel %d\n%s"):format(program.seed, kind, program.kind,
    program.seed, program.fuel, details))
  local again, newkind = batch.judge(options.builds, {program})
  if not again then
    print "alone it does not fail: run it with the seeds before it"
    return
  end
  program = shrunk(program, newkind)
  print(("\n%s\n"):format(text.show(program)))
  again, newkind, details = batch.judge(options.builds, {program})
  print(("%s: %s\nkept as %s, which --file runs\n"):format(again and newkind or "no longer fails", details, keep(program)))
end

-- ---------------------------------------------------------------------------
-- Runs

local executed, programs = 0, 0

-- Runs one batch in one build, over its crashes.
local function runbatch(build, kind, first, last, event)
  while first <= last do
    local busy = batch.run(build, {first = first, last = last, kind = kind, fuel = options.fuel}, event)
    if not busy then
      return
    end
    first = busy + 1
  end
end

-- Memory in use after each program of a batch: the least in the last third is
-- not much more than the least in the middle third.
local function checkmemory(build, kind, memory)
  local n = #memory
  if n < BATCH // 2 then
    return
  end
  local before = math.min(table.unpack(memory, n // 3, 2 * n // 3))
  local after = math.min(table.unpack(memory, 2 * n // 3 + 1, n))
  if after > before + GROWTH then
    failures = failures + 1
    print(("\nmemory grows in %s, from %d to %d bytes: --kind %s --seed %d --programs %d"):format(build, before, after,
      kind, memory.first, n))
  end
end

-- What became of each seed in all builds.
local function compare(kind, first, last)
  local hashes, failed = {}, {}
  for number, build in ipairs(options.builds) do
    local memory = {first = first}
    runbatch(build, kind, first, last, function(e)
      if e.fail then
        failed[e.index] = failed[e.index] or {kind = e.fail, details = build .. ": " .. e.details}
        return
      end
      if e.memory then
        memory[#memory + 1] = e.memory
        return
      end
      executed = executed + (number == 1 and e.executed or 0)
      if hashes[e.index] and hashes[e.index] ~= e.hash then
        failed[e.index] = {kind = "builds differ", details = build}
      end
      hashes[e.index] = e.hash
    end)
    checkmemory(build, kind, memory)
  end
  return failed
end

local function runseeds(kind, first, last)
  local failed = compare(kind, first, last)
  programs = programs + last - first + 1
  for seed = first, last do
    if failed[seed] and failures < MOST then
      report(generate.program(seed, kind, options.fuel), failed[seed].kind, failed[seed].details)
    end
  end
end

local function kinds()
  return options.kind and {options.kind} or {"stock", "all"}
end

-- A line every ten seconds.
local nextline = os.time() + 10
local function tick()
  if os.time() >= nextline then
    nextline = os.time() + 10
    progress("%d programs, %d operations, %d failures", programs, executed, failures)
  end
end

local function finished(seed)
  if failures >= MOST then
    return true
  elseif options.ops then
    return executed >= options.ops
  end
  return seed >= options.seed + options.programs
end

local function run()
  local seed = options.seed
  while not finished(seed) do
    local last = options.ops and seed + BATCH - 1 or math.min(seed + BATCH, options.seed + options.programs) - 1
    for _, kind in ipairs(kinds()) do
      runseeds(kind, seed, last)
      tick()
    end
    seed = last + 1
  end
end

local function runfile()
  local program = text.load(options.file)
  print(text.show(program))
  local index, kind, details = batch.judge(options.builds, {program})
  if index then
    failures = 1
    print(("\n%s: %s"):format(kind, details))
  end
end

local function show()
  for seed = options.seed, options.seed + options.programs - 1 do
    for _, kind in ipairs(kinds()) do
      print(("-- seed %d, kind %s"):format(seed, kind))
      print(text.show(generate.program(seed, kind, options.fuel)))
    end
  end
end

parse()
if options.show then
  show()
  return
end
findbuilds()
if options.file then
  runfile()
else
  print(("fuzz: seeds from %d"):format(options.seed))
  run()
  print(("%d programs, %d operations, %d failures"):format(programs, executed, failures))
end
os.exit(failures == 0 and 0 or 1)
