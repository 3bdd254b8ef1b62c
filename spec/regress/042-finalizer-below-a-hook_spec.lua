-- Where a stock coroutine resumed another below a fiber, a finalizer of the
-- first could be left if a hook ran on a thread outside, which was taken for
-- the one with the finalizer; the collector then stayed stopped.

local helper = require "helper"
local cfiber, stock = helper.cfiber, helper.stock
local finalize = helper.finalize

local REFUSED = "attempt to yield from a finalizer"

local function inside_stock(f)
  assert(stock.resume(stock.create(f)))
end

-- Calls f on the main thread inside a debug hook.
local function in_hook(f)
  local called = false
  debug.sethook(function()
    debug.sethook()
    called = true
    f()
  end, "", 1)
  for _ = 1, 10 do end  -- luacheck: ignore
  assert(called, "the hook did not run")
end

-- Each leaves the fiber 'me'.
local leave = {
  suspend = function(me) cfiber.suspend(me) end,
  transfer = function() cfiber.transfer(cfiber.create(function() end)) end,
  exit = function() cfiber.exit() end,
}

describe("In a fiber that a hook resumed", function()
  for name, f in pairs(leave) do
    it(name .. " cannot leave the finalizer of a stock coroutine that resumes another", function()
      helper.leakless(function()
        local result
        local co = cfiber.create(function()
          local me = cfiber.running()
          inside_stock(function()
            finalize(function()
              inside_stock(function() result = {pcall(f, me)} end)
            end)
          end)
        end)
        in_hook(function() cfiber.resume(co) end)
        assert.is_true(collectgarbage "isrunning")
        assert.same({false, REFUSED}, result)
      end)
    end)
  end
end)
