-- 009: fibers that were dropped while much of Lua's memory hung on them piled
-- up without end: it counts as memory in use until their second cycle

local child = require "child"

describe("Suspended fibers that are dropped in a loop", function()
  it("do not pile up when each holds 100 KB of Lua's memory", function()
    local peak = child.output [[
      local text = "x"
      local function body()
        local held = ("x"):rep(100000)
        text:gsub("x", cfiber.yield)
        return held
      end
      for _ = 1, 2500 do
        cfiber.resume(cfiber.create(body))
      end
      print(cfiber.stats().peak)
    ]]
    assert.is_true(tonumber(peak) < 400, peak)
  end)
end)
