-- task/budget.lua: how much may run in one update
--
-- Tasks are resumed in slices. What a slice took is asked of cfiber, so that
-- short ones cost little of the budget; 'left' is never far below zero.

local cfiber = require "cfiber"

local stats, clock = cfiber.stats, os.clock
local max, min = math.max, math.min

local MOST = 10000  -- instructions of one slice: some 0.1 ms
local LEAST = 1000  -- fewer are not worth a resume

local budget = {}
budget.__index = budget

--- The budget of updates: {instructions = n, seconds = s}, either or both;
-- seconds are of processor time. false for nil.
function budget.new(scheduler, limits)
  return limits ~= nil and setmetatable({
    scheduler = scheduler,
    instructions = limits.instructions, seconds = limits.seconds,
    left = limits.instructions or 0,
    sliced = 0,  -- instructions of all slices when they were last charged
    stop = 0,  -- the time
  }, budget)
end

--- A new update begins.
function budget:begin()
  self.left = self.instructions or 0
  self.sliced = stats("sliced")
  self.stop = self.seconds and clock() + self.seconds or math.huge
end

--- Is anything left?
function budget:goes()
  if self.instructions then
    local sliced = stats("sliced")
    self.left = self.left - (sliced - self.sliced)
    self.sliced = sliced
    if self.left <= 0 then
      return false
    end
  end
  return not self.seconds or clock() < self.stop
end

--- Instructions for the next slice, of t: a fair part of what is left. The end of
-- a task is not put off.
function budget:quantum(t)
  if not self.instructions or t.closes then
    return MOST
  end
  local s = self.scheduler
  local part = self.left // (s.tail - s.head + 2)
  return max(1, min(max(part, LEAST), MOST, self.left))
end

return budget
