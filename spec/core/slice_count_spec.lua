-- slice_count_spec.lua: what slices take of their budgets and of those around
-- them, and stats("sliced")

local helper = require "helper"
local cfiber = helper.cfiber

-- Locals throughout: a global goes through functions of busted.
local coroutine, string, table, error, pcall = coroutine, string, table, error, pcall
local sethook = debug.sethook
local create, resume, yield, slice, stats = cfiber.create, cfiber.resume, cfiber.yield, cfiber.slice, cfiber.stats

local rare = helper.mode == "collector" and 61 or 1  -- collections take time
local budgets = rare > 1 and {7, 256} or {1, 2, 7, 64, 255, 256, 257, 1000, 100000}

-- The instructions of all fibers that 'start' makes with the function that it
-- is passed, outside of slices: a hook of each counts.
local function hooked(start)
  local n = 0
  local function count()
    n = n + 1
  end
  local co = start(function(f)
    local before = n
    local made = create(f)
    sethook(made, count, "", 1)
    n = before - 2  -- the first instruction of this function and the last
    return made
  end)
  n = 0
  while cfiber.status(co) ~= "dead" do
    resume(co)
  end
  return n
end

-- The same in slices, as stats has it. Each that the budget ended took all of
-- it.
local function sliced(start, budget)
  local co = start(create)
  local first = stats "sliced"
  while cfiber.status(co) ~= "dead" do
    local before = stats "sliced"
    local _, how = slice(co, budget)
    if how == "budget" then
      assert.equal(budget, stats "sliced" - before)
    end
  end
  return stats "sliced" - first
end

-- Asserts that slices count what a hook counts. A finalizer on a thread that is
-- counted would move the count, those of other specs' objects, too.
local function exact(start, list)
  helper.withcollector(function()
    collectgarbage "stop"
    local expected = hooked(start)
    assert.is_true(expected > 600)
    for _, budget in ipairs(list or budgets) do
      assert.equal(expected, sliced(start, budget))
    end
  end)
end

local function body()
  for i = 1, 40 do
    for _ = 1, 5 do end
    yield(i)
    table.sort({3, 1, 2}, function(a, b) return a < b end)
  end
end

local function loop()
  while true do end
end

describe("Slices count each instruction once", function()
  it("of a fiber that yields in between", function()
    exact(function(make)
      return make(body)
    end)
  end)

  it("as a hook of a stock coroutine does", function()
    local function f()
      for _ = 1, 200 do end
      coroutine.yield()
      string.gsub("abc", "%a", function(c) return c .. c end)
    end
    local n = 0
    local co = coroutine.create(f)
    sethook(co, function() n = n + 1 end, "", 1)
    while coroutine.status(co) ~= "dead" do
      coroutine.resume(co)
    end
    for _, budget in ipairs(budgets) do
      assert.equal(n, sliced(function(make) return make(f) end, budget))
    end
  end)

  it("of fibers that resume others, and are stopped in the middle of those", function()
    exact(function(make)
      return make(function()
        local a, b = make(body), make(body)
        while resume(a) do
          string.gsub("a", "a", function()
            resume(b)
          end)
        end
        yield()
      end)
    end)
  end)

  it("of slices inside, which end early", function()
    exact(function(make)
      return make(function()
        local a = make(body)
        while slice(a, 10000) do end
      end)
    end)
  end)

  it("of slices inside that their own budget ends", function()
    exact(function(make)
      return make(function()
        local a = make(body)
        while slice(a, 10) do end
      end)
    end)
  end)

  it("of a fiber that suspends one around it", function()
    exact(function(make)
      local outer
      outer = make(function()
        local inner = make(function()
          for _ = 1, 50 do
            for _ = 1, 5 do end
            cfiber.suspend(outer)
          end
        end)
        resume(inner)
      end)
      return outer
    end)
  end)

  it("of fibers that give their place away", function()
    exact(function(make)
      local a, b
      local function forth(to)
        return function()
          for i = 1, 60 do
            for _ = 1, 5 do end
            if i % 4 == 0 then
              yield()
            end
            cfiber.transfer(to())
          end
        end
      end
      a = make(forth(function() return b end))
      b = make(forth(function() return a end))
      return a
    end, {100000})
  end)

  it("of a fiber that an error ends, and of those inside", function()
    exact(function(make)
      return make(function()
        for i = 1, 40 do
          resume(make(function()
            for _ = 1, i do end
            error "inner"
          end))
        end
        error "outer"
      end)
    end)
  end)

  it("of a fiber with a hook of the user's own, as that does", function()
    for _, mask in ipairs {"", "l", "cr"} do
      for _, budget in ipairs(budgets) do
        local n = 0
        local total = sliced(function(make)
          local co = make(body)
          sethook(co, function(event)
            if event == "count" then
              n = n + 1
            end
          end, mask, 1)
          return co
        end, budget)
        assert.equal(n, total)
      end
    end
  end)

  it("of a fiber whose hook yields", function()
    local start = function(make)
      return make(function()
        for _ = 1, 700 do end
      end)
    end
    local expected = hooked(start)
    for count = 1, 3 do
      assert.equal(expected, sliced(function(make)
        local co = start(make)
        sethook(co, function() yield() end, "", count)
        return co
      end, 1000))
    end
  end)

  it("of a fiber whose hook removes itself, at a line and at a call", function()
    local function f()
      local function leaf() end
      leaf()
      for _ = 1, 700 do end
    end
    local expected = hooked(function(make) return make(f) end)
    for _, mask in ipairs {"l", "c", "r"} do
      assert.equal(expected, sliced(function(make)
        local co = make(f)
        sethook(co, function() sethook() end, mask)
        return co
      end, 100000))
    end
  end)
end)

