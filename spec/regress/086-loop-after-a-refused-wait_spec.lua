-- 086: a task that went on for ever after a wait that was refused in a finalizer
-- was never stopped by a slice: it looked busy with the scheduler's own affairs.

local helper = require "helper"
local new = require("cfiber.task").new

describe("A task after a refused wait", function()
  it("is stopped by the limit of an update", function()
    helper.leakless(function()
      local S = new()
      local refused
      local channel = S.channel()
      local thread = S.defer(function()
        helper.finalize(function() refused = select(2, pcall(channel.get, channel)) end)
        while true do end
      end)
      assert.equal(1, (S.update(1, {instructions = 20000})))
      assert.equal("attempt to yield from a finalizer", refused)
      assert.is_nil(channel:put("nobody gets it", 0))
      S.cancel(thread)
    end)
  end)
end)
