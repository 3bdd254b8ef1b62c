-- 092: a second scheduler accepted a waiting task of another one: it took it out of
-- the middle of its wait, and had a task that ran for ever.

local helper = require "helper"
local new = require("cfiber.task").new

describe("A task of another scheduler", function()
  it("is refused until it has ended", function()
    helper.leakless(function()
      local A, B = new(), new()
      local thread = A.spawn(A.wait, 1)
      for _, name in ipairs {"spawn", "defer"} do
        local ok, err = pcall(B[name], thread)
        assert.is_false(ok)
        assert.matches(("#1 to '%s' %%(a task of another scheduler%%)"):format(name), err)
      end
      assert.equal("0 tasks at 0.000 s", B.dump())
      A.update(1)
      assert.same({true, 1.0}, {A.join(thread)})
      assert.is_false((pcall(B.spawn, thread)))
    end)
  end)
end)
