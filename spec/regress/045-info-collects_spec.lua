-- info looked at a fiber, made its table, which may run finalizers, and looked at
-- the fiber again, which may have ended meanwhile.

local child = require "child"

describe("info of a fiber that a finalizer ends meanwhile", function()
  it("tells of the fiber as it was before", function()
    assert.equal("true\ttrue\n", child.output [[
      local function suspended()
        local co = cfiber.create(function() ("x"):gsub("x", cfiber.yield) end)
        cfiber.resume(co)
        return co
      end
      cfiber.config {pool_limit = 0}
      local stays, size = suspended(), cfiber.config().stack_size
      local right, ended = true, 0
      for _ = 1, 200 do
        local co, done = suspended(), false
        setmetatable({}, {__gc = function()
          cfiber.close(co)
          done = true
        end})
        repeat
          local before = done
          local info = cfiber.info(co)
          ended = ended + (done and not before and info.mounted and 1 or 0)
          right = right and info.mounted == (info.stack_size == size) and info.mounted == (info.status == "suspended")
        until done
      end
      cfiber.close(stays)
      print(right, ended > 0)
    ]])
  end)
end)
