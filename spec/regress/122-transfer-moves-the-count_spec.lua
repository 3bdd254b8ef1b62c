-- A transfer that asked whether it would leave a finalizer started the count of the
-- slices around anew: what the fiber had executed before it cost nothing. Before
-- 5.4.4 it asked, too, where the collector was stopped, and a fiber that gave its
-- place away in time was never preempted.

local helper = require "helper"
local cfiber = helper.cfiber

-- Two fibers that transfer to each other, 50 loops of 20 each.
local function exchange()
  local a, b
  local function body(to)
    return function()
      for _ = 1, 50 do
        for _ = 1, 20 do end  -- luacheck: ignore
        cfiber.transfer(to())
      end
    end
  end
  a = cfiber.create(body(function() return b end))
  b = cfiber.create(body(function() return a end))
  assert(cfiber.resume(a))
  assert(cfiber.close(b))
end

-- What f costs in a slice.
local function cost(f)
  local before = cfiber.stats "sliced"
  assert.same({true, "return"}, {cfiber.slice(cfiber.create(f), 1000000)})
  return cfiber.stats "sliced" - before
end

describe("What a fiber executes before a transfer is counted", function()
  it("in a finalizer", function()
    assert.is_true(cost(function() helper.finalize(exchange) end) >= 2 * 50 * 20)
  end)

  it("where the collector is stopped", function()
    helper.withcollector(function()
      collectgarbage "stop"
      assert.is_true(cost(exchange) >= 2 * 50 * 20)
    end)
  end)
end)
