-- throw_spec.lua: raising an error in a suspended thread

local helper = require "helper"
local boundary = require "boundary"
local control = require "control"
local cfiber, stock = helper.cfiber, helper.stock

-- A test that leaves no stack behind.
local function clean(f)
  return function()
    helper.leakless(f)
  end
end

local values = {
  ["a string"] = "text", ["a number"] = 5, ["false"] = false, ["a table"] = {}, ["a function"] = print,
  ["a thread"] = coroutine.create(print),
}

-- Suspends in a yield of its own kind; each body passes what it returns.
local bodies = {
  ["plainly"] = function()
    return cfiber.yield "out"
  end,
  ["below gsub"] = function()
    local r
    ("x"):gsub("x", function() r = cfiber.yield "out" end)
    return r
  end,
  ["in the yield of coroutine"] = function()
    return stock.yield "out"
  end,
  ["in lua_yieldk"] = function()
    return boundary.yieldk "out"
  end,
  ["inside another fiber"] = function()
    local me = cfiber.running()
    return cfiber.wrap(function()
      return cfiber.suspend(me, "out")
    end)()
  end,
}

local function suspended(body)
  local co = cfiber.create(body)
  assert.same({true, "out"}, {cfiber.resume(co)})
  assert.equal("suspended", cfiber.status(co))
  return co
end

for how, body in pairs(bodies) do
  describe("throw into a fiber suspended " .. how, function()
    it("kills it with the error as result", clean(function()
      local co = suspended(body)
      local ok, err = cfiber.throw(co, "thrown")
      assert.is_false(ok)
      assert.match("thrown$", err)
      assert.equal("dead", cfiber.status(co))
      assert.same({false, "cannot resume dead coroutine"}, {cfiber.resume(co)})
    end))

    it("raises at its yield, where pcall catches it", clean(function()
      local co = suspended(function()
        local ok, err = pcall(body)
        return "caught", ok, err, cfiber.yield "goes on"
      end)
      assert.same({true, "goes on"}, {cfiber.throw(co, {1})})
      assert.same({true, "caught", false, {1}, "last"}, {cfiber.resume(co, "last")})
      assert.equal("dead", cfiber.status(co))
    end))

    it("closes the variables that the error leaves", clean(function()
      local seen
      local co = suspended(function()
        return pcall(function()
          local _ <close> = setmetatable({}, {__close = function(_, e) seen = e end})
          return (body())
        end)
      end)
      local err = {}
      cfiber.throw(co, err)
      assert.equal(err, seen)
    end))

    it("may be done again and again", clean(function()
      local co = suspended(function()
        local sum = 0
        for _ = 1, 5 do
          local ok, err = pcall(body)
          assert(not ok)
          sum = sum + err
        end
        return sum
      end)
      for i = 1, 4 do
        assert.same({true, "out"}, {cfiber.throw(co, i)})
      end
      assert.same({true, 15}, {cfiber.throw(co, 5)})
    end))

    it("restores the thread's hook", clean(function()
      local lines = 0
      local function hook() lines = lines + 1 end
      local co = suspended(function()
        pcall(body)
        cfiber.yield()
        return 1
      end)
      debug.sethook(co, hook, "l", 1000)
      assert.same({true}, {cfiber.throw(co, "e")})
      assert.same({hook, "l", 1000}, {debug.gethook(co)})
      local before = lines
      cfiber.resume(co)
      assert.is_true(lines > before)
    end))

    it("leaves no hook where there was none", clean(function()
      local co = suspended(function()
        pcall(body)
        return debug.gethook()
      end)
      assert.same({true}, {cfiber.throw(co, "e")})
    end))
  end)
end

