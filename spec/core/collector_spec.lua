-- collector_spec.lua: fibers and the garbage collector

local helper = require "helper"
local child = require "child"
local collector = require "collector"
local cfiber, stock = helper.cfiber, helper.stock

-- Yields below a C function: natively, whatever the limits.
local function deep_yield(...)
  local values, results = table.pack(...), nil
  ;("x"):gsub("x", function()
    results = table.pack(cfiber.yield(table.unpack(values, 1, values.n)))
  end)
  return table.unpack(results, 1, results.n)
end

-- Stacks go when a second cycle finds their threads unreachable, and what
-- they held goes after it.
local function collect()
  for _ = 1, 4 do
    collectgarbage()
  end
end

-- A fiber that has yielded natively.
local function suspended(f, ...)
  local co = cfiber.create(f)
  assert(cfiber.resume(co, ...))
  return co
end

local function weak(v)
  return setmetatable({v}, {__mode = "v"})
end

describe("a natively suspended fiber that nobody holds", function()
  it("is collected and its stack returns to the pool", function()
    helper.leakless(function()
      local before = cfiber.stats()
      local co = suspended(deep_yield)
      assert.equal(before.mounted + 1, cfiber.stats().mounted)
      assert.equal(before.suspended + 1, cfiber.stats().suspended)
      local ref = weak(co)
      co = nil  -- luacheck: ignore
      collect()
      assert.is_nil(ref[1])
      assert.equal(before.mounted, cfiber.stats().mounted)
      assert.equal(before.suspended, cfiber.stats().suspended)
      assert(cfiber.stats().pooled > 0)
    end)
  end)

  it("does not run its <close> variables", function()
    local closed = 0
    suspended(function()
      local _ <close> = setmetatable({}, {__close = function() closed = closed + 1 end})
      deep_yield()
    end)
    collect()
    assert.equal(0, closed)
  end)

  it("is collected when its body refers to it", function()
    helper.leakless(function()
      local ref
      do
        local co
        co = suspended(function()
          deep_yield(co)
          return co
        end)
        ref = weak(co)
      end
      collect()
      assert.is_nil(ref[1])
    end)
  end)

  it("is collected in a cycle with an object, which is finalized once", function()
    helper.leakless(function()
      local finalized, ref = 0
      do
        local object = setmetatable({}, {__gc = function() finalized = finalized + 1 end})
        object.co = suspended(function(o)
          deep_yield(o)
          return o
        end, object)
        ref = weak(object.co)
      end
      collect()
      collect()
      assert.equal(1, finalized)
      assert.is_nil(ref[1])
    end)
  end)

  it("is collected together with those it holds in its turn", function()
    helper.leakless(function()
      local refs = weak()
      local function body(depth)
        local inner = depth > 0 and suspended(body, depth - 1) or nil
        refs[#refs + 1] = inner
        deep_yield()
        return inner
      end
      refs[#refs + 1] = suspended(body, 10)
      for _ = 1, 12 do  -- a cycle for each level may be needed
        collect()
      end
      assert.is_nil(next(refs))
    end)
  end)

  it("is collected as two that hold each other", function()
    helper.leakless(function()
      local function body()
        local other = cfiber.yield()
        deep_yield()
        return other
      end
      local ref = weak()
      do
        local a, b = suspended(body), suspended(body)
        cfiber.resume(a, b)
        cfiber.resume(b, a)
        ref[1], ref[2] = a, b
      end
      collect()
      assert.is_nil(next(ref))
    end)
  end)

  it("is collected when only a wrap function held it", function()
    helper.leakless(function()
      local f = cfiber.wrap(deep_yield)
      f()
      local ref = weak(f)
      f = nil  -- luacheck: ignore
      collect()
      assert.is_nil(ref[1])
    end)
  end)

  it("is collected from inside another fiber", function()
    helper.leakless(function()
      local ref
      local co = cfiber.create(function()
        do
          ref = weak(suspended(deep_yield))
        end
        collect()
        return ref[1] == nil
      end)
      assert.same({true, true}, {cfiber.resume(co)})
    end)
  end)

  it("is collected by steps, without a full collection", function()
    local before = cfiber.stats().suspended
    for _ = 1, 50 do
      suspended(deep_yield)
    end
    for _ = 1, 1000 do
      if cfiber.stats().suspended <= before then
        break
      end
      collectgarbage "step"
    end
    assert(cfiber.stats().suspended <= before)
  end)

  it("leaves weak tables as keys and as values", function()
    local keys, values = setmetatable({}, {__mode = "k"}), setmetatable({}, {__mode = "v"})
    local kept = suspended(deep_yield)
    keys[kept], values[1] = "kept", kept
    do
      local dropped = suspended(deep_yield)
      keys[dropped], values[2] = "dropped", dropped
    end
    collect()
    assert.equal(kept, next(keys))
    assert.is_nil(next(keys, kept))
    assert.equal(kept, values[1])
    assert.is_nil(values[2])
    cfiber.close(kept)
  end)
end)

describe("a fiber that somebody holds", function()
  it("survives collections while it is suspended natively", function()
    helper.leakless(function()
      local co = suspended(deep_yield, 1)
      collect()
      assert.equal("suspended", cfiber.status(co))
      assert.same({true, 2}, {cfiber.resume(co, 2)})
    end)
  end)

  it("keeps what lives only on its Lua stack", function()
    helper.leakless(function()
      local ref = weak()
      local co = suspended(function(...)
        local t <const> = {"local"}
        local function upvalue()
          return t
        end
        ref[1], ref[2] = t, (...)
        deep_yield()
        return upvalue()[1], (...)[1], #ref
      end, {"vararg"})
      collect()
      for _ = 1, 100 do
        ref[#ref + 1] = {("filler"):rep(10)}
      end
      collect()
      assert.same({true, "local", "vararg", 2}, {cfiber.resume(co)})
    end)
  end)

  it("keeps the values it has yielded until they are taken", function()
    helper.leakless(function()
      local co = cfiber.create(function()
        return deep_yield({"yielded"})
      end)
      local _, t = cfiber.resume(co)
      collect()
      assert.same({"yielded"}, t)
      local result
      _, result = cfiber.resume(co, {"passed"})
      collect()
      assert.same({"passed"}, result)
    end)
  end)

  it("does not endanger what lives only on its resumer's stack while it runs", function()
    helper.leakless(function()
      local ref = weak()
      local function outer()
        local t = {"outer"}
        ref[1] = t
        local co = cfiber.create(collect)
        assert(cfiber.resume(co))
        return t[1], ref[1] == t
      end
      local name, same = outer()
      assert.equal("outer", name)
      assert.is_true(same)
      assert.same({true, "outer", true}, {cfiber.resume(cfiber.create(outer))})
    end)
  end)

  it("goes on when its last reference is dropped inside itself", function()
    helper.leakless(function()
      local t = {}
      t[1] = cfiber.create(function()
        t[1] = nil
        collect()
        local got = deep_yield "first"
        t[1] = nil
        collect()
        return got
      end)
      local co = t[1]
      assert.same({true, "first"}, {cfiber.resume(t[1])})
      t[1], co = co, nil  -- luacheck: ignore
      assert.same({true, "second"}, {cfiber.resume(t[1], "second")})
      collect()
    end)
  end)

  it("goes on when the only reference is the argument of resume", function()
    helper.leakless(function()
      local t = {suspended(function()
        deep_yield()
        collect()
        return "end"
      end)}
      assert.same({true, "end"}, {cfiber.resume(table.remove(t))})
    end)
  end)

  it("goes on when the function that wraps it is dropped while it runs", function()
    helper.leakless(function()
      local f
      f = cfiber.wrap(function()
        f = nil
        collect()
        deep_yield()
        return "never"
      end)
      f()
      assert.is_nil(f)
      collect()
    end)
  end)
end)

describe("a collection at every switch", function()
  local function words(lib)
    local out = {}
    local function body(first)
      local name, sum = first[1], 0
      for i = 1, 5 do
        local t = {name .. i}
        collectgarbage()
        sum = sum + #lib.yield(t)[1]
        out[#out + 1] = t[1]
      end
      return {name .. sum}
    end
    local fibers = {}
    for i = 1, 10 do
      fibers[i] = lib.wrap(body)
    end
    for _ = 1, 6 do
      for i = 1, 10 do
        local r = fibers[i]({"fiber" .. i})
        collectgarbage()
        out[#out + 1] = r[1]
      end
    end
    return out
  end

  local function in_mode(mode)
    local previous = collectgarbage(mode)
    local ok, results = pcall(function()
      return {words(stock), words {
        wrap = cfiber.wrap,
        yield = deep_yield,
      }, words(cfiber)}
    end)
    collectgarbage(previous)
    assert(ok, results)
    assert.same(results[1], results[2])
    assert.same(results[1], results[3])
  end

  it("changes nothing in incremental mode", function()
    helper.leakless(in_mode, "incremental")
  end)

  it("changes nothing in generational mode", function()
    helper.leakless(in_mode, "generational")
  end)
end)

describe("a resurrected fiber", function()
  -- A fiber that a finalizer brings back when the collector has found it
  -- unreachable a second time. The object is made before the fiber yields, so
  -- its finalizer runs after the stack was taken.
  local function resurrected(body, ...)
    local back
    do
      local meta = {}
      local object = setmetatable({}, meta)
      function meta.__gc(o)
        o.times = (o.times or 0) + 1
        if o.times == 2 then
          back = o.co
        else
          setmetatable(o, meta)
        end
      end
      setmetatable(object, meta)
      object.co = suspended(body, ...)
    end
    collect()
    return assert(back, "it was not finalized")
  end

  it("goes on like a coroutine after the first time", function()
    local function outcome(co, yield)
      local back
      do
        local object = setmetatable({}, {__gc = function(o) back = o.co end})
        object.co = co.create(function(...)
          return ..., yield(), "end"
        end)
        co.resume(object.co, "begin")
      end
      collect()
      return {co.status(back), co.resume(back, "late")}
    end
    helper.leakless(function()
      assert.same(outcome(stock, stock.yield), outcome(cfiber, deep_yield))
    end)
  end)

  it("is dead, and says so like a dead coroutine", function()
    helper.leakless(function()
      local co = resurrected(deep_yield)
      assert.equal("dead", cfiber.status(co))
      assert.same({false, "cannot resume dead coroutine"}, {cfiber.resume(co)})
      assert.is_false(cfiber.isyieldable(co))
    end)
  end)

  it("stays dead through collections, and a new fiber in its place does not", function()
    helper.leakless(function()
      local co = resurrected(deep_yield)
      local other = suspended(deep_yield)
      collect()
      assert.equal("dead", cfiber.status(co))
      assert.equal("suspended", cfiber.status(other))
      assert.same({true, 5}, {cfiber.resume(other, 5)})
    end)
  end)

  it("is refused by the functions of the stock library", function()
    local co = resurrected(deep_yield)
    assert.same({false, "cannot resume non-suspended coroutine"}, {stock.resume(co)})
    assert.is_false((pcall(stock.close, co)))
    assert.equal("dead", cfiber.status(co))
  end)

  it("can be closed and inspected", function()
    helper.leakless(function()
      local argument = {}
      local co = resurrected(function(t)
        deep_yield()
        return t
      end, argument)
      assert.match("gsub", debug.traceback(co))
      assert.same({"t", argument}, {debug.getlocal(co, 4, 1)})
      assert.is_true((cfiber.close(co)))
      assert.equal("dead", cfiber.status(co))
      assert.same({false, "cannot resume dead coroutine"}, {cfiber.resume(co)})
    end)
  end)

  it("raises an error when it is called through wrap", function()
    local back
    do
      local meta = {}
      function meta.__gc(o)
        back = o.again and o.f
        o.again = true
        setmetatable(o, meta)
      end
      local object = setmetatable({}, meta)
      object.f = cfiber.wrap(deep_yield)
      object.f()
    end
    while not back do
      collect()
    end
    local ok, message = pcall(back)
    assert.is_false(ok)
    assert.match("cannot resume dead coroutine$", message)
  end)

  it("is still alive in a finalizer that runs before its stack is taken", function()
    helper.leakless(function()
      local result
      do
        local co = suspended(deep_yield)
        setmetatable({co = co}, {__gc = function(o)
          result = {cfiber.status(o.co), cfiber.resume(o.co, "late")}
        end})
      end
      collect()
      assert.same({"suspended", true, "late"}, result)
    end)
  end)

  it("gets a new stack keeper when it goes on and is dropped again", function()
    helper.leakless(function()
      local back, ref
      do
        local co = suspended(function()
          for i = 1, 10 do
            deep_yield(i)
          end
        end)
        setmetatable({co = co}, {__gc = function(o)
          back = o.co
          cfiber.resume(back)
        end})
      end
      collect()
      if cfiber.resume(back) then  -- a matter of the order of finalizers
        collect()
        assert.equal("suspended", cfiber.status(back))
      end
      ref = weak(back)
      back = nil  -- luacheck: ignore
      collect()
      assert.is_nil(ref[1])
    end)
  end)

  it("that runs while its keeper is finalized can go on", function()
    helper.leakless(function()
      local back
      do
        local co = suspended(function()
          for i = 1, 3 do
            collect()
            deep_yield(i)
          end
          return "end"
        end)
        setmetatable({co = co}, {__gc = function(o) back = o.co end})
      end
      for _ = 1, 100000 do  -- finalizers run one by one in steps
        if back then
          break
        end
        collector("step", 1)
      end
      local outcome = {}
      while cfiber.status(back) == "suspended" do
        outcome = {cfiber.resume(back)}
        collect()
      end
      assert(#outcome == 0 or outcome[2] == "end")
      assert.equal("dead", cfiber.status(back))
    end)
  end)
end)

describe("the collector's state", function()
  it("stays stopped when the user has stopped it", function()
    collectgarbage "stop"
    local finalized = 0
    setmetatable({}, {__gc = function() finalized = finalized + 1 end})
    for _ = 1, 500 do
      cfiber.close(suspended(deep_yield))
    end
    local running, early = collectgarbage "isrunning", finalized
    collectgarbage "restart"
    collect()
    assert.is_false(running)
    assert.equal(0, early)
    assert.equal(1, finalized)
  end)

  local loop = [[
    local mode, n = ...
    collectgarbage(mode)
    local function body()
      ("x"):gsub("x", cfiber.yield)
    end
    for _ = 1, tonumber(n) do
      cfiber.resume(cfiber.create(body))
    end
    for line in io.lines "/proc/self/status" do
      local rss = line:match "^VmRSS:%s*(%d+) kB"
      if rss then
        print(rss, cfiber.stats().peak)
      end
    end
  ]]

  local function bounded(mode, n)
    local rss, peak = child.output(loop, mode, n):match "(%d+)%s+(%d+)"
    assert(tonumber(rss) < 100 * 1024, rss .. " KB resident")
    assert(tonumber(peak) < 20000, peak .. " stacks at once")
  end

  local n = helper.mode == "plain" and 1000000 or 10000

  it("keeps memory bounded when suspended fibers are dropped in a loop", function()
    bounded("incremental", n)
  end)

  it("keeps memory bounded in generational mode", function()
    bounded("generational", n // 10)
  end)
end)
