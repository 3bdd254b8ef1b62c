-- suspend_spec.lua: suspending a fiber with all that runs inside it

local helper = require "helper"
local cfiber, stock = helper.cfiber, helper.stock

-- A test that leaves no stack behind.
local function clean(f)
  return function()
    helper.leakless(f)
  end
end

-- Calls f inside n fibers, each in the one before.
local function deep(n, f, ...)
  if n == 0 then
    return f(...)
  end
  local r = table.pack(cfiber.resume(cfiber.create(deep), n - 1, f, ...))
  assert(r[1], r[2])
  return table.unpack(r, 2, r.n)
end

-- Ways to call a function inside a fiber.
local ways = {
  ["directly"] = function(f) return f() end,
  ["through 1 fiber"] = function(f) return deep(1, f) end,
  ["through 10 fibers"] = function(f) return deep(10, f) end,
  ["through 100 fibers"] = function(f) return deep(100, f) end,
  ["below gsub"] = function(f)
    local r
    ("x"):gsub("x", function() r = f() end)
    return r
  end,
  ["below gsub in a wrap in a sort"] = function(f)
    local r
    table.sort({1, 2}, function()
      r = r or cfiber.wrap(function()
        local q
        ("x"):gsub("x", function() q = f() end)
        return q
      end)()
    end)
    return r
  end,
  ["through a stock coroutine"] = function(f) return stock.wrap(f)() end,
  ["through stock coroutines inside each other"] = function(f)
    return stock.wrap(function() return stock.wrap(f)() end)()
  end,
  ["through a fiber in a stock coroutine"] = function(f)
    return stock.wrap(function() return cfiber.wrap(f)() end)()
  end,
  ["through stock coroutines and fibers in turn"] = function(f)
    return cfiber.wrap(function()
      return stock.wrap(function()
        return cfiber.wrap(function() return stock.wrap(f)() end)()
      end)()
    end)()
  end,
  ["in a debug hook of a fiber inside"] = function(f)
    return deep(1, function()
      local r
      debug.sethook(function()
        debug.sethook()
        r = f()
      end, "", 1)
      local x = 0
      for i = 1, 100 do x = x + i end
      return r
    end)
  end,
}

-- A fiber suspended in 'f', called in one of the ways.
local function suspended(call, f)
  local co = cfiber.create(function()
    local me = cfiber.running()
    return call(function()
      return (f or cfiber.suspend)(me, "out")
    end)
  end)
  assert.same({true, "out"}, {cfiber.resume(co)})
  return co
end

for how, call in pairs(ways) do
  describe("suspend " .. how, function()
    it("goes straight out, and resume straight in", clean(function()
      local co = suspended(call)
      assert.equal("suspended", cfiber.status(co))
      assert.same({true, "in"}, {cfiber.resume(co, "in")})
      assert.equal("dead", cfiber.status(co))
    end))

    it("may be done many times", clean(function()
      local co = suspended(call, function(me, x)
        for i = 1, 50 do
          x = cfiber.suspend(me, x)
          assert(x == i)
          collectgarbage "step"
        end
        return "end"
      end)
      for i = 1, 49 do
        assert.same({true, i}, {cfiber.resume(co, i)})
      end
      assert.same({true, "end"}, {cfiber.resume(co, 50)})
    end))

    it("returns errors that are thrown in at the innermost point", clean(function()
      local co = suspended(call, function(me)
        local ok, err = pcall(cfiber.suspend, me, "out")
        return not ok and err
      end)
      assert.same({true, "thrown"}, {cfiber.throw(co, "thrown")})
    end))

    it("is undone by close", clean(function()
      local co = suspended(call)
      assert.is_true(cfiber.close(co))
      assert.equal("dead", cfiber.status(co))
      assert.same({false, "cannot resume dead coroutine"}, {cfiber.resume(co)})
    end))

    it("is undone by the collector", clean(function()
      local before = cfiber.stats().mounted
      suspended(call)
      for _ = 1, 3 do collectgarbage() end
      assert.equal(before, cfiber.stats().mounted)
    end))

    if how == "directly" then
      it("of a fiber with nothing inside may leave an ordinary coroutine", clean(function()
        local co = suspended(call)
        assert.equal("suspended", stock.status(co))
        assert.same({true, "in"}, {stock.resume(co, "in")})
      end))
      return
    end

    it("looks busy to stock functions", clean(function()
      local co = suspended(call)
      assert.equal("normal", stock.status(co))
      assert.same({false, "cannot resume non-suspended coroutine"}, {stock.resume(co)})
      assert.is_false(pcall(stock.close, co))
      assert.same({true, "in"}, {cfiber.resume(co, "in")})
    end))
  end)
end

