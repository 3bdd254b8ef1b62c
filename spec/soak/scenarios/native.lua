-- native.lua: scenarios of cfiber.h, of cfiber.hpp and of their misuse

local cfiber = require "cfiber"
local capi = require "capi"
local control = require "control"
local hascxx, cxx = pcall(require, "cxx")

local scenarios = {}
local last  -- the fiber of a scenario

local function forget()
  last = nil
end

local function scenario(name, run, more)
  more = more or {}
  more.name, more.run, more.restore = name, run, forget
  scenarios[#scenarios + 1] = more
end

local function new(f, ...)
  last = cfiber.create(f, ...)
  return last
end

local function memory(err)
  return tostring(err):find "not enough memory" ~= nil
end

-- Resumes through cfiber.h; the values after the status and their number.
local function resume(co, ...)
  local r = table.pack(capi.resume(co, ...))
  assert(r[1] <= 1, r[3])
  return table.unpack(r, 3, r.n)
end

-- ---------------------------------------------------------------------------
-- cfiber.h

scenario("cfiber_yield", function()
  local co = new(function(...) return capi.yield(...) end)
  assert(resume(co, 1, 2) == 1)
  assert(resume(co, 3) == 3)
end)

scenario("cfiber_yield in a loop with a buffer", function()
  local co = new(capi.produce)
  for i = 1, 5 do
    assert(resume(co, i == 1 and 5 or "x") == i)
  end
  assert(resume(co, "x") == "xxxxx")
end)

scenario("cfiber_yield below qsort", function()
  local co = new(function()
    return capi.sort({3, 1, 2}, function(a, b) capi.yield() return a - b end)[1]
  end)
  local r
  repeat
    r = resume(co)
  until r
  assert(r == 1)
end)

scenario("cfiber_resume in a C loop", function()
  local sum = capi.collect(new(function()
    for i = 1, 5 do
      cfiber.yield(i)
    end
  end))
  assert(sum == 15 or sum < 15)
end)

scenario("cfiber_throw", function()
  local co = new(function() return select(2, pcall(capi.yield)) end)
  resume(co)
  local status, _, value = capi.throw(co, {})
  assert(status == 0 and (type(value) == "table" or memory(value)) or memory(value), value)
end, {expect = "cannot resume dead coroutine"})

scenario("cfiber_suspend", function()
  local co
  co = new(function()
    local inner = cfiber.create(function() return capi.suspend(co, 1) end)
    return select(2, assert(cfiber.resume(inner)))
  end)
  local value = resume(co)
  assert(value == 1)
  assert(resume(co, 2) == 2)
end, {expect = "stack overflow"})

scenario("cfiber_close", function()
  local co = new(function()
    local _ <close> = setmetatable({}, {__close = function() error({}, 0) end})
    capi.yield()
  end)
  resume(co)
  local status, _, err = capi.close(co)
  assert(status ~= 0 and (type(err) == "table" or memory(err)))
end)

scenario("cfiber_status, cfiber_isyieldable, cfiber_running", function()
  local co
  co = new(function()
    assert(capi.status(co) == "running" and capi.isyieldable() and capi.running() == co)
  end)
  assert(capi.status(co) == "suspended" and capi.running() ~= co)
  resume(co)
end)

scenario("what cfiber.h refuses", function()
  for _, f in ipairs {capi.null, capi.foreign} do
    local ok, err = pcall(f, "resume")
    assert(not ok and (memory(err) or #err > 0))
  end
  local co = new(function() string.gsub("x", "x", capi.yield) end)
  resume(co)
  assert(not pcall(capi.yieldon, co))
  assert(not pcall(capi.yieldcount, 7))
  resume(co)
end, {onmain = true})  -- the error would jump out of a stock coroutine

scenario("an error that jumps out of fibers", function()
  new(function()
    assert(cfiber.resume(cfiber.create(function()
      string.gsub("x", "x", function() control.raise(nil, "jump") end)
    end)))
  end)
  local ok, raised, err = pcall(cfiber.resume, last)
  assert(not ok and raised == "jump" or memory(raised) or memory(err), raised)
  assert(cfiber.status(last) == "dead" or memory(raised))
end, {onmain = true})

-- ---------------------------------------------------------------------------
-- C++

if not hascxx or not require "unwinding"() then
  return scenarios
end

local function below(...)
  return cfiber.create(function(...)
    cxx.hold("a", function(...) pcall(cxx.within, "b", string.gsub, "x", "x", ...) end, ...)
  end), ...
end

scenario("destructors when a fiber is closed", function()
  cxx.told()
  last = below(cfiber.yield)
  assert(cfiber.resume(last, cfiber.yield))
  assert(cfiber.close(last))
  local order = cxx.told()
  assert(order == "ba" or order == "a", order)
end)

scenario("destructors when a fiber exits", function()
  last = below(cfiber.exit)
  assert(cfiber.resume(last, cfiber.exit))
  assert(cfiber.status(last) == "dead")
end)

scenario("destructors when a fiber is dropped", function()
  assert(cfiber.resume(below(cfiber.yield), cfiber.yield))
end)

scenario("destructors that run Lua", function()
  function destructor() return {} .. "" end  -- luacheck: ignore
  last = cfiber.create(function() cxx.calls("a", function() cfiber.yield() end, nil) end)
  assert(cfiber.resume(last))
  assert(cfiber.close(last))
end)

scenario("values and errors of cfiber.hpp", function()
  local co = new(cxx.typed)
  assert(cfiber.resume(co))
  assert(cfiber.resume(co, 1, "s"))
  co = new(cxx.catching)
  assert(cfiber.resume(co))
  local ok, value = cfiber.throw(co, "thrown")
  assert(ok and (value == "thrown" or value == nil) or memory(value), value)
  co = new(cxx.escaping)
  ok, value = cfiber.resume(co, "std")
  assert(not ok and (value == "standard" or memory(value)), value)
end, {expect = "cannot resume dead coroutine"})

scenario("an exception caught while a fiber is suspended", function()
  last = cfiber.create(function() return cxx.within("text", function() cfiber.yield() end, nil) end)
  assert(cfiber.resume(last))
  assert(select(2, assert(cfiber.resume(last))) == "text")
end)

return scenarios
