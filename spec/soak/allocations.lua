-- allocations.lua: every request for memory of a scenario fails in turn
--
-- A scenario has a function that asserts what it expects, 'run'. It runs with its first
-- request failing, then with its second, and so on, until it no longer meets
-- the failure and must succeed. After each run everything is as it was: fibers
-- of every kind work, no stack is lost, the collector runs. Further fields of a
-- scenario:
--   restore  is called after each run
--   expect   a pattern of errors that failures may lead to, beside memory errors
--   onmain   it runs on the main thread only
--   own      'run' itself has requests fail, in a Lua state of its own: it gets
--            how many are to succeed first and how many then fail, and returns
--            whether one did

local cfiber = require "cfiber"
local starve = require "starve"
local tells = require "soak.tells"
local hasfailing, failing = pcall(require, "failing")

-- What Lua's own libraries make at the first use, in several steps, and do not
-- mend when a step failed.
require "boundary".buffer(tostring, 1, 5000)
debug.sethook(print, "", 1 << 30)
debug.sethook()

local allocations = {}

-- Who refuses: Lua's allocator, which is asked twice for each request, with a
-- collection in between; or the C library, for the tables of cfiber.
local sources = {
  lua = {starve = starve, tries = 2},
  calloc = hasfailing and {starve = function(...) return failing("calloc", ...) end, tries = 1} or nil,
}

local function collect(mounted)
  for _ = 1, 4 do
    if #cfiber.list() <= mounted then
      return
    end
    collectgarbage()
  end
end

-- ---------------------------------------------------------------------------
-- What must hold after each run

local closed = 0
local closable = setmetatable({}, {__close = function() closed = closed + 1 end})

local function body(a)
  local _ <close> = closable
  local b = ("x"):gsub("x", cfiber.yield)
  local c = cfiber.yield(a .. b)
  error(c, 0)
end

-- A fiber yields natively and where it can be compactly, fails, is closed.
local function works()
  local co, before = cfiber.create(body), closed
  local ok, x = cfiber.resume(co, "a")
  assert(ok and x == "x" and cfiber.status(co) == "suspended")
  ok, x = cfiber.resume(co, "b")
  assert(ok and x == "ab" and cfiber.status(co) == "suspended")
  ok, x = cfiber.resume(co, "c")
  assert(not ok and x == "c" and cfiber.status(co) == "dead")
  assert(cfiber.close(co) == not tells and closed == before + 1)
  co = cfiber.wrap(function() return coroutine.wrap(function() coroutine.yield(cfiber.isyieldable()) end)() end)
  assert(co() == true)
end

-- Stacks of threads that went without a word: Lua found no memory to call their
-- finalizers, see spec/regress/043.
local lost = 0

local function check(before)
  assert(collectgarbage "isrunning", "the collector does not run")
  works()
  collect(before.mounted)
  local listed, after = #cfiber.list(), cfiber.stats()
  assert(listed == before.mounted, ("%d fibers are left"):format(listed - before.mounted))
  lost = after.mounted - before.mounted
  assert(lost == after.suspended - before.suspended, "the count of suspended fibers is off")
  assert(lost >= 0, "the count of stacks is off")
end

-- ---------------------------------------------------------------------------
-- One scenario

-- Is this what a failure leads to?
local function follows(scenario, err)
  return err:find "not enough memory" or scenario.expect and err:find(scenario.expect)
end

-- Runs it with 'fail' requests failing after 'wait'. Did it meet one?
local function starved(scenario, source, wait, fail)
  collectgarbage()
  if scenario.own then
    return scenario.run(wait, fail)
  end
  source.starve(wait, fail)
  local ok, err = pcall(scenario.run)
  local _, left = source.starve(0, 0)
  if scenario.restore then
    scenario.restore()
  end
  assert(ok or left < fail and follows(scenario, tostring(err)), err)
  return left < fail
end

-- As long as runs meet the failure of 'fail' requests. Returns how many did,
-- and the memory in use at the end.
local function pass(scenario, source, fail)
  local before, wait = {mounted = #cfiber.list()}, 0
  before.suspended = before.mounted
  while starved(scenario, source, wait, fail) do
    check(before)
    wait = wait + 1
  end
  check(before)
  collectgarbage()
  collectgarbage()
  return wait, collectgarbage "count"
end

-- Memory does not grow with every pass.
local function each(scenario, source, fail)
  local _, before = pass(scenario, source, fail)
  for _ = 1, 6 do
    local n, after = pass(scenario, source, fail)
    if after <= before then
      return n
    end
    before = after
  end
  error "memory is lost"
end

-- Failures in a row: of Lua's allocator an even number, as it is asked twice.
local rows = {short = {1, 2, 1 << 40}, long = {1, 2, 3, 10, 40, 1 << 40}}

local function eachrow(scenario, length)
  local sum = 0
  for _, row in ipairs(rows[length]) do
    for name, source in pairs(sources) do
      if name ~= "calloc" or not scenario.nocalloc then
        local ok, n = pcall(each, scenario, source, row * source.tries)
        assert(ok, ("%s, %d in a row: %s"):format(name, row, n))
        sum = sum + n
      end
    end
  end
  return sum
end

-- ---------------------------------------------------------------------------
-- Where it runs

local places = {}

function places.main(run)
  return run
end

local function inside(lib)
  return function(run)
    return function()
      local co = lib.create(run)
      local ok, err = lib.resume(co)
      lib.close(co)  -- the <close> variables of one that failed
      assert(ok, err)
    end
  end
end

places["a fiber"] = inside(cfiber)
places["a stock coroutine"] = inside(coroutine)

places["a stock coroutine in a fiber"] = function(run)
  return places["a fiber"](places["a stock coroutine"](run))
end

local function placed(scenario, place)
  return setmetatable({run = place(scenario.run)}, {__index = scenario})
end

--- Runs a scenario with every failure. Length "short": on the main thread;
-- "long": in every place, with native and compact yields, with both ways of the
-- collector, and with rows of failures of more lengths.
-- Returns how many failures there were, and how many stacks were lost to
-- finalizers that Lua had no memory to call.
function allocations.run(scenario, length)
  if length == "short" or scenario.onmain or scenario.own then
    return eachrow(scenario, length), lost
  end
  local sum, limit = 0, cfiber.config().native_limit
  for name, place in pairs(places) do
    for _, collector in ipairs {"generational", "incremental"} do
      for _, native in ipairs {0, limit} do
        collectgarbage(collector)
        cfiber.config {native_limit = native}
        local ok, n = pcall(eachrow, placed(scenario, place), length)
        assert(ok, ("in %s, %s, native_limit %d: %s"):format(name, collector, native, n))
        sum = sum + n
      end
    end
  end
  cfiber.config {native_limit = limit}
  return sum, lost
end

return allocations
