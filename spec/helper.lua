-- helper.lua: what every spec uses
--
-- A scenario is a function of a coroutine library and of a function 'log'
-- that records everything worth comparing:
--
--   it("passes values in", same(function(co, log)
--     log(co.resume(co.create(function(...) log(...) end), 1, 2))
--   end))
--
-- 'same' makes a test of it, which runs it on the stock library, on cfiber,
-- and on cfiber with a full collection at every call into the library. What
-- the three record must be equal: values, types, messages, positions,
-- tracebacks, and the identity of threads, tables and functions.

local cfiber = require "cfiber"
local collector = require "collector"
local stock = coroutine

local helper = {cfiber = cfiber, stock = stock}

-- A new cycle begins as soon as one ends.
local function restless()
  collector("incremental", 1, 1000, 1)
end

local modes = {
  plain = function() end,
  compact = function()
    cfiber.config {native_limit = 0}
  end,
  collector = restless,
}

helper.mode = os.getenv "CFIBER_SPEC_MODE" or "plain"
modes[helper.mode]()

-- ---------------------------------------------------------------------------
-- Leaks

-- Stacks come back with the first collection, those of objects that a
-- finalizer held with the second.
local function collectdown(mounted)
  for _ = 1, 3 do
    if cfiber.stats().mounted <= mounted then
      return
    end
    collectgarbage()
  end
end

local function checkleaks(before, after)
  assert(after.mounted == before.mounted,
    ("%d fibers stay mounted"):format(after.mounted - before.mounted))
  assert(after.suspended == before.suspended,
    "the count of suspended fibers is off")
end

--- Calls f and asserts that no fiber stays mounted: each has its stack back.
function helper.leakless(f, ...)
  collectdown(0)
  local before = cfiber.stats()
  f(...)
  collectdown(before.mounted)
  checkleaks(before, cfiber.stats())
end

-- ---------------------------------------------------------------------------
-- Records

local names = {}
for name, f in pairs(stock) do
  names[f], names[cfiber[name]] = "co." .. name, "co." .. name
end

