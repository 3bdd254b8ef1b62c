-- 089: join, timeout and any returned a nil too many for a task without results.

local helper = require "helper"
local new = require("cfiber.task").new

it("A task without results has none", function()
  helper.leakless(function()
    local S, counts = new(), {}
    local function nothing() end
    for _, limits in ipairs {false, {instructions = 100000}} do
      S.update(0, limits or nil)
      counts[#counts + 1] = select("#", S.join(S.spawn(nothing)))
      S.spawn(function()
        counts[#counts + 1] = select("#", S.timeout(1, nothing))
        counts[#counts + 1] = select("#", S.any(nothing))
      end)
      S.update(0, limits or nil)
      counts[#counts + 1] = select("#", S.join(S.spawn(function() return nil end)))
    end
    assert.same({1, 1, 1, 2, 1, 1, 1, 2}, counts)
  end)
end)
