-- limits_spec.lua: config, stats and what the limits do

local child = require "child"
local helper = require "helper"
local cfiber, stock = helper.cfiber, helper.stock
local config, stats = cfiber.config, cfiber.stats

-- A test that leaves the limits as it finds them and leaks nothing.
local function kept(f)
  return function()
    helper.leakless(helper.withconfig, {}, f)
  end
end

-- Came back from its first yield, so that its second is native where the limit
-- allows it.
local function suspended()
  local c = cfiber.create(function()
    cfiber.yield()
    cfiber.yield()
  end)
  cfiber.resume(c)
  cfiber.resume(c)
  return c
end

-- Yields natively whatever the limit.
local function mounted()
  local c = cfiber.create(function()
    table.sort({2, 1}, function() cfiber.yield() end)
  end)
  cfiber.resume(c)
  return c
end

-- How the counts move while f runs.
local function moves(f)
  local before = stats()
  f()
  local after = stats()
  local moved = {}
  for name, n in pairs(after) do
    if math.type(n) and n ~= before[name] then
      moved[name] = n - before[name]
    end
  end
  return moved
end

describe("config", function()
  it("reads limits as integers, a way as a string and a switch as a boolean", kept(function()
    local types = {}
    for name, value in pairs(config()) do
      types[name] = math.type(value) or type(value)
    end
    assert.same({
      guard = "string",
      max_depth = "integer",
      native_limit = "integer",
      overflow_report = "boolean",
      pool_limit = "integer",
      stack_size = "integer",
    }, types)
  end))

  it("has the documented defaults in a new process", function()
    local found = child.bare [[
      local c = require("cfiber").config()
      print(c.max_depth >= 1000, c.native_limit > 0, c.pool_limit > 0)
      print(c.stack_size > 200 << 10, c.stack_size % 4096)
    ]]
    assert.same({output = "true\ttrue\ttrue\ntrue\t0\n", errors = "", status = 0}, found)
  end)

  it("sets each limit by itself and returns all", kept(function()
    for name, value in pairs {stack_size = 1 << 20, max_depth = 77, native_limit = 7, pool_limit = 3} do
      local expected = config()
      expected[name] = value
      assert.same(expected, config {[name] = value})
      assert.same(expected, config())
    end
  end))

  it("sets several at once", kept(function()
    config {max_depth = 10, native_limit = 20, pool_limit = 30}
    local found = config {}
    assert.same({10, 20, 30}, {found.max_depth, found.native_limit, found.pool_limit})
  end))

  it("returns a new table each time", kept(function()
    local found = config()
    assert.are_not.equal(found, config())
    found.max_depth = 1
    assert.are_not.equal(1, config().max_depth)
  end))

  it("takes what it returned", kept(function()
    local before = config()
    assert.same(before, config(before))
  end))

  it("takes floats with integer values", kept(function()
    assert.equal(64, config {max_depth = 64.0}.max_depth)
  end))

  it("takes nil for no change", kept(function()
    assert.same(config(), config(nil))
  end))

  it("rounds the stack's size up to pages", kept(function()
    local size = config {stack_size = (1 << 20) + 1}.stack_size
    assert.is_true(size > 1 << 20 and size % 4096 == 0)
    assert.equal(size, config {stack_size = size}.stack_size)
  end))

  local ranges = {
    stack_size = {65536, string.packsize "T" > 4 and 1 << 30 or 1 << 27},
    max_depth = {1, 1000000},
    native_limit = {0, 100000000},
    pool_limit = {0, 100000000},
  }

  for name, range in pairs(ranges) do
    it(("takes both ends of the range of %s"):format(name), kept(function()
      for _, value in ipairs(range) do
        assert.equal(value, config {[name] = value}[name])
      end
    end))

    it(("refuses bad values for %s with its range"):format(name), kept(function()
      local before = config()
      local message = ("bad argument #1 to 'config' (%s out of range (%d to %d))"):format(name, range[1], range[2])
      for _, bad in ipairs {range[1] - 1, range[2] + 1, -1, 1.5, 0 / 0, 1 / 0, -1 / 0, 1 << 40,
        math.mininteger, math.maxinteger, 2.0^53, range[1] + 0.5} do
        local ok, found = pcall(function() config {[name] = bad} end)
        assert.is_false(ok)
        assert.equal(message, found:match ": (.*)")
      end
      assert.same(before, config())
    end))

    it(("refuses other types for %s"):format(name), kept(function()
      local before = config()
      for _, bad in ipairs {"x", "100", true, {}, print, cfiber.create(print)} do
        local ok, found = pcall(function() config {[name] = bad} end)
        assert.is_false(ok)
        assert.equal(("bad argument #1 to 'config' (%s: number expected, got %s)"):format(name, type(bad)),
          found:match ": (.*)")
      end
      assert.same(before, config())
    end))
  end

  it("sets all or nothing", kept(function()
    local before = config()
    local good = {max_depth = 5, native_limit = 6, pool_limit = 7, stack_size = 1 << 20}
    for name in pairs(good) do
      local t = {}
      for k, v in pairs(good) do
        t[k] = v
      end
      t[name] = -1
      assert.is_false(pcall(config, t))
      assert.same(before, config())
    end
    good.unknown = 1
    assert.is_false(pcall(config, good))
    assert.same(before, config())
  end))

  it("refuses names that it does not know", kept(function()
    for _, name in ipairs {"stacksize", "", "MAX_DEPTH", 1, true, 2.5} do
      local ok, found = pcall(function() config {[name] = 1} end)
      assert.is_false(ok)
      assert.equal(("bad argument #1 to 'config' (unknown limit '%s')"):format(name), found:match ": (.*)")
    end
  end))

  it("refuses what is no table", kept(function()
    for _, bad in ipairs {1, "max_depth", true, print} do
      local ok, found = pcall(function() config(bad) end)
      assert.is_false(ok)
      assert.equal(("bad argument #1 to 'config' (table expected, got %s)"):format(type(bad)),
        found:match ": (.*)")
    end
  end))

  it("goes past metamethods", kept(function()
    local t = setmetatable({}, {__index = error, __pairs = error, __len = error})
    assert.same(config(), config(t))
  end))
end)

