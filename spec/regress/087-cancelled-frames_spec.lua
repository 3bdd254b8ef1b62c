-- 087: tasks that were cancelled while they waited for a frame far ahead were kept
-- until that came.

local helper = require "helper"
local new = require("cfiber.task").new

describe("A task that is cancelled in its wait for a frame far ahead", function()
  local function cancelled(S, n)
    local list = setmetatable({}, {__mode = "k"})
    local first = S.spawn(S.frames, n)
    list[first], list[S.spawn(S.frames, n + 1)] = true, true
    for thread in pairs(list) do
      S.cancel(thread)
    end
    return list
  end

  it("is garbage then", function()
    helper.leakless(function()
      local S = new()
      local list = cancelled(S, 1000000)
      S.update(0)
      collectgarbage()
      collectgarbage()
      assert.is_nil(next(list))
    end)
  end)

  it("leaves the others of its frame where they are", function()
    helper.leakless(function()
      local S, log = new(), {}
      local threads = {}
      for i = 1, 4 do
        threads[i] = S.spawn(function()
          S.frames(2)
          log[#log + 1] = i
        end)
      end
      S.cancel(threads[1])
      S.cancel(threads[3])
      S.update(0)
      assert.same({}, log)
      S.update(0)
      assert.same({2, 4}, log)
    end)
  end)
end)
