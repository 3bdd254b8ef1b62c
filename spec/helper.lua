-- helper.lua: what every spec uses
--
-- A scenario is a function of a coroutine library. 'differential' runs it on
-- the stock library and on cfiber and compares everything it recorded.

local cfiber = require "cfiber"
local stock = coroutine

local helper = {cfiber = cfiber, stock = stock}

local modes = {
  plain = function() end,
  compact = function()
    cfiber.config {native_limit = 0}
  end,
  collector = function()  -- a new cycle begins as soon as one ends
    collectgarbage("incremental", 1, 1000, 1)
  end,
}

helper.mode = os.getenv "CFIBER_SPEC_MODE" or "plain"
modes[helper.mode]()

local guard = 16 << 10

--- Calls f and asserts that no fiber stays mounted and no stack is lost.
-- For calls with the default stack size only.
function helper.leakless(f, ...)
  collectgarbage()
  collectgarbage()
  local before = cfiber.stats()
  f(...)
  collectgarbage()
  collectgarbage()
  local after = cfiber.stats()
  assert(after.mounted == before.mounted, ("%d fibers stay mounted"):format(after.mounted - before.mounted))
  assert(after.suspended == before.suspended, "the count of suspended fibers is off")
  assert(after.reserved == (after.mounted + after.pooled) * (cfiber.config().stack_size + guard), "a stack is lost")
end

return helper