describe("throw passes", function()
  for name, value in pairs(values) do
    it(name .. " to a pcall around a yield", clean(function()
      for _, body in pairs {bodies["plainly"], bodies["below gsub"], bodies["in the yield of coroutine"]} do
        local co = suspended(function() return pcall(body) end)
        local r = {cfiber.throw(co, value)}
        assert.equal(3, #r)
        assert.equal(value, r[3])
        assert.is_false(r[2])
      end
    end))

    it(name .. " to the resumer", clean(function()
      local co = suspended(bodies["plainly"])
      local r = {cfiber.throw(co, value)}
      assert.equal(value, r[2])
      assert.is_false(r[1])
    end))
  end

  it("nil, also as a missing argument", clean(function()
    for _, body in pairs(bodies) do
      local co = suspended(function() return pcall(body) end)
      local r = table.pack(cfiber.throw(co))
      assert.same({true, false, 3}, {r[1], r[2], r.n})
      if _VERSION == "Lua 5.4" then
        assert.is_nil(r[3])
      else  -- a message takes the place of nil
        assert.match("<no error object>$", r[3])
      end
      co = suspended(body)
      assert.equal(2, select("#", cfiber.throw(co, nil)))
      assert.equal("dead", cfiber.status(co))
    end
  end))

  it("the first of several values", clean(function()
    local co = suspended(function() return pcall(cfiber.yield, "out") end)
    assert.same({true, false, 1}, {cfiber.throw(co, 1, 2, 3)})
  end))

  it("what the fiber yields next to its caller", clean(function()
    local co = suspended(function()
      pcall(cfiber.yield, "out")
      cfiber.yield(1, nil, 3)
    end)
    assert.same({true, 1, nil, 3}, {cfiber.throw(co, "e")})
    cfiber.close(co)
  end))

  it("an error to a message handler that sees the yield", clean(function()
    local co = suspended(function()
      return xpcall(bodies["plainly"], function(e) return debug.traceback(e) end)
    end)
    local _, _, trace = cfiber.throw(co, "e")
    assert.match("^e\nstack traceback:.*" .. helper.called "cfiber.yield", trace)
  end))
end)

describe("throw into a thread that is not started", function()
  it("kills it before its first instruction", clean(function()
    local ran = false
    local co = cfiber.create(function() ran = true end)
    assert.same({false, "e"}, {cfiber.throw(co, "e")})
    assert.is_false(ran)
    assert.equal("dead", cfiber.status(co))
    assert.same({false, "cannot resume dead coroutine"}, {cfiber.resume(co)})
  end))

  it("kills one of coroutine.create too", clean(function()
    local co = stock.create(error)
    assert.same({false, "e"}, {cfiber.throw(co, "e")})
    assert.equal("dead", stock.status(co))
  end))

  it("shows its function in the traceback", clean(function()
    local co = cfiber.create(function() end)
    cfiber.throw(co, "e")
    assert.match("throw_spec.lua:%d+: in function <", debug.traceback(co))
    co = cfiber.create(print)
    cfiber.throw(co, "e")
    assert.match("in function 'print'", debug.traceback(co))
  end))

  it("with nil is an error all the same", clean(function()
    local co = cfiber.create(print)
    assert.equal(2, select("#", cfiber.throw(co)))
    assert.equal("dead", cfiber.status(co))
  end))
end)

describe("throw into a thread that stock code suspended", function()
  it("raises in C code that goes on, when it calls", clean(function()
    local log = {}
    local co = cfiber.create(function()
      local r = {boundary.callk(function()
        stock.yield "out"
        log[1] = "never"
      end)}
      log[2] = r
    end)
    assert.same({true, "out"}, {cfiber.resume(co)})
    assert.same({false, "e"}, {cfiber.throw(co, "e")})
    assert.same({}, log)
  end))

  it("raises nothing in C code that yields once more, and restores its hook", clean(function()
    local function hook() end
    local co = cfiber.create(control.twice)
    assert.same({true, 1}, {cfiber.resume(co, 1)})
    debug.sethook(co, hook, "l")
    assert.is_true(cfiber.throw(co, "e"))
    assert.equal("suspended", cfiber.status(co))
    assert.same({hook, "l", 0}, {debug.gethook(co)})
    assert.same({true, 3}, {cfiber.resume(co, 3)})
  end))

  it("works whoever resumed it before", clean(function()
    local co = stock.create(function()
      return pcall(stock.yield, "out")
    end)
    assert.same({true, "out"}, {stock.resume(co)})
    assert.same({true, false, "e"}, {cfiber.throw(co, "e")})
  end))

  it("raises in the thread alone, not in those it makes", clean(function()
    local co = suspended(function()
      pcall(stock.yield, "out")
      return cfiber.wrap(function() return debug.gethook() end)()
    end)
    assert.same({true}, {cfiber.throw(co, "e")})
  end))
end)

describe("throw is refused, as resume is, with a", function()
  local function refused(message, co)
    assert.same({false, message}, {cfiber.throw(co, "e")})
  end

  it("dead thread", clean(function()
    local co = cfiber.create(function() end)
    cfiber.resume(co)
    refused("cannot resume dead coroutine", co)
    co = cfiber.create(error)
    cfiber.resume(co)
    refused("cannot resume dead coroutine", co)
  end))

  it("running thread", clean(function()
    refused("cannot resume non-suspended coroutine", cfiber.running())
    assert(cfiber.resume(cfiber.create(function()
      refused("cannot resume non-suspended coroutine", cfiber.running())
    end)))
  end))

  it("thread that resumes another", clean(function()
    local outer = cfiber.create(function()
      local me = cfiber.running()
      assert(cfiber.resume(cfiber.create(function()
        refused("cannot resume non-suspended coroutine", me)
      end)))
      return "end"
    end)
    assert.same({true, "end"}, {cfiber.resume(outer)})
  end))

  it("thread inside a suspended fiber", clean(function()
    local inner
    local co = suspended(function()
      local me = cfiber.running()
      inner = cfiber.create(function() return cfiber.suspend(me, "out") end)
      return select(2, cfiber.resume(inner))
    end)
    refused("cannot resume non-suspended coroutine", inner)
    assert.same({true, "in"}, {cfiber.resume(co, "in")})
  end))

  it("nesting that is too deep", clean(function()
    helper.withconfig({max_depth = 1}, function()
      local co = suspended(bodies["below gsub"])
      assert(cfiber.resume(cfiber.create(function()
        refused("C stack overflow", co)
        refused("C stack overflow", cfiber.create(print))
      end)))
      assert.same({true, "in"}, {cfiber.resume(co, "in")})
    end)
  end))

  it("value that is no thread", clean(function()
    for _, value in ipairs {1, "x", {}, print, true} do
      local ok, err = pcall(cfiber.throw, value)
      assert.is_false(ok)
      assert.match("bad argument #1 to '.-' %(thread expected, got " .. type(value) .. "%)", err)
    end
    assert.match("thread expected, got no value", select(2, pcall(cfiber.throw)))
  end))
end)

describe("throw", function()
  it("reaches a fiber suspended in a debug hook", clean(function()
    local co = cfiber.create(function()
      return pcall(function()
        debug.sethook(function()
          debug.sethook()
          cfiber.yield "hooked"
        end, "", 1)
        local x = 0
        for i = 1, 100 do x = x + i end
        return x
      end)
    end)
    assert.same({true, "hooked"}, {cfiber.resume(co)})
    assert.same({true, false, "e"}, {cfiber.throw(co, "e")})
  end))

  it("works from a stock coroutine", clean(function()
    local co = suspended(function() return pcall(cfiber.yield, "out") end)
    assert.same({true, true, false, "e"}, {stock.resume(stock.create(cfiber.throw), co, "e")})
  end))

  it("works from a finalizer", clean(function()
    local co = suspended(function() return pcall(cfiber.yield, "out") end)
    local result
    do
      setmetatable({}, {__gc = function() result = result or {cfiber.throw(co, "e")} end})
    end
    collectgarbage()
    collectgarbage()
    assert.same({true, false, "e"}, result)
  end))

  it("leaves the stack of its caller as it was", clean(function()
    local co = suspended(function() return pcall(cfiber.yield, "out") end)
    assert.same({"before", true, false, "e"}, {"before", cfiber.throw(co, "e")})
  end))

  it("survives collections while it is under way", clean(function()
    for _, body in pairs(bodies) do
      local co = suspended(function()
        local r = {pcall(body)}
        collectgarbage()
        return r[2].name
      end)
      assert.same({true, "kept"}, {cfiber.throw(co, setmetatable({name = "kept"}, {}))})
    end
  end))
end)
