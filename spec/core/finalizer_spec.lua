-- finalizer_spec.lua: fibers and finalizers ('__gc')

local helper = require "helper"
local child = require "child"
local boundary = require "boundary"
local cfiber, stock = helper.cfiber, helper.stock

local REFUSED = "attempt to yield from a finalizer"
local OUTSIDE = "attempt to yield from outside a coroutine"

-- Is the collector at work as ever?
local function collector_works()
  assert(collectgarbage "isrunning", "the collector is stopped")
  local before = collectgarbage "count"
  local big = ("x"):rep(4 << 20)
  assert(#big == 4 << 20)
  big = nil  -- luacheck: ignore
  collectgarbage()
  collectgarbage()
  assert(collectgarbage "count" < before + 1024, "nothing is collected")
end

-- Runs f as the finalizer of an object, called by Lua and not through others.
local function finalize(f)
  local called = false
  setmetatable({}, {__gc = function(o)
    called = true
    return f(o)
  end})
  collectgarbage()
  collectgarbage()
  assert(called, "the finalizer did not run")
end

-- The same without a tail call.
local function finalize_plainly(f)
  local done = false
  setmetatable({}, {__gc = function(o)
    f(o)
    done = true
  end})
  collectgarbage()
  collectgarbage()
  return done
end

-- Calls f in a fiber and expects that it runs through without a yield.
local function in_fiber(f, ...)
  local co = cfiber.create(f)
  local r = table.pack(cfiber.resume(co, ...))
  assert(r[1], r[2])
  assert.equal("dead", cfiber.status(co), "the fiber has yielded")
  return table.unpack(r, 2, r.n)
end

-- Ways to call a function that should make no difference.
local ways = {
  ["directly"] = function(f) return f() end,
  ["below gsub"] = function(f)
    ("x"):gsub("x", function() f() end)
  end,
  ["below sort"] = function(f)
    table.sort({2, 1}, function(a, b)
      f()
      return a < b
    end)
  end,
  ["below pcall"] = function(f) assert(pcall(f)) end,
  ["below gsub, pcall and a Lua function"] = function(f)
    ("x"):gsub("x", function()
      assert(pcall(function() return (f()) end))
    end)
  end,
  ["through a tail-called helper"] = function(f)
    local function helper_(g) return g() end
    return helper_(f)
  end,
}

describe("a yield that would leave a finalizer", function()
  for way, call in pairs(ways) do
    for name, run in pairs {["is refused "] = finalize_plainly, ["is refused after a tail call "] = finalize} do
      it(name .. way, function()
        helper.leakless(function()
          local ok, message
          in_fiber(run, function()
            call(function()
              ok, message = pcall(cfiber.yield, 1)
            end)
          end)
          assert.is_false(ok)
          assert.equal(REFUSED, message)
          collector_works()
        end)
      end)
    end
  end

  it("is refused when yield itself is the finalizer", function()
    helper.leakless(function()
      assert.equal("through", in_fiber(function()
        setmetatable({}, {__gc = cfiber.yield})
        collectgarbage()
        collectgarbage()
        return "through"
      end))
      collector_works()
    end)
  end)

  it("is refused when the finalizer tail-calls yield", function()
    helper.leakless(function()
      assert.equal("through", in_fiber(function()
        setmetatable({}, {__gc = function() return cfiber.yield() end})
        collectgarbage()
        collectgarbage()
        return "through"
      end))
      collector_works()
    end)
  end)

  it("ends the finalizer with a warning that tells why", function()
    local r = child.run [[
      warn "@on"
      local after = 0
      local co = cfiber.create(function()
        setmetatable({}, {__gc = function()
          cfiber.yield()
          after = after + 1
        end})
        collectgarbage()
        return "through"
      end)
      print(cfiber.resume(co))
      print(after, cfiber.status(co), collectgarbage "isrunning")
    ]]
    assert.equal("true\tthrough\n0\tdead\ttrue\n", r.output)
    assert.match("^Lua warning: error in __gc.-" .. REFUSED, r.errors:gsub("\n", " "), nil)
    assert.equal(0, r.status)
  end)

  it("is refused in a finalizer on the main thread as everywhere there", function()
    local ok, message
    finalize_plainly(function()
      ok, message = pcall(cfiber.yield)
    end)
    assert.is_false(ok)
    assert.equal(OUTSIDE, message)
    collector_works()
  end)

  it("is refused in a fiber that has yielded below C before", function()
    helper.leakless(function()
      local co = cfiber.create(function()
        ("x"):gsub("x", function() cfiber.yield() end)
        local refused
        finalize_plainly(function() refused = {pcall(cfiber.yield)} end)
        return table.unpack(refused)
      end)
      assert(cfiber.resume(co))
      assert.same({true, false, REFUSED}, {cfiber.resume(co)})
    end)
  end)

  it("is announced by isyieldable", function()
    local yieldable, before, after
    in_fiber(function()
      before = cfiber.isyieldable()
      finalize_plainly(function()
        yieldable = cfiber.isyieldable()
      end)
      after = cfiber.isyieldable()
    end)
    assert.is_true(before)
    assert.is_false(yieldable)
    assert.is_true(after)
  end)

  it("is refused when the finalizer runs below a resumer of its own fiber's kin", function()
    local ok, message
    in_fiber(function()
      in_fiber(function()
        finalize_plainly(function()
          in_fiber(function() end)
          ok, message = pcall(cfiber.yield)
        end)
      end)
    end)
    assert.is_false(ok)
    assert.equal(REFUSED, message)
  end)

  it("changes nothing for the fiber, which can yield afterwards", function()
    helper.leakless(function()
      local co = cfiber.create(function()
        finalize_plainly(function() pcall(cfiber.yield, "refused") end)
        return (("x"):gsub("x", cfiber.yield))
      end)
      assert.same({true, "x"}, {cfiber.resume(co)})
      assert.same({true, "y"}, {cfiber.resume(co, "y")})
      collector_works()
    end)
  end)
end)

-- Bodies of fibers that yield "inner" once and return what they are passed.
local bodies = {
  ["plainly"] = function() return (cfiber.yield "inner") end,
  ["by a tail call"] = function() return cfiber.yield "inner" end,
  ["below gsub"] = function()
    local r
    ("x"):gsub("x", function() r = cfiber.yield "inner" end)
    return r
  end,
  ["below gsub after a tail call"] = function()
    local function tail()
      local r
      ("x"):gsub("x", function() r = cfiber.yield "inner" end)
      return r
    end
    return tail()
  end,
  ["below pcall and sort"] = function()
    local r
    assert(pcall(table.sort, {2, 1}, function(a, b)
      r = cfiber.yield "inner"
      return a < b
    end))
    return r
  end,
}

local libraries = {
  resume = function(body)
    local co = cfiber.create(body)
    return function(...)
      return select(2, assert(cfiber.resume(co, ...)))
    end
  end,
  wrap = cfiber.wrap,
}

describe("a fiber that a finalizer resumes", function()
  local function dialogue(make, body)
    local co = make(body)
    local first = co()
    return first, co("passed")
  end

  for how, body in pairs(bodies) do
    for lib, make in pairs(libraries) do
      for place, around in pairs {["main"] = function(f) f() end, ["a fiber"] = in_fiber} do
        local kinds = {[""] = finalize_plainly, [" that has tail-called"] = finalize}
        if how == "below gsub after a tail call" then
          kinds[" that has tail-called"] = nil  -- a spec of its own below regress/
        end
        for kind, run in pairs(kinds) do
          it(("by %s may yield %s to a finalizer%s on %s"):format(lib, how, kind, place), function()
            helper.leakless(function()
              local results
              around(function()
                run(function()
                  results = {pcall(dialogue, make, body)}
                end)
              end)
              assert.same({true, "inner", "passed"}, results)
              collector_works()
            end)
          end)
        end
      end
    end
  end

  it("may yield through a chain of fibers", function()
    helper.leakless(function()
      local results
      in_fiber(function()
        finalize_plainly(function()
          local outer = cfiber.wrap(function()
            local inner = cfiber.wrap(bodies["below gsub"])
            local r = inner()
            ;("x"):gsub("x", function() r = r .. cfiber.yield(r) end)
            return r .. inner "2"
          end)
          results = {outer(), outer "1"}
        end)
      end)
      assert.same({"inner", "inner12"}, results)
      collector_works()
    end)
  end)

  it("may be left suspended and go on after the finalizer", function()
    helper.leakless(function()
      local co
      in_fiber(finalize_plainly, function()
        co = cfiber.create(bodies["below gsub"])
        cfiber.resume(co)
      end)
      collector_works()
      assert.equal("suspended", cfiber.status(co))
      assert.same({true, "later"}, {cfiber.resume(co, "later")})
      collector_works()
    end)
  end)

  it("may have been suspended before", function()
    helper.leakless(function()
      local result
      local co = cfiber.create(bodies["below gsub"])
      cfiber.resume(co)
      in_fiber(finalize_plainly, function()
        result = {cfiber.resume(co, "in time")}
      end)
      assert.same({true, "in time"}, result)
      collector_works()
    end)
  end)

  it("may not carry the finalizer away by yielding for its resumer", function()
    local ok, message
    local outer = cfiber.create(function(...)
      finalize_plainly(function()
        local inner = cfiber.wrap(function()
          cfiber.yield()
        end)
        inner()
        ok, message = pcall(cfiber.yield)
      end)
      return ...
    end)
    assert.same({true, "end"}, {cfiber.resume(outer, "end")})
    assert.is_false(ok)
    assert.equal(REFUSED, message)
  end)
end)

describe("a finalizer", function()
  it("may create, run and close fibers", function()
    helper.leakless(function()
      local log = {}
      in_fiber(finalize_plainly, function()
        local co = cfiber.create(function()
          local _ <close> = setmetatable({}, {__close = function() table.insert(log, "closed") end})
          ;("x"):gsub("x", cfiber.yield)
        end)
        table.insert(log, (cfiber.resume(co)))
        table.insert(log, (cfiber.close(co)))
        table.insert(log, cfiber.status(co))
      end)
      assert.same({true, "closed", true, "dead"}, log)
      collector_works()
    end)
  end)

  it("may close a fiber that waits elsewhere", function()
    helper.leakless(function()
      local co = cfiber.create(bodies["below gsub"])
      cfiber.resume(co)
      finalize_plainly(function() cfiber.close(co) end)
      assert.equal("dead", cfiber.status(co))
      collector_works()
    end)
  end)

  it("that fails inside a fiber that it resumes harms nobody", function()
    helper.leakless(function()
      local done = in_fiber(finalize_plainly, function()
        local co = cfiber.create(function()
          error "inside"
        end)
        cfiber.resume(co)
        error(select(2, cfiber.resume(co)), 0)
      end)
      assert.is_false(done)
      collector_works()
    end)
  end)

  it("runs many fibers while the collector goes on afterwards", function()
    helper.leakless(function()
      local sum = 0
      for _ = 1, 20 do
        setmetatable({}, {__gc = function()
          for i = 1, 20 do
            local co = cfiber.wrap(bodies["below gsub"])
            co()
            sum = sum + co(i)
          end
        end})
      end
      collectgarbage()
      assert.equal(20 * 210, sum)
      collector_works()
    end)
  end)

  it("may use a stock coroutine as ever", function()
    local result
    in_fiber(finalize_plainly, function()
      local co = stock.create(function() return cfiber.yield(1) end)
      result = {stock.resume(co)}
    end)
    assert.same({true, 1}, result)
    collector_works()
  end)
end)

describe("a yield on a state that is not the running one", function()
  local function refused(status, message)
    assert.equal(2, status)  -- LUA_ERRRUN
    assert.equal(OUTSIDE, message)
  end

  it("is refused on the main thread, inside and outside a fiber", function()
    helper.leakless(function()
      refused(boundary.on(nil, cfiber.yield))
      refused(in_fiber(boundary.on, nil, cfiber.yield))
    end)
  end)

  it("is refused on the main thread below gsub and pcall", function()
    helper.leakless(function()
      local _, result = in_fiber(boundary.on, nil, function()
        local r
        ("x"):gsub("x", function() r = {pcall(cfiber.yield)} end)
        return r
      end)
      assert.same({false, OUTSIDE}, result)
    end)
  end)

  it("is refused on a natively suspended fiber, which goes on afterwards", function()
    helper.leakless(function()
      local co = cfiber.create(bodies["below gsub"])
      cfiber.resume(co)
      refused(boundary.on(co, cfiber.yield, 1))
      refused(in_fiber(boundary.on, co, cfiber.yield, 1))
      assert.equal("suspended", cfiber.status(co))
      assert.same({true, "still"}, {cfiber.resume(co, "still")})
    end)
  end)

  it("is refused on a resumer of the running fiber, which goes on afterwards", function()
    helper.leakless(function()
      local status, message
      local outer = cfiber.create(function()
        local me = cfiber.running()
        in_fiber(function()
          status, message = boundary.on(me, cfiber.yield)
        end)
        return bodies["below gsub"]()
      end)
      assert.same({true, "inner"}, {cfiber.resume(outer)})
      refused(status, message)
      assert.same({true, "end"}, {cfiber.resume(outer, "end")})
    end)
  end)

  it("is refused on a stock coroutine that resumes the running fiber", function()
    helper.leakless(function()
      local status, message
      local outer = stock.create(function()
        local me = stock.running()
        in_fiber(function()
          status, message = boundary.on(me, cfiber.yield)
        end)
        return stock.yield "as ever"
      end)
      assert.same({true, "as ever"}, {stock.resume(outer)})
      refused(status, message)
    end)
  end)

  it("is refused on a thread that never ran", function()
    helper.leakless(function()
      local co = stock.create(print)
      local status, message = in_fiber(boundary.on, co, cfiber.yield)
      assert.equal(2, status)
      assert.match("^attempt to yield", message)
      assert.equal("suspended", cfiber.status(co))
    end)
  end)

  it("leaves the running fiber able to yield", function()
    helper.leakless(function()
      local co = cfiber.create(function()
        boundary.on(nil, cfiber.yield)
        return cfiber.yield "after"
      end)
      assert.same({true, "after"}, {cfiber.resume(co)})
      assert.same({true, 3}, {cfiber.resume(co, 3)})
    end)
  end)

  it("is allowed on the running state itself", function()
    helper.leakless(function()
      local co = cfiber.create(function()
        return boundary.on(cfiber.running(), cfiber.yield, "out")
      end)
      assert.same({true, "out"}, {cfiber.resume(co)})
      assert.same({true, 0, "in"}, {cfiber.resume(co, "in")})
    end)
  end)

  it("does not keep fibers from being resumed from that state", function()
    helper.leakless(function()
      local status, message = in_fiber(boundary.on, nil, function()
        local f = cfiber.wrap(bodies["below gsub"])
        return f() .. f "!"
      end)
      assert.equal(0, status)
      assert.equal("inner!", message)
    end)
  end)
end)
