-- task/await.lua: functions with a callback, called as if they waited

local check = require "cfiber.task.check"

local unpack, pack = table.unpack, table.pack
local getinfo = debug.getinfo

local await = {}

-- One call. 'task' is the record of the one that waits; 'results' come from the
-- callback, which was called at 'where'. When it is 'over' nobody wants them.
local call = {}
call.__index = call

function call:__close()
  self.over = true
end

local function position(level)
  local at = getinfo(level + 1, "Sl")
  if not at or at.currentline < 0 then
    return "in C"
  end
  return ("at %s:%d"):format(at.short_src, at.currentline)
end

-- What a task waits for: where the function is defined.
function call:__tostring()
  local f = check.called(self.f)
  local at = f and getinfo(f, "S")
  return at and at.what ~= "C" and ("%s:%d"):format(at.short_src, at.linedefined) or "in C"
end

-- The callback was called.
function call:receive(...)
  if self.where then
    error(("callback called twice (first %s)"):format(self.where), 3)
  elseif self.over then
    return
  end
  local core, results, where = self.core, pack(...), position(3)
  core:enter()
  if self.waits then
    core:wake(self.task)
  end
  self.results, self.where, self.waits = results, where, false
  core.busy = false
end

local function unwait(self)
  self.over = true
end

local function wait(self)
  local core = self.core
  core:current "await"
  core.busy = true
  if self.results then
    core.busy = false
    return
  end
  self.waits = true
  core:block("await", self, unwait)
end

--- Calls f(..., callback) and waits for the callback, which may come at once,
-- from the host, or from another task.
-- @return what the callback gets
-- A second call of the callback is an error in its caller. After the wait was
-- cancelled the callback does nothing.
function await.await(core, f, ...)
  check.callable(1, "await", f)
  local self <close> = setmetatable({
    core = core, task = core:current "await", f = f,
    results = false, where = false, waits = false, over = false,
  }, call)
  local args = pack(...)
  args[args.n + 1] = function(...)
    self:receive(...)
  end
  f(unpack(args, 1, args.n + 1))
  wait(self)
  local results = self.results
  self.results = nil
  return unpack(results, 1, results.n)
end

return await
