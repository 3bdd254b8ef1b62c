-- interop_spec.lua: cfiber and the stock library on the same threads

local child = require "child"
local helper = require "helper"
local cfiber, stock = helper.cfiber, helper.stock

-- A test with yields of one kind, wherever there is a choice.
local function with(limit)
  return function(f)
    return function()
      helper.leakless(helper.withconfig, {native_limit = limit}, f)
    end
  end
end

local native, compact = with(1024), with(0)

-- Both kinds: what must not depend on them.
local function both(name, f)
  it(name .. ", natively", native(f))
  it(name .. ", compactly", compact(f))
end

-- What close returns for a coroutine that died of the error. Before 5.4.3 Lua
-- forgets it.
local function atclose(err)
  return child.release() < "5.4.3" and {true} or {false, err}
end

local function results(...)
  return table.pack(...)
end

local function expect(expected, ...)
  assert.same(results(table.unpack(expected, 1, expected.n or #expected)), results(...))
end

-- A thread that yields through a library: 1, what it gets plus one, and ends.
local function counter(create, yield)
  return create(function()
    local n = yield(1)
    n = yield(n + 1)
    return n + 1, "end"
  end)
end

local libraries = {cfiber = cfiber, stock = stock}

describe("a thread", function()
  for made, maker in pairs(libraries) do
    for yielded, yielder in pairs(libraries) do
      both(("made by %s, resumed by cfiber, yields through %s"):format(made, yielded), function()
        local c = counter(maker.create, yielder.yield)
        expect({true, 1}, cfiber.resume(c))
        expect({true, 11}, cfiber.resume(c, 10))
        expect({true, 21, "end"}, cfiber.resume(c, 20))
        expect({false, "cannot resume dead coroutine"}, cfiber.resume(c))
      end)

      it(("made by %s, resumed by stock, yields through %s"):format(made, yielded), native(function()
        local c = counter(maker.create, yielder.yield)
        expect({true, 1}, stock.resume(c))
        expect({true, 11}, stock.resume(c, 10))
        expect({true, 21, "end"}, stock.resume(c, 20))
        expect({false, "cannot resume dead coroutine"}, stock.resume(c))
      end))
    end
  end

  both("suspended by stock goes on under cfiber", function()
    local c = counter(stock.create, stock.yield)
    expect({true, 1}, stock.resume(c))
    assert.equal("suspended", cfiber.status(c))
    assert.is_true(cfiber.isyieldable(c))
    expect({true, 11}, cfiber.resume(c, 10))
    expect({true, 21, "end"}, cfiber.resume(c, 20))
    assert.equal("dead", stock.status(c))
  end)

  both("changes hands at every resume while it yields through stock", function()
    local c = stock.create(function(...)
      local n = select("#", ...)
      while true do
        n = select("#", stock.yield(n, cfiber.running()))
      end
    end)
    for i = 1, 10 do
      local library = i % 2 == 0 and cfiber or stock
      expect({true, i, c, false}, library.resume(c, table.unpack({}, 1, i)))
    end
  end)

  it("changes hands at every resume after compact yields", compact(function()
    local c = cfiber.create(function(...)
      local n = select("#", ...)
      for i = 1, math.huge do
        local yield = i % 3 == 0 and cfiber.yield or stock.yield
        n = select("#", yield(n))
      end
    end)
    for i = 1, 20 do
      local library = i % 2 == 0 and cfiber or stock
      expect({true, i}, library.resume(c, table.unpack({}, 1, i)))
    end
  end))

  both("suspended by stock is closed by cfiber", function()
    local closed
    local c = stock.create(function()
      local _ <close> = setmetatable({}, {__close = function() closed = true end})
      stock.yield()
    end)
    stock.resume(c)
    expect({true}, cfiber.close(c))
    assert.is_true(closed)
    expect({false, "cannot resume dead coroutine"}, stock.resume(c))
  end)

  both("that died under cfiber is dead to stock, with its traceback", function()
    local c = cfiber.create(function()
      cfiber.yield()
      error "e"
    end)
    cfiber.resume(c)
    local ok, message = cfiber.resume(c)
    assert.is_false(ok)
    assert.equal("dead", stock.status(c))
    expect({false, "cannot resume dead coroutine"}, stock.resume(c))
    assert.matches(helper.called "error", debug.traceback(c))
    expect(atclose(message), stock.close(c))
  end)
end)

describe("a stock yield in a fiber", function()
  both("returns to cfiber.resume and cfiber.wrap", function()
    local f = cfiber.wrap(function()
      local n = 0
      while true do
        n = n + stock.yield(n)
      end
    end)
    assert.equal(0, f())
    assert.equal(5, f(5))
    assert.equal(7, f(2))
  end)

  both("gives the stack back", function()
    local before = cfiber.stats()
    local c = cfiber.create(stock.yield)
    cfiber.resume(c)
    local after = cfiber.stats()
    assert.equal(before.mounted, after.mounted)
    assert.equal(before.suspended, after.suspended)
    assert.equal(before.compact_yields + 1, after.compact_yields)
    cfiber.resume(c)
  end)

  both("is refused below a C function, and nothing changes", function()
    local c = cfiber.create(function()
      local ok, message = pcall(table.sort, {2, 1}, stock.yield)
      cfiber.yield(ok, message)
      return "end"
    end)
    expect({true, false, "attempt to yield across a C-call boundary"}, cfiber.resume(c))
    expect({true, "end"}, cfiber.resume(c))
  end)
end)

describe("a fiber after a compact yield", function()
  local function suspended()
    local c = cfiber.create(function(a)
      local b = cfiber.yield(a)
      return b, "end"
    end)
    expect({true, 1}, cfiber.resume(c, 1))
    return c
  end

  it("is resumed by stock", compact(function()
    local c = suspended()
    assert.equal("suspended", stock.status(c))
    expect({true, 2, "end"}, stock.resume(c, 2))
    assert.equal("dead", cfiber.status(c))
  end))

  it("is closed by stock", compact(function()
    local c = suspended()
    expect({true}, stock.close(c))
    assert.equal("dead", cfiber.status(c))
    expect({false, "cannot resume dead coroutine"}, cfiber.resume(c))
    expect({true}, cfiber.close(c))
  end))

  it("has its variables closed by stock", compact(function()
    local log = {}
    local c = cfiber.create(function()
      local _ <close> = setmetatable({}, {__close = function() log[#log + 1] = "first" end})
      local _ <close> = setmetatable({}, {__close = function() log[#log + 1] = "second" error("e", 0) end})
      cfiber.yield()
    end)
    cfiber.resume(c)
    expect({false, "e"}, stock.close(c))
    assert.same({"second", "first"}, log)
  end))

  it("is inspected by stock and debug", compact(function()
    local c = suspended()
    assert.is_true(stock.isyieldable(c))
    assert.matches("^stack traceback:\n\t%[C%]: " .. helper.called "cfiber.yield" .. "\n", debug.traceback(c))
    local name, value = debug.getlocal(c, 1, 1)
    assert.same({"a", 1}, {name, value})
  end))

  it("yields from a wrap that stock made", compact(function()
    local f = stock.wrap(function()
      for i = 1, 3 do
        cfiber.yield(i)
      end
    end)
    assert.same({1, 2, 3}, {f(), f(), f()})
  end))

  it("dies under stock as any coroutine", compact(function()
    local c = cfiber.create(function()
      cfiber.yield()
      error({})
    end)
    cfiber.resume(c)
    local ok, e = stock.resume(c)
    assert.is_false(ok)
    expect({"dead"}, cfiber.status(c))
    expect(atclose(e), cfiber.close(c))
  end))
end)

describe("a natively suspended fiber", function()
  local function suspended(log)
    local c = cfiber.create(function()
      local a = cfiber.yield()  -- compact: only a fiber that comes back yields natively
      local _ <close> = setmetatable({}, {__close = function() log[#log + 1] = "closed" end})
      local b = cfiber.yield(a)
      return b, "end"
    end)
    cfiber.resume(c)
    expect({true, 1}, cfiber.resume(c, 1))
    assert.equal(1, cfiber.stats().suspended)
    return c
  end

  local function stillgood(c)
    assert.equal("suspended", cfiber.status(c))
    expect({true, 2, "end"}, cfiber.resume(c, 2))
  end

  it("is not resumed by stock", native(function()
    local c = suspended {}
    expect({false, "cannot resume non-suspended coroutine"}, stock.resume(c, 1, 2, 3))
    expect({false, "cannot resume non-suspended coroutine"}, stock.resume(c))
    stillgood(c)
  end))

  it("is not closed by stock", native(function()
    local log = {}
    local c = suspended(log)
    expect({false, "cannot close a normal coroutine"}, pcall(stock.close, c))
    assert.same({}, log)
    stillgood(c)
    assert.same({"closed"}, log)
  end))

  it("is normal to stock and suspended to cfiber", native(function()
    local c = suspended {}
    assert.equal("normal", stock.status(c))
    assert.equal("suspended", cfiber.status(c))
    assert.is_true(cfiber.isyieldable(c))
    stillgood(c)
  end))

  it("is refused by stock from inside other coroutines", native(function()
    local c = suspended {}
    for _, library in pairs(libraries) do
      expect({true, false, "cannot resume non-suspended coroutine"},
        library.resume(library.create(stock.resume), c))
      expect({false, "cannot close a normal coroutine"},
        library.resume(library.create(stock.close), c))
    end
    stillgood(c)
  end))

  it("does not run a function that stock wrap made for it", native(function()
    local f = stock.wrap(function() cfiber.yield(cfiber.running()) return "end" end)
    local c = f()  -- stock resumed it, so it is suspended as a coroutine
    assert.equal("suspended", stock.status(c))
    expect({true, "end"}, cfiber.resume(c))
    expect({false, "cannot resume dead coroutine"}, pcall(f))
  end))

  it("is inspected by debug", native(function()
    local c = suspended {}
    assert.matches("^stack traceback:\n\t%[C%]: " .. helper.called "cfiber.yield" .. "\n", debug.traceback(c))
    local name, value = debug.getlocal(c, 1, 1)
    assert.same({"a", 1}, {name, value})
    stillgood(c)
  end))

  it("becomes an ordinary coroutine with its first compact yield", function()
    helper.leakless(helper.withconfig, {native_limit = 1024}, function()
      local c = cfiber.create(function()
        string.gsub("x", "x", cfiber.yield)
        cfiber.yield("compact")
        return "end"
      end)
      cfiber.resume(c)
      assert.equal("normal", stock.status(c))
      cfiber.config {native_limit = 0}
      expect({true, "compact"}, cfiber.resume(c))
      assert.equal("suspended", stock.status(c))
      expect({true, "end"}, stock.resume(c))
    end)
  end)
end)

describe("a stock coroutine on a fiber's stack", function()
  both("yields itself with cfiber.yield", function()
    local f = cfiber.wrap(function()
      local inner = stock.create(function(a)
        local b = cfiber.yield(a + 1)
        return b + 1
      end)
      expect({true, 2}, stock.resume(inner, 1))
      assert.equal("suspended", stock.status(inner))
      cfiber.yield "the fiber's own"
      expect({true, 11}, stock.resume(inner, 10))
      return "end"
    end)
    assert.equal("the fiber's own", f())
    assert.equal("end", f())
  end)

  both("iterates through stock.wrap with yields of both libraries", function()
    local f = cfiber.wrap(function()
      for i in stock.wrap(function()
        for i = 1, 6 do
          local yield = i % 2 == 0 and cfiber.yield or stock.yield
          yield(i)
        end
      end) do
        cfiber.yield(i * 10)
      end
    end)
    for i = 1, 6 do
      assert.equal(i * 10, f())
    end
    assert.is_nil(f())
  end)

  both("is refused a yield below a C function, as by stock", function()
    cfiber.wrap(function()
      local inner = stock.create(function()
        return pcall(table.sort, {2, 1}, cfiber.yield)
      end)
      expect({true, false, "attempt to yield across a C-call boundary"}, stock.resume(inner))
    end)()
  end)

  both("knows itself", function()
    cfiber.wrap(function()
      local fiber = cfiber.running()
      local inner
      inner = stock.create(function()
        expect({inner, false}, cfiber.running())
        assert.equal("running", cfiber.status(inner))
        assert.equal("normal", cfiber.status(fiber))
        assert.is_true(cfiber.isyieldable())
        expect({false, "cannot resume non-suspended coroutine"}, cfiber.resume(fiber))
        expect({false, "cannot close a normal coroutine"}, pcall(cfiber.close, fiber))
        expect({false, "cannot resume non-suspended coroutine"}, cfiber.resume(inner))
      end)
      expect({true}, stock.resume(inner))
    end)()
  end)

  both("resumes fibers that yield to it", function()
    local outer = cfiber.wrap(function()
      local middle = stock.wrap(function()
        local inner = cfiber.wrap(function()
          table.sort({3, 1, 2}, function(a, b) cfiber.yield "inner" return a < b end)
          return "inner end"
        end)
        local turns = 0
        while inner() == "inner" do
          turns = turns + 1
          stock.yield(turns)
        end
        return "middle end"
      end)
      local v
      repeat
        v = middle()
        cfiber.yield(v)
      until v == "middle end"
      return "outer end"
    end)
    local seen = {}
    repeat
      seen[#seen + 1] = outer()
    until seen[#seen] == "middle end"
    assert.is_true(#seen > 2)
    assert.equal("outer end", outer())
  end)

  both("suspended there goes on elsewhere", function()
    local inner
    cfiber.wrap(function()
      inner = stock.create(function()
        cfiber.yield "one"
        cfiber.yield "two"
        return "three"
      end)
      expect({true, "one"}, stock.resume(inner))
    end)()
    expect({true, "two"}, stock.resume(inner))
    cfiber.wrap(function()
      expect({true, "three"}, cfiber.resume(inner))
    end)()
  end)

  both("fails without harm to the fiber", function()
    local f = cfiber.wrap(function()
      local inner = stock.create(function() cfiber.yield() error("e", 0) end)
      expect({true}, stock.resume(inner))
      cfiber.yield()
      expect({false, "e"}, stock.resume(inner))
      cfiber.yield()
      return "end"
    end)
    f()
    f()
    assert.equal("end", f())
  end)
end)

describe("a stock coroutine that no fiber runs", function()
  both("yields itself with cfiber.yield", function()
    local c = stock.create(function() return cfiber.yield(1) end)
    expect({true, 1}, stock.resume(c))
    assert.equal("suspended", stock.status(c))
    expect({true, 2}, stock.resume(c, 2))
  end)

  both("runs a fiber that runs another stock coroutine", function()
    local f = stock.wrap(function()
      local g = cfiber.wrap(function()
        local h = stock.wrap(function()
          stock.yield "h"
          cfiber.yield "h too"
        end)
        cfiber.yield(h())
        stock.yield(h())
        cfiber.yield "g"
      end)
      stock.yield(g())
      cfiber.yield(g())
      stock.yield(g())
      return "f"
    end)
    assert.same({"h", "h too", "g", "f"}, {f(), f(), f(), f()})
  end)
end)
