-- interference_spec.lua: what code that knows nothing of fibers does to them:
-- hosts that jump, close threads, keep states; debuggers; allocators that raise

local child = require "child"
local helper = require "helper"
local cfiber, stock = helper.cfiber, helper.stock

if helper.mode ~= "plain" then
  return  -- what can differ by mode is in spec/core
end

-- What the scripts share. In one line.
local shared = ([[
  local outside = require "outside"
  local function deep(...) local a = {...} ; return (("x"):gsub("x", function() return cfiber.yield(table.unpack(a)) end)) end
  local function suspended(f, ...) local co = cfiber.create(f) assert(cfiber.resume(co, ...)) return co end
]]):gsub("\n", " ")

local function prints(expected, script)
  return function()
    local r = child.run(shared .. script)
    if child.refusesjump(r.errors) then
      pending "Lua is built to abort at such a jump"
      return
    end
    assert.same({output = expected, errors = "", status = 0}, r)
  end
end

describe("A host that jumps over fibers", function()
  it("leaves them dead, their stacks in the pool", prints("dead\tdead\n0\ntrue\tx\n", [[
    local a, b
    outside.catch(function()
      a = cfiber.create(function()
        b = cfiber.create(function() ("x"):gsub("x", outside.jump) end)
        cfiber.resume(b)
      end)
      cfiber.resume(a)
    end)
    print(cfiber.status(a), cfiber.status(b))
    print(cfiber.stats().mounted)
    print(cfiber.resume(suspended(deep), "x"))
  ]]))

  it("may do so from a fiber to one around it", prints("dead\ntrue\ty\n0\n", [[
    local inner
    local co = suspended(function()
      outside.catch(function()
        inner = suspended(function() deep() end)
        cfiber.resume(cfiber.create(function()
          cfiber.resume(inner)
          inner = cfiber.running()
          outside.jump()
        end))
      end)
      print(cfiber.status(inner))
      return deep "x"
    end)
    print(cfiber.resume(co, "y"))
    print(cfiber.stats().mounted)
  ]]))

  it("may do so again and again", prints("0\n", [[
    for _ = 1, 100 do
      outside.catch(function()
        cfiber.wrap(function() stock.wrap(function() outside.jump() end)() end)()
      end)
      cfiber.wrap(function() end)()
    end
    print(cfiber.stats().mounted)
  ]]))
end)

describe("A thread that a host closes by Lua's own function", function()
  local body = [[
    local co = suspended(function()
      local _ <close> = setmetatable({}, {__close = function() print "closed" end})
      YIELD
      print "not reached"
    end)
    print(outside.reset(co))
  ]]
  local native = body:gsub("YIELD", "deep()")
  local compact = body:gsub("YIELD", "cfiber.config {native_limit = 0} cfiber.yield()")
  local dead = "false\tcannot resume dead coroutine\n"

  it("is dead after a compact yield", prints("closed\n0\ndead\n" .. dead, compact .. [[
    print(cfiber.status(co))
    print(cfiber.resume(co))
  ]]))

  it("is dead while it is suspended natively", prints("closed\n0\ndead\n", native .. [[
    print(cfiber.status(co))
  ]]))

  it("can be closed and gives its stack back", prints("closed\n0\ntrue\n0\n", native .. [[
    print(cfiber.close(co))
    print(cfiber.stats().mounted)
  ]]))

  it("is collected and gives its stack back", prints("closed\n0\n0\n", native .. [[
    co = nil
    for _ = 1, 3 do collectgarbage() end
    print(cfiber.stats().mounted)
  ]]))

  it("ends with its Lua state", prints("closed\n0\n", native .. "keep = co"))
end)

