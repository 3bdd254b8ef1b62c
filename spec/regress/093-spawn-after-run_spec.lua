-- 093: what the host spawned after a run had no limit: one that never ends kept the
-- host for ever.

local new = require("cfiber.task").new

it("What the host spawns after a run is stopped", function()
  local S = new()
  S.run()
  local count = 0
  local thread = S.spawn(function()
    while count < 1000000 do
      count = count + 1
    end
  end)
  assert.is_true(count < 1000000)
  S.cancel(thread)
end)