-- Addresses as "%p" writes them, with "0x" or at full length
local address = tostring(print):match "0x" and "0x%x+" or ("%x"):rep(#tostring(print):match "%x+$")

-- What must differ between the libraries: the module's name, addresses.
local function normalize(text)
  text = text:gsub("cfiber%.(%l+)", function(name)
    return stock[name] and "coroutine." .. name
  end)
  return (text:gsub(address, "0x?"))
end

-- 'thread#1' is the first thread that a record shows.
local function label(seen, value)
  if not seen[value] then
    local kind = type(value)
    seen[kind] = (seen[kind] or 0) + 1
    seen[value] = kind .. "#" .. seen[kind]
  end
  return seen[value]
end

local function show(seen, value)
  if type(value) == "string" then
    return '"' .. normalize(value) .. '"'
  elseif names[value] then
    return names[value]
  elseif value == nil or type(value) == "number" or type(value) == "boolean" then
    return tostring(value)
  end
  return label(seen, value)
end

-- A function that adds its arguments to a record as one line of text. It keeps
-- alive what it was given.
local function logger(record)
  local seen = {}
  return function(...)
    local line = table.pack(...)
    for i = 1, line.n do
      line[i] = show(seen, line[i])
    end
    record[#record + 1] = table.concat(line, " ")
  end
end

local function run(record, library, scenario)
  local log = logger(record)
  local ok, err = xpcall(scenario, debug.traceback, library, log)
  if not ok then
    log("the scenario raised", err)
  end
  record.ok = ok
end

-- ---------------------------------------------------------------------------
-- The collecting library

-- At most, for each scenario: they take time.
local collections = helper.mode == "collector" and 20 or 60

-- Collects when a function is looked up, which is just before its call. The
-- function itself is the library's own, unwrapped: messages, positions and
-- tracebacks stay as they are.
local function collecting()
  local n = 0
  return setmetatable({}, {__index = function(_, name)
    n = n + 1
    if n <= collections then
      collectgarbage()
    end
    return cfiber[name]
  end})
end

-- ---------------------------------------------------------------------------
-- Comparison

local function firstdifference(a, b)
  for i = 1, math.max(#a, #b) do
    if a[i] ~= b[i] then
      return i
    end
  end
end

local function indent(text)
  return (text or "(the record ends)"):gsub("\n", "\n          ")
end

local function report(scenario, expected, found, i)
  local info = debug.getinfo(scenario, "S")
  return ("%s differs from stock (scenario at %s:%d), line %d of the record\n"
    .. "  before: %s\n  stock:  %s\n  cfiber: %s"):format(found.name,
    info.short_src, info.linedefined, i,
    indent(expected[i - 1] or "(the record begins)"), indent(expected[i]),
    indent(found[i]))
end

local function checkexpected(expected)
  assert(expected.ok, expected[#expected])
  assert(#expected > 0, "the scenario records nothing")
end

local function checkequal(scenario, expected, found)
  local i = firstdifference(expected, found)
  if i then
    error(report(scenario, expected, found, i), 0)
  end
end

-- Runs a scenario on each library; the first one says what is right.
local function compareruns(scenario, runs)
  for i, record in ipairs(runs) do  -- one call: the same frames below all
    helper.leakless(run, record, record.library, scenario)
    if i == 1 then
      checkexpected(record)
    else
      checkequal(scenario, runs[1], record)
    end
  end
end

--- Asserts that a scenario records the same on stock Lua and on 'library'.
function helper.agree(scenario, library)
  compareruns(scenario, {
    {name = "stock", library = stock},
    {name = "the library", library = library},
  })
end

--- Asserts that a scenario records the same on both libraries.
function helper.compare(scenario, options)
  local runs = {
    {name = "stock", library = stock},
    {name = "cfiber", library = cfiber},
  }
  if not options or options.collect ~= false then
    runs[3] = {name = "collecting cfiber", library = collecting()}
  end
  compareruns(scenario, runs)
end

--- The test that a scenario behaves in the same way on both libraries.
-- options.collect = false: not with the collecting library, for scenarios that
-- hooks or collections of their own make depend on it.
function helper.same(scenario, options)
  return function()
    helper.compare(scenario, options)
  end
end

--- A pattern for what a traceback says of a function of a library that is
-- called: before Lua 5.5 the name that 'package.loaded' has for it, then the one
-- in the code.
function helper.called(name)
  if _VERSION == "Lua 5.4" then
    return ("in function '%s'"):format((name:gsub("%.", "%%.")))
  end
  return ("in %%l+ '%s'"):format(name:match "[^.]+$")
end

--- A traceback in which those functions have bare names: "[C]: in 'sort'".
function helper.bare(text)
  return (text:gsub("%[C%]: in %l+ '[%w_.]-([%w_]+)'", "[C]: in '%1'"))
end

-- ---------------------------------------------------------------------------
-- Finalizers

--- Calls f as the finalizer of an object.
function helper.finalize(f)
  local called = false
  setmetatable({}, {__gc = function()
    if not called then
      called = true
      f()
    end
  end})
  collectgarbage()
  collectgarbage()
  assert(called, "the finalizer did not run")
end

-- ---------------------------------------------------------------------------
-- Limits

--- Calls f, which may change how the collector works, then sets that back.
function helper.withcollector(f, ...)
  local ok, message = xpcall(f, debug.traceback, ...)
  collectgarbage "restart"
  collector "default"
  if helper.mode == "collector" then
    restless()
  end
  assert(ok, message)
end

--- Calls f with these limits set (see cfiber.config), then sets them back.
function helper.withconfig(limits, f, ...)
  local before = cfiber.config()
  cfiber.config(limits)
  local result = table.pack(xpcall(f, debug.traceback, ...))
  cfiber.config(before)
  if not result[1] then
    error(result[2], 0)
  end
  return table.unpack(result, 2, result.n)
end

return helper
