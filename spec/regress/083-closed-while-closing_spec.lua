-- 101: a task that was cancelled while it closed another left that one closing
-- for ever: who joined it was not woken.

local helper = require "helper"
local handler_it = require "since"("5.4.3", "calls a handler again that did not return")
local new = require("cfiber.task").new

handler_it("A task ends when the one that closes it is closed meanwhile", function()
  helper.leakless(function()
    local S, joined = new(), nil
    local task = S.spawn(function()
      local _ <close> = setmetatable({}, {__close = function() S.wait(100) end})
      S.wait(100)
    end)
    local killer = S.spawn(S.cancel, task)
    S.spawn(function() joined = {S.join(task)} end)
    S.cancel(killer)
    S.update(0)
    assert.same({false, "cancelled"}, joined)
    assert.equal(0, S.signal().core.count)
  end)
end)
