-- 006: fibers that are garbage hold their stacks for two cycles of the
-- collector; a resume for which there was no stack ran one and gave up

local child = require "child"

describe("A resume for which there is no stack", function()
  it("first collects the fibers that are garbage", function()
    assert.equal("true\n", child.output [[
      local confine = require "confine"
      local file = io.open "/proc/sys/vm/max_map_count"
      cfiber.config {guard = "mprotect"}
      confine.mappings(100, 2 * (file and file:read "n" or 65530))
      local text = "x"
      local function deep()
        text:gsub("x", cfiber.yield)
      end
      local function fill()
        local all = {}
        for i = 1, 40 do
          all[i] = cfiber.create(deep)
          if not pcall(cfiber.resume, all[i]) then
            return false
          end
        end
        return true
      end
      collectgarbage "stop"
      print(fill() and fill())
    ]])
  end)
end)
