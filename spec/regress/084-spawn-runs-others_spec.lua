-- 084: a task that the host spawned and that was cancelled by its own child made
-- the spawn run a task that was ready before, too.

local helper = require "helper"
local new = require("cfiber.task").new

it("A task that the host spawns runs alone, also when its child cancels it", function()
  helper.leakless(function()
    local S, log = new(), {}
    local ch = S.channel()
    S.spawn(function()
      ch:get()
      log[#log + 1] = "ready"
    end)
    ch:put(1)
    S.spawn(function()
      local parent = coroutine.running()
      S.spawn(function() S.cancel(parent) end)
    end)
    log[#log + 1] = "host"
    S.update(0)
    assert.same({"host", "ready"}, log)
  end)
end)
