-- inspect_spec.lua: what info and list tell of fibers

local helper = require "helper"
local cfiber = helper.cfiber

local create, resume, yield, info, list = cfiber.create, cfiber.resume, cfiber.yield, cfiber.info, cfiber.list
local main = coroutine.running()

-- A fiber suspended on its stack.
local function mounted(f)
  local co = create(function()
    string.gsub("a", "a", f or yield)
  end)
  assert(resume(co))
  return co
end

-- The threads of a list, as keys.
local function keys(threads)
  local set = {}
  for _, co in ipairs(threads) do
    assert.is_nil(set[co], "a thread is listed twice")
    set[co] = true
  end
  return set
end

describe("info", function()
  it("of a thread that has no stack tells its status", function()
    local compact = create(function() coroutine.yield() end)
    resume(compact)
    local failed = create(error)
    resume(failed)
    assert.same({status = "suspended", mounted = false}, info(create(print)))
    assert.same({status = "suspended", mounted = false}, info(compact))
    assert.same({status = "dead", mounted = false}, info(failed))
    assert.is_false(info(main).mounted)
    assert.is_nil(info(main).resumer)
  end)

  it("of a natively suspended one tells of its stack", function()
    helper.leakless(function()
      local co = mounted()
      local t = info(co)
      assert.equal("suspended", t.status)
      assert.is_true(t.mounted)
      assert.equal(cfiber.config().stack_size, t.stack_size)
      assert.is_true(t.stack_used > 500 and t.stack_used < t.stack_size)
      assert.is_nil(t.resumer)
      cfiber.close(co)
      assert.same({status = "dead", mounted = false}, info(co))
    end)
  end)

  it("from inside tells who resumed it", function()
    local outer, inner, normal, running
    outer = create(function()
      inner = create(function()
        normal, running = info(outer), info(inner)
      end)
      assert(resume(inner))
    end)
    assert(resume(outer))
    assert.same({"normal", true, main}, {normal.status, normal.mounted, normal.resumer})
    assert.same({"running", true, outer}, {running.status, running.mounted, running.resumer})
  end)

  it("of a stock coroutine on a fiber's stack says that it has none", function()
    local inside
    assert(resume(create(function()
      coroutine.wrap(function()
        inside = info(coroutine.running())
      end)()
    end)))
    assert.same({status = "running", mounted = false}, inside)
  end)

  it("names the stock coroutine that resumed a fiber", function()
    local stock, seen
    assert(resume(create(function()
      stock = coroutine.create(function()
        assert(resume(create(function()
          seen = info(coroutine.running()).resumer
        end)))
      end)
      assert(coroutine.resume(stock))
    end)))
    assert.equal(stock, seen)
  end)

  it("tells how much of the stack was used, at most", function()
    local deep = 0
    local function nest(n)
      if n == 0 then
        yield()
      else
        string.gsub("a", "a", function() nest(n - 1) end)
      end
    end
    helper.withconfig({pool_limit = 0}, function()  -- stacks are new
      cfiber.config {stack_size = 1 << 20}
      local flat = info(mounted()).stack_used
      local co = mounted(function()
        nest(40)
        yield()
      end)
      deep = info(co).stack_used
      assert.is_true(deep > flat + 40 * 500)
      assert(resume(co))
      assert.equal(deep, info(co).stack_used)
    end)
  end)

  it("while closing tells of the stack that the handlers run on", function()
    local inside
    local co
    co = create(function()
      local _ <close> = setmetatable({}, {__close = function() inside = info(co) end})
      yield()
    end)
    resume(co)
    assert.is_true(cfiber.close(co))
    assert.is_true(inside.mounted)
    assert.equal(main, inside.resumer)
  end)

  it("refuses everything but threads", function()
    for _, case in ipairs {{"no value"}, {"nil", nil}, {"function", print}, {"table", {}}} do
      local ok, err = pcall(info, table.unpack(case, 2, #case == 1 and case[1] == "nil" and 2 or #case))
      assert.is_false(ok)
      assert.equal(("bad argument #1 to 'cfiber.info' (thread expected, got %s)"):format(case[1]), err)
    end
  end)
end)

describe("list", function()
  it("is empty where no thread is mounted", function()
    collectgarbage()
    collectgarbage()
    assert.same({}, list())
  end)

  it("holds the natively suspended threads, in any order", function()
    helper.leakless(function()
      local set = {}
      for _ = 1, 200 do
        set[mounted()] = true
      end
      assert.same(set, keys(list()))
      for co in pairs(set) do
        cfiber.close(co)
      end
      assert.same({}, list())
    end)
  end)

  it("holds those that run or resume another first, the innermost first", function()
    local suspended, seen = mounted(), nil
    local function nest(n)
      if n == 0 then
        coroutine.wrap(function() seen = list() end)()
        return {(coroutine.running())}
      end
      local chain = select(2, assert(resume(create(nest), n - 1)))
      chain[#chain + 1] = coroutine.running()
      return chain
    end
    local chain = nest(5)
    chain[#chain] = suspended  -- in the place of main
    assert.same(chain, seen)
    cfiber.close(suspended)
  end)

  it("holds a suspended one once more while it runs, once", function()
    local co = mounted(function()
      yield()
      yield(keys(list()))
    end)
    local _, set = resume(co)
    assert.is_true(set[co])
    cfiber.close(co)
  end)

  it("agrees with stats", function()
    for n = 0, 3 do
      local kept = {}
      for i = 1, n do
        kept[i] = mounted()
      end
      for _ = 1, 3 do
        collectgarbage()
      end
      assert.equal(cfiber.stats().mounted, #list())
      assert.equal(n, #kept)
    end
  end)

  it("keeps nothing alive", function()
    helper.leakless(function()
      for _ = 1, 20 do
        mounted()
      end
      list()
    end)
    assert.same({}, list())
  end)

  it("ignores arguments", function()
    assert.same({}, list(nil, 1, {}))
  end)
end)
