-- control.lua: scenarios of what coroutines do not have

local cfiber = require "cfiber"
local stock = coroutine

local scenarios = {}

local function scenario(name, run, more)
  more = more or {}
  more.name, more.run = name, run
  scenarios[#scenarios + 1] = more
end

local yield = cfiber.yield

local function memory(err)
  return tostring(err):find "not enough memory" ~= nil
end

-- Is 'found' what is expected, or a memory error in its place?
local function either(found, expected)
  assert(found == expected or memory(found), found)
end

local function native(f, ...)
  return (("x"):gsub("x", f or yield, ...))
end

-- Runs f in a fiber inside 'depth' others, the innermost in a stock coroutine.
local function deep(depth, f, ...)
  if depth == 0 then
    return stock.wrap(f)(...)
  end
  return select(2, assert(cfiber.resume(cfiber.create(deep), depth - 1, f, ...)))
end

local closable = setmetatable({}, {__close = function() return {} end})
local failing = setmetatable({}, {__close = function() error {} end})

-- ---------------------------------------------------------------------------
-- Stacks of a size

scenario("create and wrap with a size", function()
  local co = cfiber.create(native, 128 << 10)
  assert(cfiber.resume(co))
  assert(cfiber.info(co).stack_size == 128 << 10)
  assert(cfiber.resume(co))
  assert(cfiber.wrap(native, 256 << 10)())
  local _ = cfiber.create(native, 512 << 10)
end)

scenario("another size for all", function()
  cfiber.config {stack_size = 192 << 10}
  local co = cfiber.create(native)
  assert(cfiber.resume(co))
  cfiber.config {stack_size = 320 << 10}
  assert(cfiber.resume(co))
end, {restore = function() cfiber.config {stack_size = 420 << 10} end})

scenario("more than native_limit", function()
  cfiber.config {native_limit = 3}
  local all = {}
  for i = 1, 6 do
    all[i] = cfiber.create(function() yield() yield() native() end)
    assert(cfiber.resume(all[i]))
    assert(cfiber.resume(all[i]))
  end
  for i = 1, 6 do
    assert(cfiber.close(all[i]))
  end
end, {restore = function() cfiber.config {native_limit = 1024} end})

-- ---------------------------------------------------------------------------
-- Throw and exit

scenario("throw into a native yield", function()
  local caught
  local co = cfiber.create(function() caught = select(2, pcall(native)) return yield() end)
  assert(cfiber.resume(co))
  assert(cfiber.throw(co, 7))
  either(caught, 7)
  local _, err = cfiber.throw(co, 8)
  either(err, 8)
end, {expect = "^7$"})

scenario("throw into a compact yield, a stock suspension, a new thread", function()
  local function body() yield() end
  local a, b, c = cfiber.create(body), stock.create(stock.yield), cfiber.create(body)
  assert(cfiber.resume(a))
  assert(stock.resume(b))
  for _, co in ipairs {a, b, c} do
    local ok, err = cfiber.throw(co, {})
    assert(not ok and (type(err) == "table" or memory(err)))
    assert(cfiber.status(co) == "dead" or memory(err))
  end
end)

scenario("exit through C functions and stock coroutines", function()
  local co = cfiber.create(function()
    local _ <close> = closable
    local list = table.pack(table.unpack({}, 1, 150))
    stock.wrap(function()
      native(function() pcall(cfiber.exit, "out", table.unpack(list, 1, list.n)) end)
    end)()
  end)
  local ok, value = cfiber.resume(co)
  assert(ok or memory(value) or tostring(value):find "too many", value)
  assert(cfiber.status(co) == "dead")
end, {expect = "too many results"})

-- ---------------------------------------------------------------------------
-- Suspend and transfer

scenario("suspend of itself and of one around", function()
  local co
  co = cfiber.create(function()
    cfiber.suspend(co, 1)
    return deep(3, function() return cfiber.suspend(co, 2) end)
  end)
  assert(select(2, assert(cfiber.resume(co))) == 1)
  assert(select(2, assert(cfiber.resume(co))) == 2)
  assert(select(2, assert(cfiber.resume(co, 3))) == 3)
end)

scenario("close of a chain", function()
  local co
  co = cfiber.create(function()
    deep(3, function()
      local _ <close> = failing
      native(function() cfiber.suspend(co) end)
    end)
  end)
  assert(cfiber.resume(co))
  local ok, err = cfiber.close(co)
  assert(not ok and (type(err) == "table" or memory(err)), err)
  assert(cfiber.status(co) == "dead")
end, {expect = "table: "})

scenario("a chain that is dropped", function()
  local co
  co = cfiber.create(function() deep(3, function() cfiber.suspend(co) end) end)
  assert(cfiber.resume(co))
end)

scenario("throw into a chain", function()
  local co
  co = cfiber.create(function()
    return select(2, pcall(deep, 3, function() cfiber.suspend(co) end))
  end)
  assert(cfiber.resume(co))
  local _, err = assert(cfiber.throw(co, "thrown"))
  assert(memory(err) or tostring(err):find "thrown", err)
end, {expect = "cannot resume dead coroutine"})

scenario("transfer", function()
  local f, g
  g = cfiber.create(function(a) return a + cfiber.transfer(f, a) end)
  f = cfiber.create(function() return native(function() return cfiber.transfer(g, 1) end) end)
  local ok, value = cfiber.resume(f)
  assert(ok, value)
  assert(value == "1")
  assert(cfiber.resume(g, 2))
end)

-- ---------------------------------------------------------------------------
-- Iter and slice

scenario("iter to the end, left early, failing", function()
  local function body(n)
    local _ <close> = closable
    for i = 1, n do
      local _ = i % 2 == 0 and yield(i) or native(function() yield(i) end)
    end
    error("end", 0)
  end
  for i in cfiber.iter(body, 4) do
    if i == 3 then break end
  end
  for _ in cfiber.iter(function() yield(1) end) do
    local _ = {}
  end
  local ok, err = pcall(function()
    for _ in cfiber.iter(body, 2) do
      local _ = {}
    end
  end)
  assert(not ok and (err:find "^end" or memory(err)), err)
end)

local function work(n)
  local t = {}
  for i = 1, n do
    t[i] = native(function(x) return x .. i end)
  end
  return #t
end

-- Slices until it ends.
local function sliced(co, budget, ...)
  local how, value, ok
  repeat
    ok, how, value = cfiber.slice(co, budget, ...)
    assert(ok, how)
  until how ~= "budget" and how ~= "yield"
  return value
end

scenario("slice", function()
  assert(sliced(cfiber.create(work), 50, 20) == 20)
  local co = cfiber.create(function() yield(1) while true do native(yield) end end)
  assert(select(2, assert(cfiber.slice(co, 100))) == "yield")
  assert(cfiber.slice(co, 30))
  cfiber.close(co)
end)

scenario("slice of one with a hook, inside another slice", function()
  local n = 0
  local inner = cfiber.create(work)
  debug.sethook(inner, function() n = n + 1 end, "cr", 7)
  local outer = cfiber.create(function()
    local made = stock.wrap(work)(3)
    return made + sliced(inner, 60, 5)
  end)
  assert(sliced(outer, 200) == 8 and n > 0)
end)

scenario("a sliced fiber that is dropped", function()
  local co = cfiber.create(function() native(function() while true do local _ = {} end end) end)
  assert(cfiber.slice(co, 200))
end)

-- ---------------------------------------------------------------------------
-- Inspection and settings

scenario("info, list, stats, config, trim", function()
  local co = cfiber.create(native)
  assert(cfiber.resume(co))
  local info = cfiber.info(co)
  assert(info.status == "suspended" and info.mounted)
  local found
  for _, x in ipairs(cfiber.list()) do
    found = found or x == co
  end
  assert(found)
  assert(cfiber.stats().suspended >= 1)
  local limits = cfiber.config()
  limits.pool_limit = limits.pool_limit
  cfiber.config(limits)
  assert(not pcall(cfiber.config, {stack_size = -1}))
  assert(not pcall(cfiber.config, {guard = "x"}))
  cfiber.trim()
  assert(cfiber.close(co))
end)

scenario("guards by mprotect, the report of overflows", function()
  cfiber.config {guard = "mprotect", overflow_report = false, pool_limit = 0}
  assert(cfiber.wrap(native)())
  cfiber.config {overflow_report = true}
end, {restore = function() cfiber.config {guard = "advice", overflow_report = true, pool_limit = 1024} end})

scenario("traceback", function()
  local text
  native(function()
    deep(2, function() text = cfiber.traceback("message") .. cfiber.traceback(stock.create(print)) end)
  end)
  assert(text:find "resumed by the main thread" or text:find "resumed by")
end)

scenario("install and uninstall", function()
  local t = cfiber.install {}
  assert(t.wrap(function() return native() end)() == "x")
  cfiber.install()
  local co = coroutine.create(native)
  assert(coroutine.resume(co))
  assert(coroutine.resume(co))
  cfiber.uninstall()
end, {restore = function() cfiber.install() cfiber.uninstall() end})

scenario("many threads, so that tables grow", function()
  local all = {}
  for i = 1, 70 do
    all[i] = cfiber.create(native, i % 20 == 0 and 64 << 10 or nil)
    assert(cfiber.resume(all[i]))
  end
  for i = 1, 70 do
    assert(cfiber.resume(all[i]))
  end
end)

return scenarios
