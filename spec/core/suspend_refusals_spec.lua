-- suspend_refusals_spec.lua: where suspend is refused, and how programs end
-- that have fibers suspended with others inside

local helper = require "helper"
local boundary = require "boundary"
local child = require "child"
local cfiber, stock = helper.cfiber, helper.stock
local finalize = helper.finalize

local FINALIZER = "attempt to yield from a finalizer"
local OUTSIDE = "attempt to yield from outside a coroutine"
local NOT_AROUND = "cannot suspend a coroutine that is not a fiber around the call"

-- A test that leaves no stack behind.
local function clean(f)
  return function()
    helper.leakless(f)
  end
end

-- Runs f(me) in a fiber 'me' and expects that it runs through; then that a
-- suspend works there as ever.
local function in_fiber(f)
  local co = cfiber.create(function()
    local me = cfiber.running()
    local r = {f(me)}
    assert(cfiber.suspend(me, "works") == "as ever")
    return table.unpack(r)
  end)
  assert.same({true, "works"}, {cfiber.resume(co)})
  local r = table.pack(cfiber.resume(co, "as ever"))
  assert(r[1], r[2])
  return table.unpack(r, 2, r.n)
end

local function inside(f, ...)
  return select(2, assert(cfiber.resume(cfiber.create(f), ...)))
end

local function inside_stock(f, ...)
  return select(2, assert(stock.resume(stock.create(f), ...)))
end

local function message(f, ...)
  local ok, err = pcall(f, ...)
  return not ok and err or "no error"
end

describe("suspend is refused", function()
  it("with anything but a thread", clean(function()
    for _, value in ipairs {1, "x", {}, print, true} do
      assert.match("bad argument #1 to '.-' %(thread expected, got " .. type(value) .. "%)",
        message(cfiber.suspend, value))
    end
    assert.match("thread expected, got no value", message(cfiber.suspend))
    assert.match("thread expected, got nil", message(cfiber.suspend, nil, 1))
  end))

  it("with a thread that is suspended", clean(function()
    local native = cfiber.create(function() ("x"):gsub("x", cfiber.yield) end)
    cfiber.resume(native)
    local plain = stock.create(function() stock.yield() end)
    stock.resume(plain)
    for _, co in ipairs {native, plain, cfiber.create(print)} do
      assert.equal("cannot suspend a suspended coroutine", message(cfiber.suspend, co))
      assert.equal("cannot suspend a suspended coroutine", in_fiber(function()
        return inside(message, cfiber.suspend, co)
      end))
    end
    assert.is_true(cfiber.resume(native))
  end))

  it("with a thread that is dead", clean(function()
    local co = cfiber.create(function() end)
    cfiber.resume(co)
    assert.equal("cannot suspend a dead coroutine", message(cfiber.suspend, co))
    assert.equal("cannot suspend a dead coroutine", in_fiber(function() return message(cfiber.suspend, co) end))
  end))

  it("with the main thread", clean(function()
    local main = cfiber.running()
    assert.equal(NOT_AROUND, message(cfiber.suspend, main))
    assert.equal(NOT_AROUND, in_fiber(function() return message(cfiber.suspend, main) end))
  end))

  it("with a stock coroutine that runs or resumes", clean(function()
    assert.equal(NOT_AROUND, inside_stock(function() return message(cfiber.suspend, cfiber.running()) end))
    assert.equal(NOT_AROUND, in_fiber(function()
      return inside_stock(function()
        local plain = cfiber.running()
        return inside(message, cfiber.suspend, plain)
      end)
    end))
  end))

  it("with a fiber inside another that is suspended", clean(function()
    local inner
    local co = cfiber.create(function()
      local me = cfiber.running()
      return inside(function()
        inner = cfiber.running()
        return inside(cfiber.suspend, me, "out")
      end)
    end)
    cfiber.resume(co)
    assert.equal(NOT_AROUND, message(cfiber.suspend, inner))
    assert.equal(NOT_AROUND, in_fiber(function()
      assert(inside(message, cfiber.suspend, inner) == NOT_AROUND)
      return message(cfiber.suspend, inner)
    end))
    assert.same({true, "in"}, {cfiber.resume(co, "in")})
  end))

  it("with a fiber that is being closed, but not through one", clean(function()
    local closing, through
    in_fiber(function()
      local co = cfiber.create(function()
        local _ <close> = setmetatable({}, {__close = function()
          closing = message(cfiber.suspend, cfiber.running())
        end})
        cfiber.yield()
      end)
      cfiber.resume(co)
      cfiber.close(co)
    end)
    assert.equal("cannot suspend a coroutine that is being closed", closing)
    local co = cfiber.create(function()
      local me = cfiber.running()
      local inner = cfiber.create(function()
        local _ <close> = setmetatable({}, {__close = function() through = cfiber.suspend(me, "closing") end})
        cfiber.yield()
      end)
      cfiber.resume(inner)
      return cfiber.close(inner)
    end)
    assert.same({true, "closing"}, {cfiber.resume(co)})
    assert.same({true, true}, {cfiber.resume(co, "through")})
    assert.equal("through", through)
  end))
end)

