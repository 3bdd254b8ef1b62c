-- A close inside a slice looked for budgets from where the stack that it took
-- was last used, by a fiber that another one resumed.

local child = require "child"

describe("A close inside a slice", function()
  it("may take a stack that was used inside a fiber whose stack is gone", function()
    assert.equal("closed\n", child.output [[
      local handler = {__close = function() print "closed" end}
      local waiting = stock.create(function()
        local _ <close> = setmetatable({}, handler)
        stock.yield()
      end)
      stock.resume(waiting)

      local outer = cfiber.create(function()
        local inner = {}
        for i = 1, 5 do
          inner[i] = cfiber.create(string.gsub)
          cfiber.resume(inner[i], "x", "x", cfiber.yield)
        end
        for i = 1, 5 do
          cfiber.close(inner[i])
        end
      end, 1 << 20)
      cfiber.resume(outer)
      outer = nil
      for _ = 1, 3 do
        collectgarbage()
      end

      local made = cfiber.stats "stacks_made"
      local co = cfiber.create(cfiber.close)
      assert(cfiber.slice(co, 1000, waiting))
      assert(cfiber.stats "stacks_made" == made)
    ]])
  end)
end)
