-- 007: a thread that a finalizer brought back had lost its stack size

local child = require "child"

describe("A thread that a finalizer brings back", function()
  it("keeps the size of its stack", function()
    assert.equal("true\n", child.output [[
      cfiber.config {pool_limit = 0, native_limit = 0}
      local back
      do
        local object = setmetatable({}, {__gc = function(o) back = o.co end})
        object.co = cfiber.create(function()
          while true do
            cfiber.yield(cfiber.stats().reserved)
          end
        end, 3 << 20)
        cfiber.resume(object.co)
      end
      collectgarbage()
      collectgarbage()
      local _, reserved = cfiber.resume(back)
      print(reserved >= 3 << 20)
    ]])
  end)
end)
