-- 105: <close> variables of a thread that was closed inside a slice were not counted:
-- one that never ended held the slice's caller off for ever.

local helper = require "helper"
local hooked_it = require "since"("5.4.3", "ends a handler at a hook: slices do not stop it")
local cfiber = helper.cfiber

local function closing(f)
  return setmetatable({}, {__close = f})
end

describe("A slice", function()
  hooked_it("stops what a fiber that is closed inside runs, and goes on with it", function()
    helper.leakless(function()
      local rounds, done = 0, false
      local inner = cfiber.create(function()
        local _ <close> = closing(function()
          for _ = 1, 5000 do
            rounds = rounds + 1
          end
        end)
        cfiber.yield()
      end)
      cfiber.resume(inner)
      local co = cfiber.create(function()
        cfiber.close(inner)
        done = true
      end)
      local slices = 0
      repeat
        local before = rounds
        local ok, how = cfiber.slice(co, 1000)
        assert(ok, how)
        slices = slices + 1
        assert.is_true(rounds - before <= 500)
      until how == "return"
      assert.equal(5000, rounds)
      assert.is_true(done)
      assert.is_true(slices > 10)
      assert.Nil(debug.gethook(inner))
    end)
  end)

  hooked_it("charges what such closing took to the slices around", function()
    local inner = cfiber.create(function()
      local _ <close> = closing(function() for _ = 1, 3000 do end end)
      cfiber.yield()
    end)
    cfiber.resume(inner)
    local before = cfiber.stats "sliced"
    assert(cfiber.slice(cfiber.create(cfiber.close), 100000, inner))
    local taken = cfiber.stats "sliced" - before
    assert.is_true(taken > 3000 and taken < 3100, taken)
  end)
end)
