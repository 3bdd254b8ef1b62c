-- collector_modes_spec.lua: fibers under each way of the collector, and the
-- collector as fibers drive it

local helper = require "helper"
local collectgarbage = require "collector"
local cfiber, stock = helper.cfiber, helper.stock
local same, withcollector = helper.same, helper.withcollector

-- Yields below a C function: natively, whatever the limits.
local function deep_yield(...)
  local values, results = table.pack(...), nil
  ;("x"):gsub("x", function()
    results = table.pack(cfiber.yield(table.unpack(values, 1, values.n)))
  end)
  return table.unpack(results, 1, results.n)
end

-- Ways to make and leave a coroutine.
local libraries = {
  compactly = cfiber,
  natively = {create = cfiber.create, wrap = cfiber.wrap, yield = deep_yield},
}

-- 40 coroutines that keep, pass and drop tables, 30 turns each. Between two
-- turns some are dropped and others take their place.
local function words(lib)
  local function body(first)
    local kept, sum = {first}, 0
    for i = 1, 30 do
      local young <close> = setmetatable({i}, {__close = function() sum = sum + i end})
      kept[#kept + 1] = {("%s%d"):format(first[1], young[1])}
      first = lib.yield(kept[#kept])
      kept[first] = {first[1]}
    end
    return {#kept .. kept[first][1] .. sum}
  end
  local out, all = {}, {}
  for turn = 1, 31 do
    for i = 1, 40 do
      if not all[i] or (turn + i) % 17 == 0 then
        all[i] = lib.wrap(body)
      end
      out[#out + 1] = all[i]({i .. "."})[1]
    end
  end
  return table.concat(out, " ")
end

local settings = {
  {"generational"},
  {"generational", 1, 1},  -- always at work
  {"generational", 100, 1000},  -- hardly a full cycle
  {"incremental", 1, 1000, 1},  -- at every step, as much as can be
  {"incremental", 1, 1, 1},  -- a cycle takes for ever
  {"incremental", 1000, 1, 1},  -- late, and little at a time
  {"incremental", 1000, 1000, 60},  -- late, all at once
}

describe("Fibers do what coroutines do, and none is left, when the collector is", function()
  local expected = words(stock)
  for _, setting in ipairs(settings) do
    for how, lib in pairs(libraries) do
      it(("%s, suspended %s"):format(table.concat(setting, " "), how), function()
        helper.leakless(withcollector, function()
          collectgarbage(table.unpack(setting))
          assert.equal(expected, words(lib))
          collectgarbage()
        end)
      end)
    end
  end
end)

describe("A change of the collector's way", function()
  -- Fibers that hold a table which only they refer to.
  local function holders(lib, n)
    local list = {}
    for i = 1, n do
      list[i] = lib.wrap(function()
        local held = {i}
        while true do
          held = {held[1] + #lib.yield(held)}
        end
      end)
      list[i]()
    end
    return list
  end

  local function check(list, expected)
    for i, f in pairs(list) do
      assert.equal(i + expected, f({true})[1])
    end
  end

  for how, lib in pairs(libraries) do
    it(("leaves those suspended %s as they are"):format(how), function()
      helper.leakless(withcollector, function()
        local all = holders(lib, 100)
        for round = 1, 12 do
          collectgarbage(round % 2 == 0 and "incremental" or "generational")
          collectgarbage "step"
          check(all, round)
        end
      end)
    end)

    it(("may come from inside one that is suspended %s next"):format(how), function()
      helper.leakless(withcollector, function()
        local before = {}
        local switch = lib.wrap(function()
          while true do
            before[#before + 1] = collectgarbage "generational"
            lib.yield()
            before[#before + 1] = collectgarbage "incremental"
            lib.yield()
          end
        end)
        local all = holders(lib, 50)
        collectgarbage "incremental"
        for round = 1, 8 do
          switch()
          check(all, round)
        end
        assert.equal(("incremental generational "):rep(4), table.concat(before, " ") .. " ")
      end)
    end)

    it(("comes before or after those suspended %s are dropped: all are collected"):format(how), function()
      helper.leakless(withcollector, function()
        for _, mode in ipairs {"generational", "incremental", "generational"} do
          local weak = setmetatable(holders(lib, 100), {__mode = "v"})
          collectgarbage(mode)
          collectgarbage()
          collectgarbage()
          assert.is_nil(next(weak))
        end
      end)
    end)

    it(("leaves young values to an old fiber that is suspended %s"):format(how), function()
      helper.leakless(withcollector, function()
        collectgarbage "generational"
        local old = holders(lib, 20)
        for round = 1, 10 do
          check(old, round)
          collectgarbage("step", 0)  -- a young collection
        end
      end)
    end)
  end
end)

describe("collectgarbage in a fiber", function()
  it("stops and restarts for all, over yields", same(function(co, log)
    local c = co.create(function()
      collectgarbage "stop"
      co.yield(collectgarbage "isrunning")
      log(collectgarbage "isrunning")
      collectgarbage "stop"
      collectgarbage "restart"
      co.yield(collectgarbage "isrunning")
      collectgarbage "stop"
      error "e"
    end)
    log(co.resume(c))
    log(collectgarbage "isrunning")
    collectgarbage "restart"
    log(co.resume(c))
    log(collectgarbage "isrunning")
    log(co.resume(c))
    log(collectgarbage "isrunning")
    collectgarbage "restart"
  end))

  it("stops and restarts for all, over native yields", function()
    helper.leakless(withcollector, function()
      local c = cfiber.wrap(function()
        collectgarbage "stop"
        local restarted = deep_yield(collectgarbage "isrunning")
        assert.equal(restarted, collectgarbage "isrunning")
        collectgarbage "stop"
        deep_yield(collectgarbage "isrunning")
        collectgarbage "restart"
        deep_yield(collectgarbage "isrunning")
      end)
      assert.is_false(c())
      assert.is_false(collectgarbage "isrunning")
      collectgarbage "restart"
      assert.is_false(c(true))
      assert.is_false(collectgarbage "isrunning")
      assert.is_true(c())
      assert.is_true(collectgarbage "isrunning")
    end)
  end)

  it("steps to the end of a cycle, with a yield after each step", function()
    for _, lib in pairs(libraries) do
      helper.leakless(withcollector, function()
        collectgarbage("incremental", 1000, 100, 1)
        collectgarbage "stop"  -- else cycles end at allocations, too, perhaps all of them
        local weak = setmetatable({}, {__mode = "v"})
        local c = lib.wrap(function()
          while true do
            lib.yield((collectgarbage("step", 100)))
          end
        end)
        for cycle = 1, 5 do
          weak[1] = {}
          repeat until c()
          repeat until c()
          assert.is_nil(weak[1], cycle)
        end
      end)
    end
  end)

  it("steps while the collector is stopped, which stays so", function()
    helper.leakless(withcollector, function()
      collectgarbage "stop"
      local weak = setmetatable({{}}, {__mode = "v"})
      local c = cfiber.wrap(function()
        while weak[1] do
          collectgarbage("step", 100)
          deep_yield()
        end
        return collectgarbage "isrunning"
      end)
      local running
      repeat
        running = c()
      until running ~= nil
      assert.is_false(running)
    end)
  end)

  -- No large string: Lua 5.5 makes it with a collection, though that is stopped.
  it("counts what the main thread counts", function()
    for _, lib in pairs(libraries) do
      helper.leakless(withcollector, function()
        collectgarbage "stop"
        local c = lib.wrap(function()
          while true do
            local list = {}
            for i = 1, 10000 do
              list[i] = i
            end
            lib.yield(collectgarbage "count", list)
          end
        end)
        c()
        for _ = 1, 10 do
          local before = collectgarbage "count"
          local inside = c()
          local after = collectgarbage "count"
          assert(before + 90 < inside and inside <= after and after < inside + 10)
        end
      end)
    end
  end)
end)

describe("The collector runs after", function()
  -- What a switch of any kind left stopped would stay so.
  local function runs()
    assert(collectgarbage "isrunning", "the collector is stopped")
    local finalized
    setmetatable({}, {__gc = function() finalized = true end})
    for _ = 1, 1000000 do
      if finalized then
        return
      end
      local _ = {}
    end
    error "nothing is collected"
  end

  local function after(name, f)
    it(name, function()
      helper.leakless(function()
        f()
        runs()
      end)
    end)
  end

  for how, lib in pairs(libraries) do
    after("a yield that suspends " .. how, function()
      local c = lib.wrap(function()
        lib.yield()
        runs()
        lib.yield()
      end)
      c()
      runs()
      c()
    end)
  end

  after("an error", function()
    cfiber.resume(cfiber.create(function() ("x"):gsub("x", error) end))
  end)

  after("a throw", function()
    local c = cfiber.create(function() return pcall(deep_yield), runs() end)
    cfiber.resume(c)
    assert(cfiber.throw(c, "e"))
  end)

  after("a close", function()
    local c = cfiber.create(function()
      local _ <close> = setmetatable({}, {__close = runs})
      deep_yield()
    end)
    cfiber.resume(c)
    assert(cfiber.close(c))
  end)

  after("a suspend", function()
    local outer
    outer = cfiber.create(function()
      cfiber.resume(cfiber.create(function()
        cfiber.suspend(outer)
        runs()
      end))
    end)
    cfiber.resume(outer)
    runs()
    cfiber.resume(outer)
  end)

  after("a transfer", function()
    local other = cfiber.create(runs)
    local c = cfiber.create(function() cfiber.transfer(other) end)
    assert(cfiber.resume(c))
    cfiber.close(c)
  end)

  after("an exit", function()
    assert(cfiber.resume(cfiber.create(function() ("x"):gsub("x", cfiber.exit) end)))
  end)

  after("the end of a budget", function()
    local c = cfiber.create(function()
      while true do end
    end)
    assert.same({true, "budget"}, {cfiber.slice(c, 1000)})
    runs()
    cfiber.close(c)
  end)

  after("a finalizer that left its fiber suspended", function()
    local c
    helper.finalize(function()
      c = cfiber.create(function()
        deep_yield()
        runs()
      end)
      cfiber.resume(c)
    end)
    runs()
    assert(cfiber.resume(c))
  end)

  after("a refusal in a finalizer", function()
    assert(cfiber.resume(cfiber.create(function()
      helper.finalize(function() assert(not pcall(cfiber.yield)) end)
      runs()
    end)))
  end)
end)
