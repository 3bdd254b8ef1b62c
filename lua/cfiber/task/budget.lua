-- task/budget.lua: how much may run in one update
--
-- Tasks are resumed in slices. What a slice took is asked of cfiber, so that
-- short ones cost little of the budget; 'left' is never far below zero.

local cfiber = require "cfiber"
local check = require "cfiber.task.check"

local stats, clock = cfiber.stats, os.clock
local max, min = math.max, math.min

local MOST = 10000  -- instructions of one slice: some 0.1 ms
local LEAST = 1000  -- fewer are not worth a resume

local budget = {}
budget.__index = budget

--- The budget of updates: {instructions = n, seconds = s}, either or both;
-- seconds are of processor time. nil for none. Errors name argument n of name.
function budget.new(scheduler, limits, n, name)
  if limits == nil then
    return false
  end
  check.type(n, name, "table", limits)
  for key in pairs(limits) do
    if key ~= "instructions" and key ~= "seconds" then
      check.fail(n, name, ("unknown limit '%s'"):format(tostring(key)))
    end
  end
  local instructions, seconds = limits.instructions, limits.seconds
  if instructions ~= nil then
    check.count(n, name, instructions, 1)
  end
  if seconds ~= nil then
    check.seconds(n, name, seconds)
  end
  return setmetatable({
    scheduler = scheduler,
    instructions = instructions, seconds = seconds,
    left = 0,  -- instructions
    sliced = 0,  -- those of all slices when they were last charged
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

--- Instructions for the next slice: a fair part of what is left.
function budget:quantum()
  if not self.instructions then
    return MOST
  end
  local s = self.scheduler
  local part = self.left // (s.tail - s.head + 2)
  return max(1, min(max(part, LEAST), MOST, self.left))
end

return budget
