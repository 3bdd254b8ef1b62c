-- 065: stats counted fibers that were jumped out of, until another function was
-- called

local child = require "child"

describe("Fibers that were jumped out of", function()
  it("are not counted by a call of stats that comes next", function()
    local r = child.run [[
      local raise = require "control".raise
      pcall(cfiber.wrap(function()
        cfiber.wrap(function() raise(nil, "x") end)()
      end))
      print(cfiber.stats().mounted)
    ]]
    if child.refusesjump(r.errors) then
      pending "Lua is built to abort at such a jump"
      return
    end
    assert.same({"", "0\n"}, {r.errors, r.output})
  end)
end)