describe("A state that a C module kept", function()
  it("can run functions while its fiber is suspended, which goes on after", prints("0\t6\ntrue\tx\n", [[
    local co = suspended(function() outside.keep() return deep() end)
    print(outside.usekept(function() return #('x'):rep(6) end))
    print(cfiber.resume(co, "x"))
  ]]))

  it("can resume fibers while its fiber is suspended", prints("0\ty\ntrue\tx\n0\n", [[
    local co = suspended(function() outside.keep() return deep() end)
    print(outside.usekept(function()
      local inner = suspended(deep)
      return select(2, cfiber.resume(inner, "y"))
    end))
    print(cfiber.resume(co, "x"))
    print(cfiber.stats().mounted)
  ]]))

  it("cannot yield then", prints("2\tattempt to yield from outside a coroutine\ntrue\tx\n", [[
    local co = suspended(function() outside.keep() return deep() end)
    print(outside.usekept(function() cfiber.yield() end))
    print(cfiber.resume(co, "x"))
  ]]))

  it("is used by an event loop's callback in another fiber", prints("0\tz\ntrue\tx\n", [[
    local co = suspended(function() outside.keep() return deep() end)
    cfiber.wrap(function()
      print(outside.usekept(function() return (("x"):gsub("x", "z")) end))
    end)()
    print(cfiber.resume(co, "x"))
  ]]))
end)

describe("An allocator that raises an error in place of refusing", function()
  it("leaves a Lua state that goes on", prints("done\n", [[
    local failures = 0
    local function operation()
      local co = suspended(function()
        local inner = suspended(deep)
        cfiber.resume(inner, "x")
        local _ = cfiber.wrap(function() return deep() end)()
        return deep()
      end)
      assert(cfiber.resume(co, "x"))
      assert(cfiber.close(co))
    end
    for wait = 0, 200 do
      local ok, err = outside.raising(wait, operation)
      failures = failures + (ok and 0 or 1)
      assert(ok or err == "no memory", err)
      for _ = 1, 3 do collectgarbage() end
      assert(cfiber.stats().mounted == 0, wait)
      assert(collectgarbage "isrunning")
      assert(cfiber.resume(suspended(deep), "x"))
    end
    assert(failures > 20)
    print "done"
  ]]))
end)

-- ---------------------------------------------------------------------------
-- Debuggers and coverage tools. Each is run on stock coroutines and on fibers.

-- A program that does not say whose coroutines it uses
local function program(co)
  local function generator(n)
    return co.wrap(function()
      for i = 1, n do
        co.yield(i)
      end
    end)
  end
  local sum = 0
  for i in generator(3) do
    sum = sum + i
  end
  local failing = co.create(function()
    local t = {sum}
    co.yield(t)
    error "failed"
  end)
  co.resume(failing)
  co.resume(failing)
  return sum
end

-- The library with a hook in each coroutine, as coverage tools put it there
local function covered(lib, hook, mask)
  local patched = setmetatable({}, {__index = lib})
  function patched.create(f)
    return lib.create(function(...)
      debug.sethook(hook, mask)
      return f(...)
    end)
  end
  function patched.wrap(f)
    return lib.wrap(function(...)
      debug.sethook(hook, mask)
      return f(...)
    end)
  end
  return patched
end

local function hooked(lib, hook, mask)
  debug.sethook(hook, mask)
  program(covered(lib, hook, mask))
  debug.sethook()
end

local first, last = debug.getinfo(program, "S").linedefined, debug.getinfo(program, "S").lastlinedefined

local function inprogram(info)
  return info and info.linedefined >= first and info.lastlinedefined <= last
end

describe("A hook in every coroutine", function()
  it("that counts lines counts the same as on stock coroutines", function()
    local function count(lib)
      local lines = {}
      hooked(lib, function(_, line)
        if inprogram(debug.getinfo(2, "S")) then
          lines[line] = (lines[line] or 0) + 1
        end
      end, "l")
      return lines
    end
    local found = count(cfiber)
    assert(next(found))
    assert.same(count(stock), found)
  end)

  it("that walks through the stack and all variables sees the same", function()
    local function look(lib)
      local seen = {}
      hooked(lib, function(event, line)
        local level = 2
        while inprogram(debug.getinfo(level, "S")) do
          for i = 1, 20 do
            local name, value = debug.getlocal(level, i)
            if not name then break end
            seen[#seen + 1] = ("%s %s %s %s %s"):format(event, line, level, name, type(value))
          end
          level = level + 1
        end
        debug.traceback()
      end, "crl")
      return seen
    end
    local expected, found = look(stock), look(cfiber)
    assert(#expected > 30, #expected)
    assert.same(expected, found)
  end)
end)

describe("debug, on suspended fibers,", function()
  local function kinds(name, body)
    it(name .. ", natively", function() helper.leakless(body, cfiber.yield) end)
    it(name .. ", below a C function", function()
      helper.leakless(body, function()
        return (string.gsub("x", "x", function() return cfiber.yield() end))
      end)
    end)
  end

  kinds("joins upvalues of functions that they run", function(yield)
    local a, b = "a", "b"
    local function body()
      yield()
      return a
    end
    local function other() return b end
    local co = cfiber.create(body)
    cfiber.resume(co)
    for i = 1, 9 do
      if debug.getupvalue(body, i) == "a" then
        debug.upvaluejoin(body, i, other, 1)
      end
    end
    b = "joined"
    assert.same({true, "joined"}, {cfiber.resume(co, "x")})
  end)

  kinds("changes variables that they go on with", function(yield)
    local co = cfiber.create(function()
      local x = 1
      yield()
      return x
    end)
    cfiber.resume(co)
    for level = 0, 9 do
      for i = 1, 9 do
        if debug.getinfo(co, level, "S") and debug.getlocal(co, level, i) == "x" then
          debug.setlocal(co, level, i, 2)
        end
      end
    end
    assert.same({true, 2}, {cfiber.resume(co, "x")})
  end)

  kinds("sets hooks that are called when they go on", function(yield)
    local co = cfiber.create(function()
      yield()
      return 1
    end)
    cfiber.resume(co)
    local lines = 0
    debug.sethook(co, function() lines = lines + 1 end, "l")
    assert.same({true, 1}, {cfiber.resume(co, "x")})
    assert(lines > 0)
  end)
end)
