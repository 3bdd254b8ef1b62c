-- task/repair.lua: what a failure for want of memory left half done, as a method
-- of the core
--
-- It stopped between two steps of a change. What is done by now tells the state
-- of each task; the rest follows from that. Each step may fail again.

local cfiber = require "cfiber"
local ends = require "cfiber.task.ends"
local waits = require "cfiber.task.waits"

local status = cfiber.status
local finish, conclude, closenext = ends.finish, ends.conclude, ends.closenext
local unframe, GONE = waits.unframe, waits.GONE

local repair = {}

-- The tasks that are in lists, as keys. Each stays in one place.
local function listed(self)
  local seen = {}
  local function add(list, first, last)
    for i = first, last do
      local t = list[i]
      if seen[t] then
        list[i] = GONE
      end
      seen[t] = true
    end
  end
  add(self.queue, self.head, self.tail)
  add(self.deferred, self.first, self.last)
  add(self.next, 1, self.nexts)
  return seen
end

local states = {}

-- Whoever spawned it got the error.
function states.new(self, t)
  if t.what == "spawn" then
    t.state = "waiting"
    return
  end
  local victim = t.closes
  t.cancelled = true
  finish(self, t, false, "cancelled")
  if victim then
    closenext(self, victim)
  end
end

function states.ready(self, t, seen)
  if not seen[t] then
    self:push(t)
  end
end

-- It was not resumed.
function states.running(self, t)
  t.state = "ready"
  self:push(t)
end

function states.frame(self, t, seen)
  local list = t.bucket
  if list and list.frame > self.frame then
    return
  end
  if not seen[t] then
    self:push(t)
  end
  if list then
    unframe(self, t)
  end
end

function states.waiting()
end

function states.closing(self, t)
  local by = t.closer
  if by and by.state ~= "ended" then
    return  -- it does that
  elseif status(t.thread) == "dead" then
    finish(self, t, false, "cancelled")
  else
    closenext(self, t)
  end
end

states.doomed = closenext

local function mend(self, t, seen)
  local state = t.state
  if state == "ended" then
    conclude(self, t)
  elseif status(t.thread) == "dead" and state ~= "doomed" and state ~= "closing" then
    finish(self, t, false, "not enough memory")
  elseif t.owned and t.owned.stopped and state ~= "closing" and state ~= "new" then
    return closenext(self, t)
  else
    return states[state](self, t, seen)
  end
  if t.failed then
    closenext(self, t)
  end
end

--- Called where no task runs, after errors of memory.
function repair:repair()
  self.broken = false  -- until a step fails, or leaves something
  local seen = listed(self)
  for _, t in ipairs(self:living()) do
    if self:islinked(t) then
      mend(self, t, seen)
    end
  end
  self.busy = false
end

return repair
