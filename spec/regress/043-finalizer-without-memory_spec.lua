-- Where no memory is left to call the finalizer of an anchor, its thread goes
-- without a word. A stock coroutine that is made at the same address is taken
-- for it: a resume goes on with the old C stack, whose Lua state is gone.

local child = require "child"

describe("A stock coroutine at the address of a fiber whose finalizer had no memory", function()
  it("is resumed as what it is", function()
    assert.equal("held\n", child.output [[
      local starve = require "starve"
      for round = 0, 100 do
        for _ = 1, 5 do
          cfiber.resume(cfiber.create(function() string.gsub("x", "x", cfiber.yield) end))
        end
        stock.resume(stock.create(function()
          starve(round % 12, 100000)
          collectgarbage()
          collectgarbage()
          starve(0, 0)
        end))
        starve(0, 0)
        for _ = 1, 50 do
          local ok, result = cfiber.resume(stock.create(function() return "fresh" end))
          assert(ok and result == "fresh", result)
        end
      end
      print "held"
    ]])
  end)
end)
