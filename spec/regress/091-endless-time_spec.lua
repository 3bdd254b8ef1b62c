-- 091: after an update of math.huge seconds waits took no time and told that they
-- took NaN seconds.

local new = require("cfiber.task").new

it("Time does not come to its end", function()
  local S = new()
  local passed
  S.spawn(function() passed = S.wait(1) end)
  for _, dt in ipairs {math.huge, 0 / 0} do
    assert.is_false((pcall(S.update, dt)))
  end
  S.update(1e308)
  local ok, err = pcall(S.update, 1e308)
  assert.is_false(ok)
  assert.matches("#1 to 'update' %(seconds must be finite%)", err)
  assert.equal(1e308, passed)
end)