describe("A slice takes its whole budget", function()
  local function takes(co, n)
    local before = stats "sliced"
    assert.same({true, "budget"}, {slice(co, n)})
    assert.equal(n, stats "sliced" - before)
  end

  it("after a throw into the fiber that the one before stopped", function()
    local co = create(function()
      pcall(loop)
      yield()
      loop()
    end)
    takes(co, 100)
    assert.same({true}, {cfiber.throw(co, "thrown")})
    for n = 1, 300, rare do
      takes(co, n)
    end
  end)

  it("where it began outside, with another inside", function()
    local co
    co = create(function()
      return resume(create(function()
        cfiber.suspend(co)
        loop()
      end))
    end)
    resume(co)
    for n = 1, 300, rare do
      takes(co, n)
    end
    assert.is_true(cfiber.close(co))
  end)

  it("where others inside took the most of it", function()
    local rounds = 0
    local co = create(function()
      local inner = create(function()
        while true do
          for _ = 1, 20 do end
          yield()
        end
      end)
      while true do
        slice(inner, 1000)
        rounds = rounds + 1
      end
    end)
    for n = 1, 300, rare do
      takes(co, n)
    end
    assert.is_true(rounds > 300 * 301 // 2 // rare // 200, rounds)
    cfiber.close(co)
  end)
end)

describe("stats 'sliced'", function()
  it("includes what the running slice took", function()
    local seen = {}
    local co = create(function()
      for i = 1, 3 do
        seen[i] = stats "sliced"
      end
    end)
    slice(co, 1000)
    assert.is_true(seen[2] > seen[1])
    assert.equal(seen[2] - seen[1], seen[3] - seen[2])
  end)

  it("is the same after a look at it", function()
    local function counting(look)
      return sliced(function(make)
        return make(function()
          for _ = 1, 100 do
            look "sliced"
          end
        end)
      end, 1000)
    end
    assert.equal(counting(type), counting(stats))
  end)

  it("does not count what runs outside of slices", function()
    local before = stats "sliced"
    resume(create(body))
    assert.equal(before, stats "sliced")
    local co = create(function()
      resume(create(function()
        for _ = 1, 1000 do end
      end))
    end)
    slice(co, 100)
    resume(co)
    assert.equal(before + 100, stats "sliced")
  end)
end)
