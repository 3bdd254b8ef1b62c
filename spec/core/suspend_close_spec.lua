-- suspend_close_spec.lua: the end of fibers suspended with others inside

local helper = require "helper"
local cfiber, stock = helper.cfiber, helper.stock

local handler_it = require "since"("5.4.3", "calls a handler again that did not return")

-- A test that leaves no stack behind.
local function clean(f)
  return function()
    helper.leakless(f)
  end
end

local function closable(log, name, err)
  return setmetatable({}, {__close = function()
    table.insert(log, name)
    if err then
      error(err, 0)
    end
  end})
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

-- A fiber that is suspended with n others inside by f(itself, "out").
local function suspended(n, f)
  local co = cfiber.create(function()
    return deep(n, f or cfiber.suspend, cfiber.running(), "out")
  end)
  assert.same({true, "out"}, {cfiber.resume(co)})
  return co
end

describe("close of a fiber with others inside", function()
  it("closes all variables, innermost first", clean(function()
    local log, threads = {}, {}
    local function level(n, lib, f)
      local co = lib.create(function()
        local _ <close> = closable(log, n)
        return f()
      end)
      threads[n] = co
      assert(lib.resume(co))
    end
    local me
    me = cfiber.create(function()
      local _ <close> = closable(log, 1)
      level(2, cfiber, function()
        level(3, stock, function()
          level(4, cfiber, function()
            ("x"):gsub("x", function()
              level(5, stock, function() cfiber.suspend(me) end)
            end)
          end)
        end)
      end)
    end)
    cfiber.resume(me)
    assert.is_true(cfiber.close(me))
    assert.same({5, 4, 3, 2, 1}, log)
    for n = 2, 5 do
      assert.equal("dead", cfiber.status(threads[n]))
      assert.equal("dead", stock.status(threads[n]))
    end
  end))

  it("returns the last error", clean(function()
    local log = {}
    local function chain(errors)
      local function level(n)
        local _ <close> = closable(log, n, errors[n])
        if n == 4 then
          cfiber.suspend(errors.me)
        else
          assert(cfiber.resume(cfiber.create(level), n + 1))
        end
      end
      errors.me = cfiber.create(level)
      cfiber.resume(errors.me, 1)
      return errors.me
    end
    assert.same({false, "inner"}, {cfiber.close(chain {[4] = "inner"})})
    assert.same({false, "mid"}, {cfiber.close(chain {[4] = "inner", [3] = "mid"})})
    assert.same({false, "outer"}, {cfiber.close(chain {[4] = "inner", [1] = "outer"})})
    assert.same({4, 3, 2, 1, 4, 3, 2, 1, 4, 3, 2, 1}, log)
  end))

  handler_it("runs handlers that use fibers, collect, exit and try to close it again", clean(function()
    local log = {}
    local me
    me = cfiber.create(function()
      local _ <close> = closable(log, "outer")
      deep(2, function()
        local _ <close> = setmetatable({}, {__close = function()
          collectgarbage()
          log[1] = select(2, pcall(cfiber.close, me))
          log[2] = select(2, cfiber.resume(me))
          log[3] = deep(3, function() return "deep" end)
          cfiber.exit()
        end})
        cfiber.suspend(me)
      end)
    end)
    cfiber.resume(me)
    assert.is_true(cfiber.close(me))
    assert.same({"cannot close a normal coroutine", "cannot resume non-suspended coroutine", "deep", "outer"}, log)
  end))

  -- The close has been suspended, so its fiber could be so again.
  it("yields nothing, but may be suspended with what is around it", clean(function()
    local outer
    outer = cfiber.create(function()
      local co = cfiber.create(function()
        local handler <close> = setmetatable({}, {__close = function()  -- luacheck: ignore
          cfiber.suspend(outer, "first")
          local direct = {pcall(cfiber.yield, "lost")}
          local below
          ("x"):gsub("x", function() below = {pcall(cfiber.yield, "lost")} end)
          cfiber.suspend(outer, direct[1], direct[2], below[1], below[2])
        end})
        cfiber.yield()
      end)
      cfiber.resume(co)
      return cfiber.close(co)
    end)
    assert.same({true, "first"}, {cfiber.resume(outer)})
    local refused = "attempt to yield across a C-call boundary"
    assert.same({true, false, refused, false, refused}, {cfiber.resume(outer)})
    assert.same({true, true}, {cfiber.resume(outer)})
  end))

  it("is refused from inside", clean(function()
    local co = suspended(10, function(me)
      cfiber.suspend(me, "out")
      return select(2, pcall(cfiber.close, me))
    end)
    assert.same({true, "cannot close a normal coroutine"}, {cfiber.resume(co)})
  end))
end)

describe("the collector", function()
  it("keeps a chain as long as somebody holds a part of it", clean(function()
    local inner
    local weak = setmetatable({}, {__mode = "v"})
    weak[1] = suspended(0, function(me)
      inner = cfiber.create(function() return deep(3, cfiber.suspend, me, "out") end)
      return select(2, cfiber.resume(inner))
    end)
    for _ = 1, 3 do collectgarbage() end
    assert.equal("normal", cfiber.status(inner))
    assert.same({true, "in"}, {cfiber.resume(weak[1], "in")})
  end))

  it("keeps the values that only a chain holds", clean(function()
    local co = suspended(10, function(me)
      local kept = setmetatable({1}, {})
      cfiber.suspend(me, "out")
      return kept
    end)
    for _ = 1, 3 do collectgarbage() end
    assert.same({true, {1}}, {cfiber.resume(co)})
  end))

  it("takes a chain that holds itself", clean(function()
    for _ = 1, 50 do
      local co
      co = suspended(10, function(me)
        return co, cfiber.suspend(me, "out")
      end)
    end
  end))

  it("may find a chain that a finalizer then resumes", clean(function()
    local result
    do
      local co = suspended(10)
      setmetatable({}, {__gc = function() result = result or {cfiber.resume(co, "in time")} end})
    end
    for _ = 1, 4 do collectgarbage() end
    assert.same({true, "in time"}, result)
  end))
end)
