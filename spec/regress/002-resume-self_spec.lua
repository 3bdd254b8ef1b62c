-- A thread that resumes itself gets false and the message, in this order.

local helper = require "helper"

describe("A thread that resumes itself", function()
  it("is refused with the results of stock Lua, in the main thread", function()
    for _, co in ipairs {helper.stock, helper.cfiber} do
      assert.same({false, "cannot resume non-suspended coroutine"}, {co.resume((co.running()))})
    end
  end)

  it("is refused with the results of stock Lua, in a fiber, with arguments", function()
    for _, co in ipairs {helper.stock, helper.cfiber} do
      local results = {co.resume(co.create(function()
        return co.resume((co.running()), 1, 2, 3)
      end))}
      assert.same({true, false, "cannot resume non-suspended coroutine"}, results)
    end
  end)
end)
