-- 096: a thread that was closed in the middle of an update left a scheduler that
-- refused every later one.

local helper = require "helper"
local cfiber = helper.cfiber
local new = require("cfiber.task").new

describe("A scheduler", function()
  it("goes on after the thread that updated it was closed", function()
    helper.leakless(function()
      local S, seen = new(), {}
      local host
      host = cfiber.create(function() S.update(1) end)
      local inside = S.spawn(function()
        S.wait()
        cfiber.suspend(host)
      end)
      S.spawn(function()
        S.wait()
        seen[#seen + 1] = "the other"
      end)
      assert(cfiber.resume(host))
      assert(cfiber.close(host))
      S.update(1)
      assert.same({"the other"}, seen)
      assert.equal("dead", cfiber.status(inside))
      S.cancel(inside)
    end)
  end)
end)