describe("suspend passes", function()
  for _, n in ipairs {0, 1, 20, 250, 5000} do
    it(n .. " values both ways", clean(function()
      for _, call in pairs {ways["directly"], ways["through 10 fibers"], ways["through a stock coroutine"]} do
        local list = {}
        for i = 1, n do
          list[i] = i
        end
        local co = cfiber.create(function()
          local me = cfiber.running()
          call(function()
            local r = {cfiber.suspend(me, table.unpack(list))}
            assert(#r == n and r[n] == list[n])
            r = {cfiber.suspend(me, table.unpack(r))}
            assert(#r == n)
          end)
        end)
        for _ = 1, 2 do
          local r = {cfiber.resume(co, table.unpack(list))}
          assert.equal(n + 1, #r)
          assert.equal(list[n] or true, r[n + 1])
        end
        assert.is_true(cfiber.resume(co, table.unpack(list)))
      end
    end))
  end

  it("5,000 values in where none came out", clean(function()
    local list = {}
    for i = 1, 5000 do
      list[i] = i
    end
    for _, call in pairs(ways) do
      local co = suspended(call, function(me, x)
        return select("#", cfiber.suspend(me, x))
      end)
      assert.same({true, 5000}, {cfiber.resume(co, table.unpack(list))})
    end
  end))

  it("nil at either end", clean(function()
    local co = cfiber.create(function()
      local me = cfiber.running()
      return deep(2, function() return cfiber.suspend(me, nil, 2, nil) end)
    end)
    assert.same({true, nil, 2, nil, n = 4}, table.pack(cfiber.resume(co)))
    assert.same({true, nil, 5, nil, n = 4}, table.pack(cfiber.resume(co, nil, 5, nil)))
  end))
end)

describe("While a fiber is suspended with others inside", function()
  it("those are normal, and cannot be resumed or closed", clean(function()
    local me, inner, plain
    me = cfiber.create(function()
      inner = cfiber.create(function()
        plain = stock.create(function() return cfiber.suspend(me, "out") end)
        return select(2, stock.resume(plain))
      end)
      return select(2, cfiber.resume(inner))
    end)
    cfiber.resume(me)
    assert.equal("suspended", cfiber.status(me))
    for _, co in ipairs {inner, plain} do
      assert.equal("normal", cfiber.status(co))
      assert.equal("normal", stock.status(co))
      assert.same({false, "cannot resume non-suspended coroutine"}, {cfiber.resume(co)})
      assert.same({false, "cannot resume non-suspended coroutine"}, {stock.resume(co)})
      assert.same({false, "cannot close a normal coroutine"}, {pcall(cfiber.close, co)})
    end
    assert.is_true(cfiber.isyieldable(me))
    assert.is_true(cfiber.isyieldable(inner))
    assert.same({true, "in"}, {cfiber.resume(me, "in")})
    assert.equal("dead", cfiber.status(inner))
  end))

  it("it counts as one that is suspended, each of them as mounted", clean(function()
    local before = cfiber.stats()
    local co = suspended(ways["through 10 fibers"])
    local after = cfiber.stats()
    assert.equal(1, after.suspended - before.suspended)
    assert.equal(11, after.mounted - before.mounted)
    cfiber.close(co)
  end))

  it("its own status inside is as before", clean(function()
    local seen
    local co = suspended(ways["through 1 fiber"], function(me)
      cfiber.suspend(me, "out")
      seen = {cfiber.status(me), cfiber.status(cfiber.running())}
    end)
    cfiber.resume(co)
    assert.same({"normal", "running"}, seen)
  end))

  it("debug.traceback shows each where it is", clean(function()
    local inner
    local co = suspended(ways["directly"], function(me)
      inner = cfiber.create(function() cfiber.suspend(me, "out") end)
      cfiber.resume(inner)
    end)
    assert.match(helper.called "cfiber.resume", debug.traceback(co))
    assert.match(helper.called "cfiber.suspend", debug.traceback(inner))
    cfiber.close(co)
  end))
end)

-- How many resumes in resumes succeed.
local function levels()
  local co = cfiber.create(levels)
  local ok, n = cfiber.resume(co)
  return ok and n + 1 or 0
end

describe("After a chain was resumed", function()
  it("a yield of the inner one goes to its own resumer", clean(function()
    local co = suspended(ways["directly"], function(me)
      local inner = cfiber.wrap(function()
        local x = cfiber.suspend(me, "out")
        x = cfiber.yield(x + 1)
        return x * 10
      end)
      local x = inner()
      return x, inner(x + 1)
    end)
    assert.same({true, 2, 30}, {cfiber.resume(co, 1)})
  end))

  it("the inner one's error passes to its own resumer", clean(function()
    local co = suspended(ways["directly"], function(me)
      return cfiber.resume(cfiber.create(function()
        cfiber.suspend(me, "out")
        error("inner", 0)
      end))
    end)
    assert.same({true, false, "inner"}, {cfiber.resume(co)})
  end))

  it("an error passes through all of it and leaves all dead", clean(function()
    local threads = {}
    local function down(n, f)
      local co = cfiber.create(n == 0 and f or down)
      threads[#threads + 1] = co
      local ok, err = cfiber.resume(co, n - 1, f)
      error(ok and "no error" or err, 0)
    end
    local co = suspended(ways["directly"], function(me)
      down(5, function()
        cfiber.suspend(me, "out")
        error("deepest", 0)
      end)
    end)
    assert.same({false, "deepest"}, {cfiber.resume(co)})
    for _, t in ipairs(threads) do
      assert.equal("dead", cfiber.status(t))
    end
  end))

  it("exit ends the innermost fiber alone", clean(function()
    local co = suspended(ways["directly"], function(me)
      return cfiber.resume(cfiber.create(function()
        cfiber.suspend(me, "out")
        cfiber.exit "exited"
      end))
    end)
    assert.same({true, true, "exited"}, {cfiber.resume(co)})
  end))

  it("any fiber around may be the next to be suspended", clean(function()
    local a, b, c
    local log = {}
    local function add(ok, value)
      assert(ok, value)
      log[#log + 1] = value
    end
    local function drive(co)
      while cfiber.status(co) ~= "dead" do
        add(cfiber.resume(co, "in"))
      end
    end
    a = cfiber.create(function()
      b = cfiber.create(function()
        c = cfiber.create(function()
          for i = 1, 3 do
            add(true, cfiber.suspend(a, "a" .. i))
            add(true, cfiber.suspend(b, "b" .. i))
            add(true, cfiber.suspend(c, "c" .. i))
          end
        end)
        drive(c)
      end)
      drive(b)
    end)
    drive(a)
    local expected = {}
    for i = 1, 3 do
      for _, name in ipairs {"a", "b", "c"} do
        expected[#expected + 1] = name .. i
        expected[#expected + 1] = "in"
      end
    end
    assert.same(expected, log)
  end))

  it("at another depth, parts of it may be suspended", clean(function()
    local mid
    local co = suspended(ways["directly"], function(me)
      mid = cfiber.create(function()
        return deep(3, function()
          cfiber.suspend(me, "out")
          assert(cfiber.suspend(mid, "part") == "again")
          return cfiber.suspend(me, "whole")
        end)
      end)
      assert(select(2, cfiber.resume(mid)) == "part")
      return select(2, cfiber.resume(mid, "again"))
    end)
    assert.same({true, "whole"}, {deep(5, cfiber.resume, co)})
    assert.same({true, "end"}, {deep(2, cfiber.resume, co, "end")})
  end))

  -- How many fibers can be inside each other here?
  it("at another depth, parts of it count right when they are suspended or replaced", clean(function()
    helper.withconfig({max_depth = 30}, function()
      local mid
      local co = suspended(ways["through 1 fiber"], function(me, x)
        mid = cfiber.create(function()
          return deep(3, function()
            cfiber.suspend(me, x)
            cfiber.suspend(mid)
            return cfiber.transfer(cfiber.create(levels))
          end)
        end)
        cfiber.resume(mid)
        local around = levels()
        return around, select(2, cfiber.resume(mid)), levels()
      end)
      assert.same({true, 23, 19, 23}, {deep(5, cfiber.resume, co)})
      assert.equal(30, levels())
    end)
    for _ = 1, 3 do collectgarbage() end
  end))

  it("at any depth, the limit of nested resumes is the same", clean(function()
    helper.withconfig({max_depth = 30}, function()
      local co = suspended(ways["through 10 fibers"], function(me)
        cfiber.suspend(me, "out")
        return levels()
      end)
      assert.same({true, 19 - 5}, {deep(5, cfiber.resume, co)})
      assert.equal(30, levels())
    end)
  end))
end)

-- Resumes that would pass max_depth by what is suspended inside: 11 fibers.
describe("A chain that does not fit", function()
  local function tall()
    return suspended(ways["through 10 fibers"])
  end

  local function refused(f)
    return clean(function()
      helper.withconfig({max_depth = 30}, function()
        local co = tall()
        f(co)
        assert.equal("suspended", cfiber.status(co))
        assert.same({true, "in"}, {deep(19, cfiber.resume, co, "in")})
      end)
    end)
  end

  local OVERFLOW = {false, "C stack overflow"}

  it("is not resumed", refused(function(co)
    assert.same(OVERFLOW, {deep(20, cfiber.resume, co)})
    assert.same(OVERFLOW, {deep(29, cfiber.resume, co, 1, 2)})
  end))

  it("raises nothing", refused(function(co)
    assert.same(OVERFLOW, {deep(20, cfiber.throw, co, "x")})
  end))

  it("gets no slice", refused(function(co)
    assert.same(OVERFLOW, {deep(20, cfiber.slice, co, 100)})
  end))

  it("is not resumed inside a slice", refused(function(co)
    local outer = cfiber.create(function() return deep(19, cfiber.resume, co) end)
    assert.same({true, "return", false, "C stack overflow"}, {cfiber.slice(outer, 1000000)})
  end))

  it("takes nobody's place", refused(function(co)
    assert.same(OVERFLOW, {deep(21, pcall, cfiber.transfer, co)})
  end))

  it("is not resumed when the limit is lower since", clean(function()
    local co = tall()
    helper.withconfig({max_depth = 10}, function()
      assert.same(OVERFLOW, {cfiber.resume(co)})
      assert.same({true}, {cfiber.resume(cfiber.create(function() end))})
    end)
    helper.withconfig({max_depth = 11}, function()
      assert.same({true, "in"}, {cfiber.resume(co, "in")})
    end)
  end))

  it("may take a place where it just fits", clean(function()
    helper.withconfig({max_depth = 30}, function()
      local co = tall()
      assert.same({"in"}, {deep(20, cfiber.transfer, co, "in")})
    end)
    for _ = 1, 3 do collectgarbage() end
  end))

  it("fits again in parts", clean(function()
    helper.withconfig({max_depth = 30}, function()
      local co = suspended(ways["through 10 fibers"], function(me)
        cfiber.suspend(me, "out")
        return cfiber.yield "part"
      end)
      assert.same(OVERFLOW, {deep(20, cfiber.resume, co)})
      assert.equal(30, levels())
      assert(cfiber.resume(co))
    end)
  end))
end)

describe("A scheduler's wait", function()
  it("works in generators, callbacks and stock coroutines of many tasks", clean(function()
    local current
    local function wait(x) return cfiber.suspend(current, x) end
    local function words(text)
      return cfiber.wrap(function()
        text:gsub("%a+", function(w)
          wait "word"
          cfiber.yield(w)
        end)
      end)
    end
    local function lines(n)
      return stock.wrap(function()
        for i = 1, n do
          wait "line"
          stock.yield(i)
        end
      end)
    end
    local out, ready = {}, {}
    for t = 1, 20 do
      ready[t] = cfiber.create(function()
        for w in words "a b c" do
          for i in lines(2) do
            out[#out + 1] = w .. i
          end
        end
      end)
    end
    local waits = 0
    while #ready > 0 do
      current = table.remove(ready, 1)
      local ok, what = cfiber.resume(current)
      assert(ok, what)
      if cfiber.status(current) == "suspended" then
        assert(what == "word" or what == "line")
        waits = waits + 1
        ready[#ready + 1] = current
      end
    end
    assert.equal(20 * (3 + 3 * 2), waits)
    assert.equal(20 * 6, #out)
    table.sort(out)
    assert.equal("a1", out[20])
    assert.equal("c2", out[120])
  end))

  -- Each task adds numbers in nested generators of random shapes; suspending
  -- it here and there must change nothing.
  it("changes no result, whatever the shape of what runs inside", clean(function()
    local seed = 42
    local function random(n)
      seed = (seed * 1103515245 + 12345) & 0x7fffffff
      return (seed >> 8) % n + 1
    end
    local function generator(depth, pause)
      local shape, n = random(3), random(3)
      return (shape == 1 and stock or cfiber).wrap(function()
        for i = 1, n do
          pause()
          local v = i
          if depth > 0 then
            for x in generator(depth - 1, pause) do
              v = v * 3 + x
            end
          end
          if shape == 3 then
            ("x"):gsub("x", function() pause() cfiber.yield(v) end)
          elseif shape == 2 then
            cfiber.yield(v)
          else
            stock.yield(v)
          end
        end
      end)
    end
    local function task(first, pause)
      seed = first
      local sum = 0
      for x in generator(4, pause) do
        sum = (sum * 7 + x) & 0xffffffff
      end
      return sum
    end
    for first = 1, 20 do
      local expected = task(first, function() end)
      local me, wait, inside
      me = cfiber.create(function()
        return task(first, function()
          inside = seed
          cfiber.suspend(me)
          seed = inside
        end)
      end)
      local ok, sum
      wait = 0
      repeat
        if wait % 3 == 0 then
          ok, sum = deep(wait % 4, cfiber.resume, me)
        else
          ok, sum = cfiber.resume(me)
        end
        wait = wait + 1
      until not ok or sum
      assert.equal(expected, sum)
    end
  end))
end)
