-- A to-be-closed variable could yield out of its thread's close once a suspend
-- inside had given all that ran an anchor: values of others were lost, and the
-- count of suspended fibers was off for good.

local helper = require "helper"
local cfiber = helper.cfiber

local REFUSED = "attempt to yield across a C-call boundary"

-- Runs end_it in a fiber whose to-be-closed variable suspends another one and
-- then yields; that is to be refused.
local function expect(end_it)
  return function()
    helper.leakless(function()
      local result
      local co = cfiber.create(function()
        local _ <close> = setmetatable({}, {__close = function()
          local inner = cfiber.create(function() cfiber.suspend(cfiber.running()) end)
          assert(cfiber.resume(inner))
          result = {pcall(cfiber.yield, 1, 2, 3)}
          cfiber.close(inner)
        end})
        end_it()
      end)
      local r = {cfiber.resume(co)}
      assert.is_true(cfiber.close(co))
      assert.same({false, REFUSED}, result)
      assert.same({true, "values"}, r)
    end)
  end
end

describe("A to-be-closed variable that has suspended a fiber cannot yield", function()
  it("when its thread exits", expect(function() cfiber.exit("values") end))

  it("when its thread is closed", expect(function() cfiber.yield("values") end))

  it("when its thread is closed below a C frame", expect(function() ("values"):gsub(".+", cfiber.yield) end))
end)
