-- The peak counts stacks of several sizes that were all cached before.

local helper = require "helper"
local cfiber = helper.cfiber

-- Suspends natively in every mode.
local function body()
  return (("x"):gsub("x", function() cfiber.yield() end))
end

describe("The peak of mounted fibers", function()
  it("is not below their number where each reuses a stack of its own size", function()
    local fibers = {}
    local before = cfiber.stats()
    for _ = 1, before.peak - before.mounted + 2 do
      cfiber.resume(cfiber.create(function() end, 200000))
      fibers[#fibers + 1] = cfiber.create(body)
      cfiber.resume(fibers[#fibers])
    end
    fibers[#fibers + 1] = cfiber.create(body, 200000)
    cfiber.resume(fibers[#fibers])
    local s = cfiber.stats()
    for _, co in ipairs(fibers) do
      cfiber.close(co)
    end
    assert.is_true(s.peak >= s.mounted, ("%d, mounted %d"):format(s.peak, s.mounted))
  end)
end)
