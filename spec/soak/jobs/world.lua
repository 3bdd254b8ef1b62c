-- world.lua: jobs on what is around fibers: files, Lua states, OS threads, C++,
-- hooks, signals, the collector, limits

local boundary = require "boundary"
local cfiber = require "cfiber"
local outside = require "outside"
local overrun = require "overrun"
local passed = require "soak.tasks".passed
local stock = require "soak.stock"
local hasleaving, leaving = pcall(require, "leaving")

local random = math.random
local create, resume, yield, wrap = cfiber.create, cfiber.resume, cfiber.yield, cfiber.wrap
local jobs, job = require "soak.joblist"()

-- ---------------------------------------------------------------------------
-- Files

local here = debug.getinfo(1, "S").source:sub(2)

local function lines()
  local n = 0
  for _ in io.lines(here) do
    n = n + 1
  end
  return n
end

local expected = lines()

job("files that are closed by their variables", function(pause)
  local n = 0
  for _ in cfiber.iter(function()
    local file <close> = assert(io.open(here))
    for line in file:lines() do
      yield(line)
    end
  end) do
    n = n + 1
    if n % 50 == 0 then
      pause()
    end
  end
  assert(n == expected)
end)

job("files that are written", function(pause)
  local file <close> = assert(io.tmpfile())
  string.gsub(("x"):rep(20), "x", function(x)
    assert(file:write(x, "\n"))
    pause()
  end)
  assert(file:seek "set" == 0)
  assert(#file:read "a" == 40)
end)

job("files that are left open", function(pause)
  for _ = 1, random(5) do
    local co = create(function()
      local file <close> = assert(io.open(here))
      for _ in file:lines() do
        string.gsub("x", "x", yield)
      end
    end)
    assert(passed(resume(co)))
    pause()
    assert(random(2) == 1 or cfiber.close(co))
  end
end)

-- ---------------------------------------------------------------------------
-- Lua states and OS threads

local script = ([[
  package.path, package.cpath = %q, %q
  local cfiber = require "cfiber"
  local left = {}
  for i = 1, 20 do
    left[i] = cfiber.wrap(string.gsub)
    assert(left[i]("ab", "%%a", cfiber.yield) == "a")
  end
  for i = 1, 10 do
    assert(left[i]() == "b")
  end
  kept = cfiber.create(function() string.gsub("x", "x", cfiber.yield) end)
  assert(cfiber.resume(kept))
]]):format(package.path, package.cpath)

job("a Lua state with fibers that are left in it", function(pause)
  pause()
  local err = boundary.universe(script)
  assert(not err, err)
end)

-- A Lua state that is closed with its variable, and when it is garbage.
local owner = {}
owner.__index = owner

function owner:close()
  pcall(self.state.close, self.state, self.elsewhere)  -- an error when it is closed
end

owner.__close, owner.__gc = owner.close, owner.close

job("a Lua state that goes from OS thread to OS thread", function(pause)
  local other <close> = setmetatable({state = overrun.state(), elsewhere = random(2) == 1}, owner)
  other.state:run [[
    local cfiber = require "cfiber"
    co = cfiber.wrap(function() string.gsub(("x"):rep(10), "x", function() n = (n or 0) + 1 cfiber.yield() end) end)
    lost = cfiber.create(function() string.gsub("x", "x", cfiber.yield) end)
    cfiber.resume(lost)
  ]]
  local n = random(5)
  for i = 1, n do
    assert(other.state:run("co() return n", random(2) == 1) == tostring(i))
    pause()
  end
end, {unsliced = true})

-- ---------------------------------------------------------------------------
-- C++

job("exceptions that end a fiber", function(pause)
  local co = create(function()
    leaving.hold("o", function()
      yield "in"
      passed(pcall(string.gsub, "x", "x", function() leaving.standard "what" end))
    end)
  end)
  local ok, value = passed(resume(co))
  assert(ok and value == "in", value)
  pause()
  ok, value = passed(resume(co))
  assert(not ok and value == "what" and cfiber.status(co) == "dead", value)
  leaving.told()
end)

if not hasleaving or not require "unwinding"() then
  jobs[#jobs] = nil
end

-- ---------------------------------------------------------------------------
-- Hooks and signals

job("hooks that yield", function(pause)
  local counted = 0
  local co = create(function()
    debug.sethook(function() counted = counted + 1 yield "hook" end, "", 50)
    local n = 0
    while n < 500 do
      n = n + 1
    end
    debug.sethook()
    return "end"
  end)
  local ok, what
  local turns = 0
  repeat
    ok, what = passed(resume(co))
    assert(ok, what)
    turns = turns + 1
    if turns % 8 == 0 then
      pause()
    end
  until what == "end"
  assert(counted == turns - 1 and counted >= 20, counted)
end)

job("hooks of lines and calls", function(pause)
  local passes, calls = 0, 0
  local co = create(function()
    for _ = 1, 10 do
      string.gsub("x", "x", yield)
    end
  end)
  debug.sethook(co, function(event)
    if event == "line" then
      passes = passes + 1
    else
      calls = calls + 1
    end
  end, "cl")
  while cfiber.status(co) == "suspended" do
    assert(passed(resume(co)))
    pause()
  end
  assert(passes >= 20 and calls >= 20, passes)
end)

job("signals on fibers' stacks", function(pause)
  outside.storm(500)
  for _ = 1, 5 do
    wrap(function() string.gsub(("x"):rep(50), "x", pause) end)()
  end
  outside.storm(0)
end)

-- ---------------------------------------------------------------------------
-- The collector and the limits

local collectors = {
  function() collectgarbage("incremental", 200, 100, 13) end,
  function() collectgarbage("incremental", random(100, 300), random(50, 400), random(5, 20)) end,
  function() collectgarbage("incremental", 1, 1000, 1) end,
  function() collectgarbage("generational", 20, 100) end,
  function() collectgarbage("generational", random(5, 100), random(20, 200)) end,
  function() collectgarbage() end,
  function() collectgarbage "step" end,
  function() collectgarbage("step", random(100)) end,
}

job("the collector, in all its ways", function(pause)
  for _ = 1, random(3) do
    collectors[random(#collectors)]()
    pause()
  end
  collectors[1]()
end)

local limits = {
  function() return {stack_size = (random(4) + 1) * (256 << 10)} end,
  function() return {stack_size = 300000 + 4096 * random(40)} end,
  function() return {native_limit = ({0, 1, 10, 100, 1024})[random(5)]} end,
  function() return {pool_limit = ({0, 1, 10, 100, 1024})[random(5)]} end,
  function() return {guard = ({"advice", "mprotect"})[random(2)]} end,
}

job("limits that change", function(pause)
  for _ = 1, random(4) do
    cfiber.config(limits[random(#limits)]())
    local co = wrap(function() string.gsub("x", "x", yield) return "end" end)
    co()
    pause()
    assert(co() == "end")
  end
end)

job("stacks of many sizes, and trim", function(pause)
  local threads = {}
  for i = 1, random(40) do
    local size = 65536 * random(8)
    threads[i] = create(function() string.gsub("x", "x", function() yield(i) end) return i + 1 end, size)
    local ok, value = passed(resume(threads[i]))
    assert(ok and value == i and cfiber.info(threads[i]).stack_size == size)
  end
  pause()
  cfiber.trim()
  for i, co in ipairs(threads) do
    local ok, value = passed(resume(co))
    assert(ok and value == i + 1, value)
  end
  assert(cfiber.trim() >= 0)
end)

-- ---------------------------------------------------------------------------
-- Finalizers

job("finalizers that run fibers", function(pause)
  for _ = 1, random(20) do
    local co = stock.create(yield)
    local _ = setmetatable({}, {__gc = function()
      resume(co)
      string.gsub("x", "x", wrap(function() wrap(yield)() end))
    end})
  end
  pause()
end)

return jobs