describe("stats", function()
  it("has a count for each thing, the way of the guards and the name of the switch", kept(function()
    local words = {guard = true, switch = true}
    local names = {}
    for name, value in pairs(stats()) do
      names[#names + 1] = name
      assert.equal(words[name] and "string" or "number", type(value))
    end
    table.sort(names)
    assert.same({"compact_yields", "guard", "mounted", "native_yields", "peak", "pooled", "reserved",
      "sliced", "stacks_made", "stacks_reused", "suspended", "switch"}, names)
  end))

  it("gives one alone by its name", kept(function()
    for name, value in pairs(stats()) do
      assert.equal(value, stats(name))
    end
    assert.same(stats(), stats(nil))
    assert.equal("integer", math.type(stats "sliced"))
  end))

  it("makes no table for one alone", kept(function()
    collectgarbage "stop"
    local before = collectgarbage "count"
    stats "sliced"
    local after = collectgarbage "count"
    collectgarbage "restart"
    assert.equal(before, after)
  end))

  it("refuses an unknown name", kept(function()
    for _, name in ipairs {"x", "slice", "sliced\0", ""} do
      local ok, err = pcall(stats, name)
      assert.is_false(ok)
      assert.equal(("bad argument #1 to 'cfiber.stats' (unknown count '%s')"):format(name:gsub("\0", "")), err)
    end
    local ok, err = pcall(stats, 1)
    assert.is_false(ok)
    assert.equal("bad argument #1 to 'cfiber.stats' (string expected, got number)", err)
  end))

  it("does not move when nothing runs", kept(function()
    assert.same({}, moves(function()
      local c = cfiber.create(print)
      cfiber.status(c)
      cfiber.isyieldable(c)
      cfiber.running()
      cfiber.wrap(print)
    end))
  end))

  it("counts a stack as reused that was in the pool", kept(function()
    cfiber.wrap(function() end)()
    assert.same({stacks_reused = 1}, moves(function()
      cfiber.wrap(function() end)()
    end))
  end))

  it("counts a stack as made that the pool had not", kept(function()
    config {pool_limit = 0}
    assert.same({stacks_made = 1}, moves(function()
      cfiber.wrap(function() end)()
    end))
  end))

  it("counts natively suspended fibers and native yields", kept(function()
    config {native_limit = 1024, pool_limit = 10}
    cfiber.wrap(function() end)()
    local c
    assert.same({mounted = 1, suspended = 1, pooled = -1, native_yields = 1, stacks_reused = 1},
      moves(function() c = mounted() end))
    assert.same({mounted = -1, suspended = -1, pooled = 1},
      moves(function() cfiber.resume(c) end))
  end))

  it("counts compact yields, which hold no stack", kept(function()
    config {native_limit = 0}
    cfiber.wrap(function() end)()
    local c
    assert.same({compact_yields = 2, stacks_reused = 2}, moves(function() c = suspended() end))
    assert.same({stacks_reused = 1}, moves(function() cfiber.resume(c) end))
  end))

  it("counts every resumed fiber as mounted, from inside", kept(function()
    local before = stats()
    local function nest(n)
      if n > 0 then
        return cfiber.wrap(nest)(n - 1)
      end
      return stats()
    end
    local inside = nest(5)
    assert.equal(before.mounted + 5, inside.mounted)
    assert.equal(before.suspended, inside.suspended)
    assert.equal(before.mounted, stats().mounted)
  end))

  it("keeps the peak of mounted fibers", kept(function()
    local target = stats().peak + 3
    config {native_limit = target, stack_size = 65536}
    local all = {}
    for i = 1, target do
      all[i] = suspended()
    end
    assert.is_true(stats().peak >= target)
    local peak = stats().peak
    for i = 1, target do
      cfiber.close(all[i])
    end
    assert.equal(peak, stats().peak)
  end))

  it("counts reserved bytes of all stacks, at least their size", kept(function()
    config {pool_limit = 0, native_limit = 1024}
    local c
    local moved = moves(function() c = suspended() end)
    assert.is_true(moved.reserved >= config().stack_size)
    assert.equal(-moved.reserved, moves(function() cfiber.close(c) end).reserved)
  end))

  it("takes a collected fiber out of the counts", kept(function()
    collectgarbage()
    local before = stats()
    mounted()
    assert.equal(before.mounted + 1, stats().mounted)
    collectgarbage()
    collectgarbage()
    assert.equal(before.mounted, stats().mounted)
    assert.equal(before.suspended, stats().suspended)
  end))

  it("takes one that died by an error out of the counts", kept(function()
    cfiber.wrap(function() end)()
    assert.same({stacks_reused = 1}, moves(function()
      cfiber.resume(cfiber.create(error), "e")
    end))
  end))
end)

describe("pool_limit", function()
  it("is how many stacks stay for reuse", kept(function()
    config {pool_limit = 3, native_limit = 1024}
    local all = {}
    for i = 1, 8 do
      all[i] = suspended()
    end
    for i = 1, 8 do
      cfiber.resume(all[i])
    end
    assert.equal(3, stats().pooled)
  end))

  it("set lower gives stacks back at once", kept(function()
    config {pool_limit = 10, native_limit = 1024}
    local all = {}
    for i = 1, 10 do
      all[i] = suspended()
    end
    for i = 1, 10 do
      cfiber.close(all[i])
    end
    assert.equal(10, stats().pooled)
    config {pool_limit = 4}
    assert.equal(4, stats().pooled)
    config {pool_limit = 0}
    assert.equal(0, stats().reserved)
  end))

  it("of 0 keeps none", kept(function()
    config {pool_limit = 0}
    cfiber.wrap(function() end)()
    assert.equal(0, stats().pooled)
  end))
end)

describe("stack_size", function()
  it("is what new stacks have; those in use keep theirs", kept(function()
    config {native_limit = 1024}
    local c = suspended()
    config {stack_size = 2 * config().stack_size}
    assert.equal(0, stats().pooled)
    local d = suspended()
    assert.is_true(cfiber.resume(c))
    assert.is_true(cfiber.resume(d))
    assert.equal(1, stats().pooled)
  end))

  it("may be the smallest one allowed", kept(function()
    config {stack_size = 65536}
    local text = cfiber.wrap(function()
      local s = ("%s %5.2f %q"):format("a", 1.5, "b")
      cfiber.yield()
      return s .. table.concat({1, 2}, ",")
    end)
    text()
    assert.equal('a  1.50 "b"1,2', text())
  end))
end)

describe("a yield that can be compact", function()
  it("is compact the first time", kept(function()
    config {native_limit = 1024}
    local c = cfiber.create(cfiber.yield)
    assert.equal(1, moves(function() cfiber.resume(c) end).compact_yields)
    assert.equal("suspended", stock.status(c))
  end))

  it("is native in a fiber that came back soon, and stays so", kept(function()
    config {native_limit = 1024}
    local c = cfiber.create(function()
      while true do
        cfiber.yield()
      end
    end)
    local counts = moves(function()
      for _ = 1, 10 do
        cfiber.resume(c)
      end
    end)
    assert.equal(1, counts.compact_yields)
    assert.equal(9, counts.native_yields)
    cfiber.close(c)
  end))

  if helper.mode == "collector" then  -- too many threads for a collector that never rests
    return
  end

  it("is compact in a fiber that came back after many others", kept(function()
    config {native_limit = 1024}
    local others = {}
    local c = cfiber.create(function()
      cfiber.yield()
      cfiber.yield()
    end)
    cfiber.resume(c)
    for i = 1, 60000 do
      others[i] = cfiber.create(cfiber.yield)
      cfiber.resume(others[i])
    end
    cfiber.resume(c)
    assert.equal("suspended", stock.status(c))
  end))
end)

describe("native_limit", function()
  it("makes yields compact past it", kept(function()
    config {native_limit = 2}
    local all = {}
    for i = 1, 4 do
      all[i] = suspended()
    end
    assert.equal(2, stats().suspended)
    assert.equal("normal", stock.status(all[1]))
    assert.equal("normal", stock.status(all[2]))
    assert.equal("suspended", stock.status(all[3]))
    assert.equal("suspended", stock.status(all[4]))
    for i = 1, 4 do
      assert.equal("suspended", cfiber.status(all[i]))
      assert.is_true(cfiber.resume(all[i]))
    end
  end))

  it("counts again when there is room", kept(function()
    config {native_limit = 1}
    local first, second = suspended(), suspended()
    assert.equal("suspended", stock.status(second))
    cfiber.resume(first)
    local third = suspended()
    assert.equal("normal", stock.status(third))
    cfiber.close(third)
    cfiber.close(second)
  end))

  it("does not hold for yields that must be native", kept(function()
    config {native_limit = 0}
    local all = {mounted(), mounted(), mounted()}
    assert.equal(3, stats().suspended)
    for _, c in ipairs(all) do
      cfiber.close(c)
    end
    assert.equal(0, stats().suspended)
  end))

  it("of 0 makes every yield compact that can be", kept(function()
    config {native_limit = 0}
    assert.equal("suspended", stock.status(suspended()))
  end))

  it("changes nothing that a program sees", kept(function()
    local function run()
      local seen = {}
      local all = {}
      for i = 1, 6 do
        all[i] = cfiber.wrap(function()
          for j = 1, 3 do
            seen[#seen + 1] = i * 10 + cfiber.yield(j)
          end
        end)
        all[i]()
      end
      for j = 1, 3 do
        for i = 1, 6 do
          seen[#seen + 1] = all[i](j)
        end
      end
      return seen
    end
    config {native_limit = 1024}
    local expected = run()
    for limit = 0, 6 do
      config {native_limit = limit}
      assert.same(expected, run())
    end
  end))
end)

describe("max_depth", function()
  -- Resumes one in the other until it fails: the depth, the error and the
  -- status of the one that was not resumed.
  local function dig()
    local depth, message, status = 0, nil, nil
    local function nest()
      local c = cfiber.create(nest)
      local ok, m = cfiber.resume(c)
      if not ok then
        message, status = m, cfiber.status(c)
      end
      depth = depth + 1
    end
    nest()
    return depth - 1, message, status
  end

  it("is how deep resumes nest; then the error is a C stack overflow", kept(function()
    config {max_depth = 50}
    assert.same({50, "C stack overflow", "suspended"}, {dig()})
  end))

  it("of one allows fibers and none inside", kept(function()
    config {max_depth = 1}
    assert.same({true, false, "C stack overflow"}, {cfiber.resume(cfiber.create(function()
      return cfiber.resume(cfiber.create(print))
    end))})
  end))

  it("holds for wrap, with the position of each call in front", kept(function()
    config {max_depth = 20}
    local function nest()
      return cfiber.wrap(nest)()
    end
    local ok, message = pcall(nest)
    assert.is_false(ok)
    assert.matches("C stack overflow$", message)
    assert.equal(21, select(2, message:gsub("limits_spec.lua:%d+: ", "")))
  end))

  it("holds for close, which refuses without a change", kept(function()
    config {max_depth = 2, native_limit = 1024}
    local closed = 0
    local c = cfiber.create(function()
      local _ <close> = setmetatable({}, {__close = function() closed = closed + 1 end})
      cfiber.yield()
    end)
    cfiber.resume(c)
    cfiber.wrap(function()
      cfiber.wrap(function()
        local ok, message = pcall(cfiber.close, c)
        assert.is_false(ok)
        assert.matches("C stack overflow$", message)
      end)()
    end)()
    assert.equal(0, closed)
    assert.equal("suspended", cfiber.status(c))
    assert.is_true(cfiber.close(c))
    assert.equal(1, closed)
  end))

  it("holds for going on with a suspended fiber, which stays so", kept(function()
    config {max_depth = 2}
    local c = cfiber.create(function(...)
      return cfiber.yield(...)
    end)
    cfiber.resume(c, 1)
    cfiber.wrap(function()
      cfiber.wrap(function()
        assert.same({false, "C stack overflow"}, {cfiber.resume(c, 2, 3)})
      end)()
    end)()
    assert.equal("suspended", cfiber.status(c))
    assert.same({true, 4}, {cfiber.resume(c, 4)})
  end))

  it("leaves all usable when it was reached", kept(function()
    config {max_depth = 100}
    for _ = 1, 3 do
      assert.equal(100, (dig()))
      assert.same({true, "fine"}, {cfiber.resume(cfiber.create(function() return "fine" end))})
    end
    assert.equal(0, stats().mounted)
  end))

  it("of the default is reached without a fault, also from inside fibers", function()
    local found = child.bare [[
      local cfiber = require "cfiber"
      local function nest(n)
        local ok, deepest, message = cfiber.resume(cfiber.create(nest), n + 1)
        if not ok then
          return n, deepest
        end
        return deepest, message
      end
      local depth, message = nest(0)
      print(depth == cfiber.config().max_depth, message)
      print(cfiber.wrap(function() return cfiber.wrap(nest)(2) end)() == depth)
      print(cfiber.stats().mounted)
    ]]
    assert.same({output = "true\tC stack overflow\ntrue\n0\n", errors = "", status = 0}, found)
  end)

  it("below the present depth refuses from there on", kept(function()
    cfiber.wrap(function()
      cfiber.wrap(function()
        config {max_depth = 1}
        assert.same({false, "C stack overflow"}, {cfiber.resume(cfiber.create(print))})
        config {max_depth = 3}
        assert.same({true}, {cfiber.resume(cfiber.create(function() end))})
      end)()
    end)()
  end))
end)
