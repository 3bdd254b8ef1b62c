-- coroutines.lua: scenarios of what cfiber shares with coroutines

local cfiber = require "cfiber"
local boundary = require "boundary"
local stock = coroutine

local scenarios = {}

local last  -- the fiber of a scenario

local function forget()
  last = nil
end

local function scenario(name, run, more)
  more = more or {restore = forget}
  more.name, more.run = name, run
  scenarios[#scenarios + 1] = more
end

-- A fiber runs f; what it yields is passed back. Returns what f returns.
local function drive(f, ...)
  last = cfiber.create(f)
  local r = table.pack(cfiber.resume(last, ...))
  while r[1] and cfiber.status(last) == "suspended" do
    r = table.pack(cfiber.resume(last, r[2]))
  end
  assert(r[1], r[2])
  return table.unpack(r, 2, r.n)
end

-- Ends a fiber that a failure left suspended. Lua's parser, which calls a
-- reader, frees its memory when it comes to an end, and when an error leaves it.
local function finish()
  while last and cfiber.status(last) == "suspended" do
    cfiber.throw(last, "not enough memory")
  end
  forget()
end

local yield = cfiber.yield

-- A place where a fiber yields: what it returns is what all yields returned.
local function place(name, f, ...)
  local expected = table.pack(...)
  scenario("a yield " .. name, function()
    local found = table.pack(drive(f))
    for i = 1, expected.n do
      assert(found[i] == expected[i] or tostring(found[i]):find "not enough memory$")
    end
  end, {restore = name:find "reader" and finish or forget})
end

-- ---------------------------------------------------------------------------
-- Yields everywhere

place("to a resumer", function() return yield(1) + yield(2) end, 3)

scenario("a yield of many values", function()
  drive(function() return (select(-1, yield(table.unpack({}, 1, 200)))) end)
end, {expect = "too many results"})

place("in a comparator of sort", function()
  local t = {3, 1, 2}
  table.sort(t, function(a, b) yield() return a < b end)
  return table.concat(t)
end, "123")

place("in __lt below sort", function()
  local meta = {__lt = function(a, b) yield() return a[1] < b[1] end}
  local t = {setmetatable({2}, meta), setmetatable({1}, meta)}
  table.sort(t)
  return t[1][1]
end, 1)

place("in gsub with a function", function() return (("abc"):gsub("%l", yield)) end, "abc")

place("in gsub with a table", function()
  return (("ab"):gsub("%l", setmetatable({}, {__index = function(_, k) return yield(k) .. k end})))
end, "aabb")

place("in a reader of load", function()
  local parts, i = {"return ", "7"}, 0
  return assert(load(function() i = i + 1 return yield(parts[i]) end))()
end, 7)

place("in a loader of require", function()
  package.preload.starving = function(name) return yield(name) end
  package.loaded.starving = nil
  return (require "starving")
end, "starving")

place("in a searcher of require", function()
  local searchers = package.searchers
  package.loaded.starving, package.preload.starving = nil, nil
  local _ <close> = setmetatable({}, {__close = function() package.searchers = searchers end})
  package.searchers = {function(name) yield() return function() return name end end}
  return (require "starving")
end, "starving")

place("in __tostring", function()
  local o = setmetatable({}, {__tostring = function() return yield "text" end})
  return tostring(o) .. ("%s"):format(o)
end, "texttext")

place("below functions of table", function()
  local t = setmetatable({}, {
    __len = function() return yield(3) end,
    __index = function(_, i) return i <= 3 and yield(i) or nil end,
    __newindex = function(s, k, v) yield() rawset(s, k, v) end,
  })
  table.insert(t, 4)
  return table.concat(t, ",", 1, 3) .. select("#", table.unpack(t))
end, "1,2,33")

place("in __index below ipairs", function()
  local sum = 0
  for _, v in ipairs(setmetatable({}, {__index = function(_, i) return i < 4 and yield(i) or nil end})) do
    sum = sum + v
  end
  return sum
end, 6)

place("in a message handler", function()
  local _, m = xpcall(error, function(m) return yield(m) end, "m")
  return m
end, "m")

place("in a debug hook", function()
  local n = 0
  debug.sethook(function() debug.sethook() n = yield(1) end, "", 1)
  for _ = 1, 5 do n = n + 0 end
  debug.sethook()
  return n
end, 1)

place("in metamethods, iterators and __close", function()
  local o = setmetatable({}, {__add = function(_, b) return yield(b) end, __close = function() yield() end,
    __call = function(_, _, i) i = (i or 0) + 1 return i < 3 and yield(i) or nil end})
  local sum = o + 1
  for i in o do sum = sum + i end
  do local _ <close> = o end
  return sum
end, 4)

place("in pcall", function()
  return select(2, pcall(function() error(yield(1), 0) end))
end, 1)

for _, name in ipairs {"loop", "nest", "buffer", "reference"} do
  scenario("a yield below a C function: " .. name, function()
    assert(drive(boundary[name], function(i) return yield(i) end, 3, 5000))
  end)
end

for _, name in ipairs {"call", "callk", "pcall", "pcallk"} do
  scenario("a yield below a C function: " .. name, function()
    local x = select(-1, drive(boundary[name], function(...) yield(1) return ... end, "x"))
    assert(x == "x" or tostring(x):find "not enough memory$")
  end)
end

scenario("a yield by lua_yieldk", function()
  local co = cfiber.create(boundary.yieldk)
  assert(cfiber.resume(co, 1))
  assert(select(2, assert(cfiber.resume(co, 2))) == "continued")
end)

-- ---------------------------------------------------------------------------
-- Stock coroutines

scenario("a thread of stock making", function()
  local co = stock.create(function(...) ("x"):gsub("x", yield) return yield(...) end)
  assert(select(2, assert(cfiber.resume(co, 1))) == "x")
  assert(select(2, assert(cfiber.resume(co))) == 1)
  assert(select(2, assert(cfiber.resume(co, 2))) == 2)
end)

scenario("a stock yield in a fiber, gone on with by stock", function()
  local co = cfiber.create(function() return stock.yield(1) end)
  assert(select(2, assert(cfiber.resume(co))) == 1)
  assert(select(2, assert(stock.resume(co, 2))) == 2)
end)

scenario("a native suspension refused by stock", function()
  local co = cfiber.create(function() ("x"):gsub("x", yield) end)
  assert(cfiber.resume(co))
  local ok, err = stock.resume(co)
  assert(not ok and (err == "cannot resume non-suspended coroutine" or tostring(err):find "not enough memory$"), err)
  assert(not pcall(stock.close, co))
  assert(cfiber.status(co) == "suspended")
  assert(cfiber.resume(co))
end)

scenario("a stock coroutine on a fiber's stack", function()
  assert(drive(function()
    local f = stock.wrap(function() yield(1) return ("x"):gsub("x", "y") end)
    f()
    return yield(f())
  end) == "y")
end)

scenario("wrap", function()
  local f = cfiber.wrap(function(a) ("x"):gsub("x", yield) error(yield(a), 0) end)
  assert(f(1) == "x" and f() == 1)
  local ok, err = pcall(f, "end")
  assert(not ok and (err == "end" or tostring(err):find "not enough memory$"), err)
  assert(not pcall(f))
end)

scenario("status, isyieldable, running", function()
  local co
  co = cfiber.create(function()
    assert(cfiber.status(co) == "running" and cfiber.isyieldable() and cfiber.running() == co)
  end)
  assert(cfiber.status(co) == "suspended" and cfiber.isyieldable(co) and select(2, cfiber.running()) ~= nil)
  assert(cfiber.resume(co))
end)

-- ---------------------------------------------------------------------------
-- Depth, refusals, collection, death

scenario("fibers inside each other, up to max_depth", function()
  local function nest(n)
    ("x"):gsub("x", yield)
    local co = cfiber.create(nest)
    local ok, err = cfiber.resume(co, n + 1)
    if not ok then
      return n, err
    end
    return select(2, assert(cfiber.resume(co)))
  end
  cfiber.config {max_depth = 6}
  local co = cfiber.create(nest)
  assert(cfiber.resume(co, 1))
  local _, n, err = assert(cfiber.resume(co))
  assert(tostring(err):find "not enough memory$" or n >= 2 and err == "C stack overflow", err)
end, {restore = function() cfiber.config {max_depth = 1000} end})

scenario("a resume of a dead, running or normal thread", function()
  local co
  co = cfiber.create(function()
    assert(not cfiber.resume(co))
    cfiber.resume(cfiber.create(function() assert(not cfiber.resume(co)) end))
  end)
  assert(cfiber.resume(co))
  assert(not cfiber.resume(co))
end)

scenario("a yield that would leave a finalizer", function()
  local refused
  local co = cfiber.create(function()
    setmetatable({}, {__gc = function() refused = not pcall(yield) end})
    collectgarbage()
    return yield(1)
  end)
  assert(select(2, assert(cfiber.resume(co))) == 1)
  assert(cfiber.resume(co))
  assert(refused or refused == nil)
end)

scenario("a yield on a state that does not run", function()
  assert(boundary.on(nil, function() assert(not pcall(yield)) end))
  local co = cfiber.create(function() ("x"):gsub("x", yield) end)
  assert(cfiber.resume(co))
  boundary.on(co, function() assert(not pcall(yield)) end)
  assert(cfiber.resume(co))
end)

scenario("suspended fibers that are dropped", function()
  for i = 1, 8 do
    cfiber.resume(cfiber.create(function()
      local _ = i % 2 == 0 and yield(i)
      ("x"):gsub("x", yield)
    end))
  end
end)

scenario("an error and its traceback", function()
  local co = cfiber.create(function() ("x"):gsub("x", yield) return (nil) + 1 end)
  assert(cfiber.resume(co))
  local ok, err = cfiber.resume(co)
  assert(not ok and (err:find "attempt to perform arithmetic" or tostring(err):find "not enough memory$"))
  assert(cfiber.status(co) == "dead" and debug.traceback(co):find "traceback")
end)

scenario("a close that runs variables", function()
  local order = ""
  local function variable(name, fails)
    return setmetatable({}, {__close = function()
      order = order .. name
      if fails then error(name, 0) end
    end})
  end
  local co = cfiber.create(function()
    local _ <close> = variable("a", true)
    local _ <close> = variable "b"
    string.gsub("x", "x", yield)
  end)
  assert(cfiber.resume(co))
  local ok, err = cfiber.close(co)
  assert(not ok and (err == "a" or tostring(err):find "not enough memory$"), err)
  assert(order == "ba" or tostring(err):find "not enough memory$", order)
  assert(cfiber.status(co) == "dead")
end)

-- ---------------------------------------------------------------------------
-- A Lua state of its own, which fails by itself

local function state(name, chunk)
  scenario(name, function(wait, fail)
    local prologue = "package.path, package.cpath = %q, %q local starve, wait, fail = require 'starve', %d, %d\n"
    local err = boundary.universe(prologue:format(package.path, package.cpath, wait, fail) .. chunk)
    local left = assert(err and math.tointeger(err:match "left (%d+)$"), err)
    return left < fail
  end, {own = true})
end

state("the load of the library", [[
  starve(wait, fail)
  local ok, cfiber = pcall(require, "cfiber")
  local _, left = starve(0, 0)
  assert(ok or cfiber:find "not enough memory", cfiber)
  cfiber = require "cfiber"
  assert(cfiber.wrap(function() return ("x"):gsub("x", cfiber.yield) end)() == "x")
  error("left " .. left)
]])

state("the end of a Lua state", [[
  local cfiber = require "cfiber"
  local all = {}
  for i = 1, 20 do
    all[i] = cfiber.create(function()
      local _ = cfiber.create(function() ("x"):gsub("x", cfiber.yield) end)
      cfiber.resume(_)
      ("x"):gsub("x", cfiber.yield)
    end)
    cfiber.resume(all[i])
    setmetatable({}, {__gc = function() cfiber.close(all[i]) cfiber.wrap(cfiber.yield)() end})
  end
  local left = "left " .. (wait < 100 and 0 or fail)
  starve(wait, fail)
  error(left, 0)
]])

return scenarios
