-- 100: a slice that ended between the beginning of a task's wait and its yield
-- made the task ready: its timer did not wake it, and a wake resumed it twice.

local helper = require "helper"
local new = require("cfiber.task").new

-- One slice of so many instructions in each update.
local function slices(core, n)
  local left
  core.more = 1
  core.budget = {
    begin = function() left = 2 end,
    goes = function()
      left = left - 1
      return left > 0
    end,
    quantum = function() return n end,
  }
end

describe("A task that a slice stops while it begins to wait", function()
  for n = 1, 20 do
    it("is woken, slices of " .. n, function()
      helper.leakless(function()
        local S, turns = new(), 0
        local core = S.signal().core
        S.defer(function()
          for i = 1, 5 do
            S.wait(1)
            turns = i
          end
        end)
        slices(core, n)
        for _ = 1, 1000 do
          core.budget.begin()
          core:update(10)
        end
        assert.equal(5, turns)
        assert.equal(0, core.count)
      end)
    end)
  end
end)
