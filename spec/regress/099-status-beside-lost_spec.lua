-- To tell whether a thread that was jumped out of runs, what is suspended
-- inside others was looked through, with threads that had been freed: Lua does
-- not call a finalizer that it has no memory for.

local child = require "child"

describe("A thread that was jumped out of", function()
  it("is dead also where a suspended chain lost its threads", function()
    local r = child.run [[
      local raise, starve = require "control".raise, require "starve"

      local jumped
      pcall(function()
        jumped = cfiber.create(function() raise(nil, "x") end)
        cfiber.resume(jumped)
      end)

      local function carrier()
        local me = cfiber.running()
        stock.resume(stock.create(function() cfiber.suspend(me) end))
      end
      local function lose(wait)
        for _ = 1, 5 do
          cfiber.resume(cfiber.create(carrier))
        end
        stock.resume(stock.create(function()
          starve(wait, 100000)
          collectgarbage()
          collectgarbage()
          starve(0, 0)
        end))
        starve(0, 0)
        collectgarbage()
        collectgarbage()
        return cfiber.stats "mounted"
      end
      local wait, lost = 0, lose(0)
      while lost == 0 and wait < 11 do
        wait = wait + 1
        lost = lose(wait)
      end
      KEEP = {}
      for i = 1, 1000 do
        KEEP[i] = ("\255"):rep(100 + i // 8) .. i  -- where the threads were
      end
      print(lost > 0, cfiber.status(jumped), cfiber.stats "mounted")
    ]]
    if child.refusesjump(r.errors) then
      pending "Lua is built to abort at such a jump"
      return
    end
    assert.equal("", r.errors)
    local lost = r.output:match "^true" or child.release() < "5.4.8"  -- 5.4.9 and later call all finalizers
    assert.equal((lost and "true" or "false") .. "\tdead\t0\n", r.output)
  end)
end)