-- Each calls f inside the fiber 'me' so that a finalizer runs in between.
local finalizers = {
  ["on the innermost fiber"] = function(f) inside(finalize, f) end,
  ["on the fiber itself"] = function(f) finalize(f) end,
  ["on one in the middle"] = function(f)
    inside(finalize, function() inside(inside, f) end)
  end,
  ["on the fiber itself, which resumes others"] = function(f)
    finalize(function() inside(inside, f) end)
  end,
  ["on a stock coroutine that is the innermost"] = function(f)
    inside(inside_stock, finalize, f)
  end,
  ["on a stock coroutine in the middle"] = function(f)
    inside_stock(finalize, function() inside(f) end)
  end,
  ["on a stock coroutine that resumed another"] = function(f)
    inside_stock(finalize, function() inside_stock(f) end)
  end,
  ["on a stock coroutine below a fiber below another"] = function(f)
    inside(inside_stock, finalize, function() inside_stock(inside, f) end)
  end,
}

describe("suspend that would leave a finalizer is refused", function()
  for where, call in pairs(finalizers) do
    it(where, clean(function()
      local result
      in_fiber(function(me)
        call(function() result = message(cfiber.suspend, me, "leaves") end)
      end)
      assert.equal(FINALIZER, result)
      assert.is_true(collectgarbage "isrunning")
    end))
  end

  -- There is no telling a thread that is in a hook from one in a finalizer.
  it("also in a fiber that a hook resumed", clean(function()
    for _, where in ipairs {"on a stock coroutine in the middle", "on a stock coroutine that is the innermost"} do
      local result
      debug.sethook(function()
        debug.sethook()
        in_fiber(function(me)
          finalizers[where](function() result = message(cfiber.suspend, me, "leaves") end)
        end)
      end, "", 1)
      for _ = 1, 10 do end  -- luacheck: ignore
      assert.equal(FINALIZER, result)
    end
  end))

  it("but not a suspend that stays inside it", clean(function()
    local log = {}
    local function body()
      local me = cfiber.running()
      return inside(function()
        local x = inside_stock(cfiber.suspend, me, "out")
        return x .. "!"
      end)
    end
    for _, call in ipairs {function(f, ...) f(...) end, inside, inside_stock} do
      call(finalize, function()
        local co = cfiber.create(body)
        log[#log + 1] = select(2, cfiber.resume(co))
        log[#log + 1] = select(2, cfiber.resume(co, "in"))
      end)
    end
    assert.same({"out", "in!", "out", "in!", "out", "in!"}, log)
  end))

  it("and the chain may be resumed in another finalizer", clean(function()
    local co = cfiber.create(function()
      local me = cfiber.running()
      return inside(cfiber.suspend, me, "out")
    end)
    local log = {}
    finalize(function() log[1] = select(2, cfiber.resume(co)) end)
    finalize(function() log[2] = select(2, cfiber.resume(co, "in")) end)
    assert.same({"out", "in"}, log)
  end))
end)

describe("suspend with a foreign state is refused", function()
  -- Each calls f inside the fiber 'me' with a state that does not run.
  local foreign = {
    ["of the main thread, innermost"] = function(_, f) return boundary.on(nil, f) end,
    ["of the main thread, below a fiber"] = function(_, f) return boundary.on(nil, inside, f) end,
    ["of the main thread, in the middle"] = function(_, f)
      return inside(function() return select(2, boundary.on(nil, inside, f)) end)
    end,
    ["of the main thread, in the middle, closing"] = function(_, f)
      return inside(function()
        local co = cfiber.create(function()
          local _ <close> = setmetatable({}, {__close = f})
          cfiber.yield()
        end)
        cfiber.resume(co)
        return select(2, boundary.on(nil, cfiber.close, co))
      end)
    end,
    ["of the fiber, used by an inner one"] = function(me, f)
      return inside(function() return select(2, boundary.on(me, f)) end)
    end,
    ["of the fiber, used by an inner one for another"] = function(me, f)
      return inside(function() return select(2, boundary.on(me, inside, f)) end)
    end,
    ["of a stock coroutine that resumes, used by an inner one"] = function(_, f)
      return inside_stock(function()
        local plain = cfiber.running()
        return inside(function() return select(2, boundary.on(plain, inside, f)) end)
      end)
    end,
  }
  for which, call in pairs(foreign) do
    local function run()
      local result
      in_fiber(function(me)
        call(me, function() result = message(cfiber.suspend, me, "leaves") end)
      end)
      assert.equal(OUTSIDE, result)
    end
    it(which, clean(run))
    it(which .. ", inside a stock coroutine", clean(stock.wrap(run)))
  end

  it("in the middle, where another fiber took the place", clean(function()
    local result
    in_fiber(function(me)
      inside(function()
        boundary.on(nil, inside, function()
          local f = cfiber.running()
          cfiber.transfer(cfiber.create(function()
            cfiber.close(f)
            result = message(cfiber.suspend, me, "leaves")
          end))
        end)
      end)
    end)
    assert.equal(OUTSIDE, result)
  end))

  it("in a fiber that is suspended with others inside", clean(function()
    local inner
    local co = cfiber.create(function()
      local me = cfiber.running()
      return inside(function()
        inner = cfiber.running()
        return inside(cfiber.suspend, me, "out")
      end)
    end)
    cfiber.resume(co)
    for _, f in ipairs {cfiber.yield, cfiber.exit, function() cfiber.suspend(co) end} do
      in_fiber(function()
        local status, err = boundary.on(inner, f)
        assert(status == 2 and err == OUTSIDE, err)
      end)
    end
    assert.same({true, "in"}, {cfiber.resume(co, "in")})
  end))
end)

describe("A program ends quietly", function()
  -- Leaves 20 fibers suspended, each with 10 and a stock coroutine inside.
  local shared = [[
    keep = {}
    local function deep(n, me)
      local _ <close> = setmetatable({}, {__close = function() print "closed" end})
      if n == 0 then
        coroutine.wrap(function() cfiber.suspend(me) end)()
      else
        assert(cfiber.resume(cfiber.create(deep), n - 1, me))
      end
    end
    for i = 1, 20 do
      keep[i] = cfiber.create(function() deep(10, cfiber.running()) end)
      assert(cfiber.resume(keep[i]))
    end
  ]]

  it("with chains suspended", function()
    assert.equal("", child.output(shared))
  end)

  it("with chains suspended, from inside one", function()
    assert.equal("", child.output(shared .. [[
      cfiber.resume(cfiber.create(function()
        cfiber.resume(cfiber.create(function() os.exit(0, true) end))
      end))
    ]]))
  end)

  it("with finalizers that resume, throw into and close chains", function()
    assert.match("^closed\n", child.output(shared .. [[
      setmetatable({}, {__gc = function()
        cfiber.resume(keep[1])
        cfiber.throw(keep[2], "e")
        cfiber.close(keep[3])
        cfiber.throw(cfiber.create(print), "e")
      end})
    ]]))
  end)
end)
