-- 021: a hook or a finalizer that loads the library while it is being loaded
-- got functions that used freed memory

local child = require "child"

describe("The library, loaded by a hook while it is being loaded", function()
  it("is one library", function()
    local r = child.bare [[
      local inner
      debug.sethook(function()
        if debug.getinfo(2, "S").short_src == "measure" then
          debug.sethook()
          inner = require "cfiber"
        end
      end, "c")
      local outer = require "cfiber"
      assert(inner)
      collectgarbage()
      collectgarbage()
      local co = inner.create(function() local _ = ("x"):gsub("x", inner.yield) end)
      print(inner.resume(co))
      print(outer.status(co), outer.stats().suspended)
      print(outer.close(co), inner.stats().mounted)
    ]]
    assert.equal("", r.errors)
    assert.equal("true\tx\nsuspended\t1\ntrue\t0\n", r.output)
  end)
end)
