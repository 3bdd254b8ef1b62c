-- Functions of cfiber.h that a finalizer called on another thread than its own,
-- one that C code kept, left the finalizer by a yield or an error there: Lua
-- then keeps the collector stopped for good.

local helper = require "helper"
local boundary = require "boundary"
local capi = require "capi"
local cfiber, stock = helper.cfiber, helper.stock

local hidden_it = require "since"("5.4.4", "hides a finalizer of a stock coroutine from C code on another thread")

local FINALIZER = "attempt to yield from a finalizer"

local function finalize_by_tail_call(f)
  local called = false
  setmetatable({}, {__gc = function()
    called = true
    return f()
  end})
  collectgarbage()
  collectgarbage()
  assert(called, "the finalizer did not run")
end

local function in_fiber(f, ...)
  return assert(cfiber.resume(cfiber.create(f), ...))
end

local function in_stock(f, ...)
  return assert(stock.resume(stock.create(f), ...))
end

-- Calls f(outer) in a finalizer, where 'outer' is a thread further out.
local places = {
  ["the main thread, from a fiber"] = function(f)
    in_fiber(helper.finalize, f)
  end,
  ["the main thread, from a stock coroutine"] = function(f)
    in_stock(helper.finalize, f)
  end,
  ["a fiber, from another"] = function(f)
    in_fiber(function()
      local me = cfiber.running()
      in_fiber(helper.finalize, function() f(me) end)
    end)
  end,
  ["a fiber, from a stock coroutine that it resumes"] = function(f)
    in_fiber(function()
      local me = cfiber.running()
      in_stock(helper.finalize, function() f(me) end)
    end)
  end,
  ["a fiber, from the second of two stock coroutines"] = function(f)
    in_fiber(function()
      local me = cfiber.running()
      in_stock(in_stock, helper.finalize, function() f(me) end)
    end)
  end,
  ["a stock coroutine, from one that it resumes"] = function(f)
    in_stock(function()
      local me = stock.running()
      in_stock(helper.finalize, function() f(me) end)
    end)
  end,
  ["a fiber, from a thread that the finalizer resumes"] = function(f)
    in_fiber(function()
      local me = cfiber.running()
      helper.finalize(function()
        in_stock(f, me)
        in_fiber(f, me)
      end)
    end)
  end,
}

local main = stock.running()

describe("In a finalizer, without a stop of the collector, cfiber.h refuses", function()
  for place, call in pairs(places) do
    local test = place:match "^a fiber, from .* stock" and hidden_it or it
    test(place, function()
      helper.leakless(function()
        local yielded, resumed, closed
        call(function(outer)
          yielded = {pcall(capi.yieldon, outer)}
          resumed = {pcall(capi.resumeon, outer or main)}
          closed = {pcall(capi.closeon, outer or main)}
        end)
        assert.is_true(collectgarbage "isrunning")
        assert.is_false(yielded[1])
        assert.match("^attempt to yield", yielded[2])
        assert.is_false(resumed[1])
        assert.match("^cfiber_resume: the ", resumed[2])
        assert.is_false(closed[1])
        assert.equal("cfiber_close: the state does not run", closed[2])
      end)
    end)
  end

  it("a suspended thread, from a stock coroutine below a fiber", function()
    helper.leakless(function()
      local co = cfiber.create(string.gsub)
      cfiber.resume(co, "x", "x", cfiber.yield)
      local result
      in_fiber(in_stock, helper.finalize, function() result = {pcall(capi.yieldon, co)} end)
      assert.is_true(collectgarbage "isrunning")
      assert.same({false, "attempt to yield from outside a coroutine"}, result)
    end)
  end)
end)

describe("In a finalizer of a stock coroutine below a fiber", function()
  hidden_it("code on the fiber's thread cannot yield", function()
    helper.leakless(function()
      local result, yieldable
      in_fiber(function()
        local me = cfiber.running()
        in_stock(helper.finalize, function()
          result = {boundary.on(me, cfiber.yield)}
          yieldable = {boundary.on(me, capi.isyieldable)}
        end)
      end)
      assert.is_true(collectgarbage "isrunning")
      assert.same({2, FINALIZER}, result)
      assert.same({0, false}, yieldable)
    end)
  end)

  hidden_it("a slice that ends in code on the fiber's thread goes on to the end of the finalizer", function()
    helper.leakless(function()
      local log = {}
      local co = cfiber.create(function()
        local me = cfiber.running()
        in_stock(helper.finalize, function()
          boundary.on(me, function()
            for _ = 1, 1000 do end  -- luacheck: ignore
          end)
          log[1] = "finalized"
        end)
      end)
      repeat
        local ok, how = cfiber.slice(co, 10)
        assert(ok, how)
        assert.is_true(collectgarbage "isrunning")
      until how == "return"
      assert.same({"finalized"}, log)
    end)
  end)
end)

describe("What a finalizer resumes may yield to it from C", function()
  for how, run in pairs {["plainly"] = helper.finalize, ["after a tail call"] = finalize_by_tail_call} do
    for from, around in pairs {fiber = in_fiber, ["stock coroutine"] = in_stock, ["main thread"] = pcall} do
      it(("%s, on a %s"):format(how, from), function()
        helper.leakless(function()
          local direct, through
          around(run, function()
            direct = {cfiber.resume(cfiber.create(capi.yield), "direct")}
            in_stock(function()
              through = {cfiber.resume(cfiber.create(capi.yield), "through")}
            end)
          end)
          assert.same({true, "direct"}, direct)
          assert.same({true, "through"}, through)
        end)
      end)
    end
  end

  it("where it runs inside the hook of a slice", function()
    helper.leakless(helper.withcollector, function()
      require("collector")("incremental", 1, 1000, 1)
      local results = {}
      local function finalizer()
        local _, result = cfiber.resume(cfiber.create(string.gsub), "x", "x", cfiber.yield)
        results[result] = (results[result] or 0) + 1
      end
      for budget = 1, 60 do
        local co = cfiber.create(function()
          for _ = 1, 5 do
            setmetatable({}, {__gc = finalizer})
          end
        end)
        repeat
          local _, how = cfiber.slice(co, budget)
        until how == "return"
      end
      collectgarbage()
      assert.same({x = 300}, results)
    end)
  end)
end)
