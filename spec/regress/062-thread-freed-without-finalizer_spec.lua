-- At the end of the Lua state destructors ran on stacks whose threads had been
-- freed: Lua does not call a finalizer that it has no memory for, nor again.

local child = require "child"

describe("A fiber whose finalizer had no memory", function()
  it("is dropped with its objects when the Lua state ends", function()
    if not package.searchpath("cxx", package.cpath) then
      pending "there is no C++ compiler"
      return
    end
    local r = child.bare([[
      local cfiber, cxx, starve = require "cfiber", require "cxx", require "starve"  -- the collector as it is
      for round = 0, 60 do
        for _ = 1, 5 do
          cfiber.resume(cfiber.create(function() cxx.hold("a", cxx.calls, "b", cfiber.yield) end))
        end
        coroutine.resume(coroutine.create(function()
          starve(round, 100000)
          collectgarbage()
          collectgarbage()
          starve(0, 0)
        end))
        starve(0, 0)
        if cfiber.stats().mounted > #cfiber.list() then
          KEEP = {}
          for i = 1, 1000 do
            KEEP[i] = ("\255"):rep(100 + i // 8) .. i  -- where the threads were
          end
          print "lost"
          return
        end
      end
    ]])
    assert.equal("", r.errors)
    assert.equal(0, r.status)
    if r.output == "" and child.release() > "5.4.7" then
      pending "Lua 5.4.9 and later call all finalizers"
      return
    end
    assert.equal("lost\n", r.output)
  end)
end)
