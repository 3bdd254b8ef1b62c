-- An argument that is no thread is refused in the words of the Lua at hand:
-- "thread expected" or "coroutine expected", as its 'coroutine' says.

local helper = require "helper"

describe("An argument that is no thread", function()
  for _, name in ipairs {"resume", "status", "close"} do
    it("is refused by " .. name .. " in the words of stock Lua", function()
      local function words(co)
        local _, message = pcall(co[name], 1)
        return message:match "%((.*)%)"
      end
      assert.equal(words(helper.stock), words(helper.cfiber))
    end)
  end
end)
