-- collector_chains_spec.lua: fibers that only other fibers, ephemerons or
-- finalizers hold

local child = require "child"
local helper = require "helper"
local cfiber, stock = helper.cfiber, helper.stock
local withcollector = helper.withcollector

-- Yields below a C function: natively, whatever the limits.
local function deep_yield(...)
  local values, result = table.pack(...), nil
  ;("x"):gsub("x", function() result = cfiber.yield(table.unpack(values, 1, values.n)) end)
  return result
end

local yields = {compactly = cfiber.yield, natively = deep_yield}
local modes = {"incremental", "generational"}

-- A stack goes when a second cycle finds its thread unreachable.
local function collect()
  for _ = 1, 3 do
    collectgarbage()
  end
end

-- A collector that never rests takes quadratic time. In 32 bits there is address
-- space for some 6,000 stacks.
local wide = string.packsize "T" > 4
local N <const> = ({plain = wide and 10000 or 3000, compact = 3000, collector = 500})[helper.mode]

-- A test for each way to be suspended and each mode of the collector. f gets a
-- function that makes a fiber which keeps its arguments, is suspended and, when
-- it is resumed, returns them; and how long a chain is to be.
local function each(name, f)
  for how, yield in pairs(yields) do
    for _, mode in ipairs(modes) do
      it(("%s, suspended %s, %s"):format(name, how, mode), function()
        helper.leakless(withcollector, function()
          collectgarbage(mode)
          f(function(...)
            local co = cfiber.create(function(...)
              yield()
              return ...
            end)
            assert(cfiber.resume(co, ...))
            return co
          end, mode == "incremental" and N or N // 5)
        end)
      end)
    end
  end
end

-- The second value that a resume returns.
local function finish(co)
  local ok, value, further = cfiber.resume(co)
  assert(ok, value)
  assert.equal("dead", cfiber.status(co))
  return value, further
end

-- Lua's own treatment of ephemerons takes quadratic time where the order of keys
-- in memory is not that of the chain; in a new process it is.
local EPHEMERONS <const> = N // 10

local function weak(mode)
  return setmetatable({}, {__mode = mode})
end

describe("A long chain of fibers", function()
  each("each held by the one before lives and dies with the first", function(keep, n)
    local refs, first = weak "v", nil
    for i = n, 1, -1 do
      first = keep(i, first)
      refs[i] = first
    end
    collect()
    for i = 1, n // 2 do
      local number, rest = finish(first)
      assert.equal(i, number)
      first = rest
    end
    collect()
    assert.equal(first, refs[n // 2 + 1])
    assert(refs[n])
    first = nil  -- luacheck: ignore
    collect()
    assert.is_nil(next(refs))
  end)

  each("each an ephemeron's value whose key is the one before lives and dies with the first", function(keep)
    local ephemerons, refs = weak "k", weak "v"
    local first = keep(1)
    local last <const> = {first}
    for i = 2, EPHEMERONS do
      local co = keep(i)
      ephemerons[last[1]], refs[i], last[1] = co, co, co
    end
    last[1] = nil
    collect()
    local co = first
    for i = 1, EPHEMERONS do
      assert.equal(i, (finish(co)))
      co = ephemerons[co]
    end
    co, first = nil, nil  -- luacheck: ignore
    collect()
    assert.is_nil(next(refs))
    assert.is_nil(next(ephemerons))
  end)

  it("each an ephemeron's value whose key is the one before is collected in a new process", function()
    assert.equal("10000\n0\n", child.output([[
      local n = tonumber(...)
      local ephemerons = setmetatable({}, {__mode = "k"})
      local function body()
        ("x"):gsub("x", cfiber.yield)
      end
      local function count()
        for _ = 1, 3 do collectgarbage() end
        local found = 0
        for _ in pairs(ephemerons) do
          found = found + 1
        end
        return found
      end
      local all = {}
      for i = 1, n + 1 do
        all[i] = cfiber.create(body)
        cfiber.resume(all[i])
      end
      for i = 1, n do
        ephemerons[all[i] ] = all[i + 1]
      end
      all = {all[1]}
      print(count() * 10000 // n)
      all[1] = nil
      print(count())
    ]], N))
  end)

  each("each an ephemeron's key that its value holds is collected", function(keep, n)
    local ephemerons, previous = weak "k", nil
    for _ = 1, n // 4 do
      local co = keep(previous)
      ephemerons[co] = {co, keep(co)}
      previous = co
    end
    collect()
    assert(ephemerons[previous])
    previous = nil  -- luacheck: ignore
    collect()
    assert.is_nil(next(ephemerons))
  end)

  each("closed to a ring is collected", function(keep, n)
    local refs, ring = weak "v", {}
    local co = ring
    for i = 1, n do
      co = keep(co)
      refs[i] = co
    end
    ring[1] = co
    co, ring = nil, nil  -- luacheck: ignore
    collect()
    assert.is_nil(next(refs))
  end)

  it("that run inside one is suspended, kept, dropped and collected", function()
    helper.leakless(helper.withconfig, {max_depth = N + 10}, function()
      local refs = weak "v"
      local function nest(outer, depth)
        if depth == 0 then
          return cfiber.suspend(outer)
        end
        local co = cfiber.create(nest)
        refs[depth] = co
        return select(2, assert(cfiber.resume(co, outer, depth - 1)))
      end
      local function begin()
        local outer = cfiber.create(function() return nest(cfiber.running(), N) end)
        assert(cfiber.resume(outer))
        return outer
      end
      local ended = begin()
      collect()
      assert.equal("end", select(2, cfiber.resume(ended, "end")))
      local kept <const> = {begin()}
      collect()
      assert.equal("suspended", cfiber.status(kept[1]))
      assert.equal(N, #refs)
      kept[1] = nil
      collect()
      assert.is_nil(next(refs))
    end)
  end)
end)

describe("Fibers that ephemerons hold", function()
  each("live as long as a key that is nobody's value", function(keep)
    local ephemerons, key = weak "k", {}
    ephemerons[key] = keep("value", key)
    collect()
    assert.equal("value", (finish(ephemerons[key])))
    ephemerons[key] = keep("again", key)
    key = nil  -- luacheck: ignore
    collect()
    assert.is_nil(next(ephemerons))
  end)

  each("live as long as one that suspends with the table", function(keep)
    local co
    do
      local ephemerons, key = weak "k", {}
      ephemerons[key] = keep("value")
      co = keep(ephemerons, key)
    end
    collect()
    local ephemerons, key = finish(co)
    assert.equal("value", (finish(ephemerons[key])))
  end)

  each("go in a ring through two tables", function(keep)
    local a, b = weak "k", weak "k"
    local first = keep(1)
    do
      local second = keep(2)
      a[first], b[second] = second, {first}
    end
    collect()
    assert.equal(2, (finish(a[first])))
    first = nil  -- luacheck: ignore
    collect()
    assert.is_nil(next(a))
    assert.is_nil(next(b))
  end)
end)

describe("A finalizer that brings back", function()
  -- Calls bring(co) when a cycle has found 'co' unreachable.
  local function dropped(co, bring)
    setmetatable({co}, {__gc = function(o) bring(o[1]) end})
  end

  each("a fiber for good finds it as it was", function(keep)
    local back
    dropped(keep("kept"), function(co) back = co end)
    collectgarbage()
    assert.equal("suspended", cfiber.status(back))
    collect()
    assert.equal("kept", (finish(back)))
  end)

  each("a fiber into a global lets it be dropped again", function(keep)
    local ref = weak "v"
    do
      local co = keep("kept")
      ref[1] = co
      dropped(co, function(c) _G.BACK = c end)
    end
    collectgarbage()
    assert.equal("suspended", cfiber.status(_G.BACK))
    assert.is_nil(ref[1])  -- it goes before finalizers run, manual 2.5.4
    ref[1], _G.BACK = _G.BACK, nil
    collect()
    assert.is_nil(ref[1])
  end)

  each("the first of a chain brings back all of it", function(keep)
    local back
    do
      local first
      for i = N // 10, 1, -1 do
        first = keep(i, first)
      end
      dropped(first, function(co) back = co end)
    end
    collectgarbage()
    for i = 1, N // 10 do
      local n, rest = finish(back)
      assert.equal(i, n)
      back = rest
    end
  end)

  each("a fiber that keeps the object is called once", function(keep)
    local times, back = 0
    do
      local object = {}
      object.co = keep(object)
      setmetatable(object, {__gc = function(o)
        times = times + 1
        back = o.co
      end})
    end
    collect()
    assert.equal(1, times)
    assert.equal(back, finish(back).co)
    back = nil  -- luacheck: ignore
    collect()
    assert.equal(1, times)
  end)

  for how, yield in pairs(yields) do
    for _, mode in ipairs(modes) do
      it(("a fiber again and again, each time resumed, suspended %s, %s"):format(how, mode), function()
        helper.leakless(withcollector, function()
          collectgarbage(mode)
          local back, ref = nil, weak "v"
          local function drop(co)
            dropped(co, function(c) back = c end)
          end
          local function counter()
            local n = 0
            while true do
              n = n + 1
              yield(n)
            end
          end
          do
            local co = cfiber.create(counter)
            cfiber.resume(co)
            drop(co)
          end
          for i = 2, 50 do
            collectgarbage()
            local co = assert(back)
            back = nil
            assert.same({true, i}, {cfiber.resume(co)})
            ref[1] = co
            drop(co)
          end
          collectgarbage()
          back = nil  -- luacheck: ignore
          collect()
          assert.is_nil(ref[1])
        end)
      end)
    end
  end

  it("a compactly suspended fiber again and again does what it does in stock Lua", helper.same(function(co, log)
    local back
    local function drop(c)
      setmetatable({c}, {__gc = function(o) back = o[1] end})
    end
    drop(co.create(function(...)
      log(...)
      log(co.yield())
      return "end"
    end))
    for i = 1, 10 do
      collectgarbage()
      local c = back
      back = nil
      log(co.status(c))
      if i % 4 == 0 then
        log(co.resume(c, i))
      end
      drop(c)
    end
    collectgarbage()
    log(co.status(back), stock.status(back))
  end))
end)
