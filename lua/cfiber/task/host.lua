-- task/host.lua: what run() sleeps with: luv's loop, luasystem, or nothing
--
--   now()            seconds, from any start
--   poll([seconds])  lets what is there come in; what is waited for next comes
--                    in so many seconds
--   sleep(seconds)   the same, until then or until something came
--   idle()           the same for ever; false where nothing can come
--   interrupted      Ctrl-C was pressed; luasystem leaves that to the hook of
--                    the stand-alone lua

local ceil, min = math.ceil, math.min

local host = {}

-- ---------------------------------------------------------------------------
-- luv

local luv = {}
luv.__index = luv

-- Those that no run uses: luv does not survive handles that are closed and then
-- collected before its loop ran.
local free = {}

local function make(uv)
  local self = setmetatable({uv = uv, timer = uv.new_timer(), signal = uv.new_signal(), prepare = uv.new_prepare()}, luv)
  uv.unref(self.prepare)
  return self
end

-- luv calls timers first and waits then, however much they made ready: hence the
-- look at that in between.
local function openluv(uv, isready)
  local self = table.remove(free) or make(uv)
  self.interrupted, self.rung = false, false
  uv.signal_start(self.signal, "sigint", function()
    self.interrupted = true
  end)
  uv.prepare_start(self.prepare, function()
    if self.rung or isready() then
      uv.stop()
    end
  end)
  return self
end

function luv:now()
  return self.uv.hrtime() / 1e9
end

function luv:poll()
  self.uv.run "nowait"
end

function luv:sleep(seconds)
  local uv = self.uv
  uv.update_time()
  self.rung = false
  uv.timer_start(self.timer, ceil(min(seconds, 1e9) * 1000), 0, function()
    self.rung = true
  end)
  uv.run "once"
  self.rung = false
  uv.timer_stop(self.timer)
end

-- The handle of the signal keeps the loop alive: without any, luv would not look
-- for signals. Others than that?
local function isalive(self)
  local uv = self.uv
  uv.unref(self.signal)
  local alive = uv.loop_alive()
  uv.ref(self.signal)
  return alive
end

function luv:idle()
  local alive = isalive(self)
  if alive then
    self.uv.run "once"
  end
  return alive
end

function luv:close()
  self.uv.signal_stop(self.signal)
  self.uv.prepare_stop(self.prepare)
  free[#free + 1] = self
end

-- ---------------------------------------------------------------------------
-- luasystem

local STEP = 0.1  -- seconds: its sleep goes on after a signal

local system = {}
system.__index = system

function system:now()
  return self.system.monotime()
end

function system.poll() end

function system:sleep(seconds)
  self.system.sleep(min(seconds, STEP))
end

function system.idle()
  return false
end

function system.close() end

-- ---------------------------------------------------------------------------
-- Neither: no time passes

local none = {}
none.__index = none

function none.now()
  return 0
end

function none.sleep()
  error("to sleep, run needs luv or luasystem (luarocks install luv, or luasystem)", 0)
end

function none:poll(seconds)
  if seconds then  -- that would never come
    self:sleep()
  end
end

none.idle, none.close = system.idle, system.close

-- ---------------------------------------------------------------------------

local function find(name, ...)
  local found, module = pcall(require, name)
  if not found or type(module) ~= "table" then
    return nil
  end
  for _, f in ipairs {...} do
    if not module[f] then
      return nil
    end
  end
  return module
end

--- luv where it is loaded; else luasystem or luv, whichever can be had.
-- isready() tells whether there is something to do.
function host.choose(isready)
  local uv = package.loaded.luv
  if not uv then
    local sleeper = find("system", "sleep", "monotime")
    if sleeper then
      return setmetatable({system = sleeper}, system)
    end
    uv = find("luv", "run")
  end
  return uv and openluv(uv, isready) or setmetatable({}, none)
end

return host
