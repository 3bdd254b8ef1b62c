-- task/loop.lua: updates for scripts that have no loop of a host

local budget = require "cfiber.task.budget"
local check = require "cfiber.task.check"
local host = require "cfiber.task.host"
require "cfiber.task.story"

local max, min = math.max, math.min

local FRAME = 1 / 60  -- seconds
local LATE = 0.0005  -- seconds: what seems to be due when an update ends comes
                     -- that much later

-- Without a budget no slice would end a loop that never waits, and Ctrl-C waits
-- for that; some code takes twice the time in slices. So much runs between two
-- looks at what else there is.
local LIMITS = {seconds = 0.01}
local LAST = {seconds = 1}  -- after an interrupt

-- One run. 'last' is the time of the last update, 'frame' that of the last
-- frame, both by the clock of 'host'.
local run = {}
run.__index = run

-- ---------------------------------------------------------------------------
-- What there is to wait for

local function isready(core)
  return core.head <= core.tail or core.first <= core.last
end

local function waitsforframe(core)
  for i = 1, core.nexts do
    if core.next[i].state == "frame" then
      return true
    end
  end
  return next(core.frames) ~= nil
end

-- Seconds until the next timer or frame; nil for never.
local function untilnext(self)
  local core = self.core
  local due = core.timers:first()
  local seconds = due and due - core.now
  if waitsforframe(core) then
    seconds = min(seconds or FRAME, self.frame + FRAME - self.last)
  end
  return seconds and max(0, max(seconds, LATE) - (self.host:now() - self.last))
end

-- ---------------------------------------------------------------------------
-- Ends

-- The error of the hook by which the stand-alone lua answers Ctrl-C: it comes
-- anywhere in what runs in the main thread, in the middle of an update, too.
local function isinterrupt(err)
  return type(err) == "string" and err:find "interrupted!$"
end

-- All tasks end, so that their <close> variables run: for a second at most.
local function interrupted(core)
  core.cur, core.busy, core.updating = false, false, false
  local text = core:dump()
  for _, t in ipairs(core:living()) do
    if t.state == "running" or t.state == "doomed" then
      t.state = "ready"
    end
    pcall(core.cancel, core, t)
  end
  core.budget = budget.new(core, LAST)
  core.budget:begin()
  core:update(0, true)
  error("interrupted!\n" .. text, 0)
end

function run:__close()
  self.core.looping = false
  self.host:close()
end

-- ---------------------------------------------------------------------------
-- Steps

-- Lets pass what passed since the last update, and a frame if it is time.
local function update(self)
  local core, now = self.core, self.host:now()
  local dt = now - self.last
  self.last = now
  local frame = now - self.frame >= FRAME - LATE
  if not waitsforframe(core) then
    self.frame = now
  elseif frame then
    self.frame = max(self.frame + FRAME, now - FRAME)
  end
  core.budget = self.budget
  if self.budget then
    self.budget:begin()
  end
  core:update(dt, not frame)
end

local function pause(self)
  local core = self.core
  local seconds = untilnext(self)
  if isready(core) or seconds == 0 then
    self.host:poll(seconds)
  elseif seconds then
    self.host:sleep(seconds)
  elseif not self.host:idle() then
    error("deadlock\n" .. core:dump(), 0)
  end
end

local function steps(self)
  local core = self.core
  while core.count > 0 do
    update(self)
    if core.count > 0 then
      pause(self)
    end
    if self.host.interrupted then
      error("interrupted!", 0)
    end
  end
end

local loop = {}

--- Runs updates until no task is left; sleeps where nothing is to run. Frames
-- come 60 times a second as long as a task waits for one.
-- @param limits  of each update, see update; nil: a hundredth of a second. false:
--   none, then a task that never waits cannot be interrupted. Code that calls
--   no C functions takes half the time without limits
-- It sleeps in luv's loop where luv is loaded, and its callbacks wake tasks then;
-- else luasystem is needed to sleep, or luv. luv calls back on the thread that
-- loaded it: that must be the one that calls run, not a task.
-- Raises "deadlock" and the tasks with their tracebacks where nothing can wake
-- them; "interrupted!" and the same on Ctrl-C, when all have been cancelled.
-- Ctrl-C is noticed with luv, and in the main thread of the stand-alone lua.
function loop.run(core, limits)
  if core.updating or core.cur or core.looping then
    error("run inside of an update of the same scheduler", 2)
  end
  if limits == nil then
    limits = LIMITS
  end
  check.limits(1, "run", limits or nil)
  local b = budget.new(core, limits or nil)
  local h = host.choose(function() return isready(core) end)
  local now = h:now()
  local self <close> = setmetatable({core = core, budget = b, host = h, last = now, frame = now}, run)
  core.looping = true
  local ok, err = pcall(steps, self)
  if isinterrupt(err) then
    interrupted(core)
  elseif not ok then
    error(err, 0)
  end
end

return loop
