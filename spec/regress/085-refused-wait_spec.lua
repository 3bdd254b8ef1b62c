-- 085: a wait of updates that was refused in a finalizer woke a later wait of the
-- same task when its update came.

local helper = require "helper"
local new = require("cfiber.task").new

it("A wait that was refused does not wake a later one", function()
  helper.leakless(function()
    local S, refused, woken = new(), nil, nil
    S.spawn(function()
      helper.finalize(function() refused = select(2, pcall(S.frames, 2)) end)
      woken = {S.frames(5)}
    end)
    assert.matches("attempt to yield from a finalizer", refused)
    for _ = 1, 4 do
      S.update(1)
      assert.is_nil(woken)
    end
    S.update(1)
    assert.same({5.0}, woken)
  end)
end)
