-- A function that asked whether a finalizer runs started the counts of hooks anew on
-- the threads that it looked at. Where each finalizer asked, the user's count hook
-- was never called, and a slice never ended.

local helper = require "helper"
local cfiber, stock = helper.cfiber, helper.stock

-- Calls f in so many finalizers, protected.
local function finalizing(rounds, f)
  local pcall = pcall
  local meta = {__gc = function() pcall(f) end}
  return function()
    for _ = 1, rounds do
      setmetatable({}, meta)
      collectgarbage()
    end
    return "end"
  end
end

-- The same for functions that ask and one that does not.
local function alike(name, measure)
  for _, asks in ipairs {"isyieldable", "yield", "exit"} do
    it(name .. ", where " .. asks .. " is called", function()
      assert.equal(measure(error), measure(cfiber[asks]))
    end)
  end
end

describe("In finalizers that ask for fibers", function()
  if helper.mode == "collector" then
    return  -- it runs finalizers where it likes
  end

  for _, lib in ipairs {stock, cfiber} do
    alike("the user's count hook is called as often, in " .. (lib == stock and "stock coroutines" or "fibers"), function(f)
      local calls, co = 0, lib.create(finalizing(200, f))
      debug.sethook(co, function() calls = calls + 1 end, "", 50)
      assert.same({true, "end"}, {lib.resume(co)})
      assert.is_true(calls > 5)
      return calls
    end)
  end

  for _, budget in ipairs {100, 490, 1000} do
    alike("slices of " .. budget .. " end as soon", function(f)
      local co = cfiber.create(finalizing(200, f))
      local slices = 0
      repeat
        local _, how = assert(cfiber.slice(co, budget))
        slices = slices + 1
      until how == "return"
      assert.is_true(slices > 2)
      return slices
    end)
  end

  alike("what stock coroutines in a slice execute counts", function(f)
    local before = cfiber.stats "sliced"
    assert.same({true, "return"}, {cfiber.slice(cfiber.create(function()
      assert(stock.resume(stock.create(finalizing(200, f))))
    end), 1000000)})
    return cfiber.stats "sliced" - before
  end)
end)
