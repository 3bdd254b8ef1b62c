-- task/signal.lua: signals, which call functions and wake those that wait
--
-- Each fire has a number; what was connected or waits since an earlier one is
-- called or woken. 'connections' is an array that does not change while a fire
-- goes through it: 'shared' says that one may, so that a change makes a copy.

local check = require "cfiber.task.check"
local queue = require "cfiber.task.queue"

local pack, unpack, move = table.pack, table.unpack, table.move

local signal = {}
signal.__index = signal

local connection = {}
connection.__index = connection

-- ---------------------------------------------------------------------------
-- Connections

local function change(s)
  if s.shared then
    s.connections = move(s.connections, 1, #s.connections, 1, {})
    s.shared = false
  end
  return s.connections
end

local function connect(s, f, once)
  local c = setmetatable({signal = s, f = f, once = once, connected = true}, connection)
  s.core:enter()
  local list = change(s)
  list[#list + 1] = c
  s.core.busy = false
  return c
end

local function remove(c)
  local list = change(c.signal)
  c.connected = false
  for i = 1, #list do
    if list[i] == c then
      return table.remove(list, i)
    end
  end
end

--- From now on each fire calls f with its values, in a task of its own. A fire
-- that is going on does not.
-- @return the connection; its field 'connected' tells whether it still is
function signal:connect(f)
  if getmetatable(self) ~= signal then
    check.self("connect", "signal", self)
  end
  check.callable(1, "connect", f)
  return connect(self, f, false)
end

--- The same for one fire only.
function signal:once(f)
  if getmetatable(self) ~= signal then
    check.self("once", "signal", self)
  end
  check.callable(1, "once", f)
  return connect(self, f, true)
end

--- Its function is not called any more, not even by a fire that is going on.
-- @return whether it was connected
function connection:disconnect()
  if getmetatable(self) ~= connection then
    check.self("disconnect", "connection", self)
  end
  local core = self.signal.core
  core:enter()
  local connected = self.connected
  if connected then
    remove(self)
  end
  core.busy = false
  return connected
end

-- ---------------------------------------------------------------------------
-- Waiting

local function unwait(s, t)
  s.waiting:remove(t)
end

local function values(fired, why)
  if fired then
    return unpack(fired, 1, fired.n)
  end
  return nil, why
end

--- Waits for the next fire, for at most 'timeout' seconds; 0 does not wait.
-- @return the values fired, as many as there are; or nil, "timeout". A fired nil
--   comes without a second value
function signal:wait(timeout)
  if getmetatable(self) ~= signal then
    check.self("wait", "signal", self)
  end
  if timeout ~= nil then
    check.seconds(1, "wait", timeout)
  end
  local core = self.core
  local t = core:current "wait"
  if timeout == 0 then
    return nil, "timeout"
  end
  core.busy = true
  t.fires = self.fires
  return values(core:block("signal", self, unwait, timeout, self.waiting, t))
end

-- ---------------------------------------------------------------------------
-- Firing

local function call(core, c, ...)
  core:enter()
  if not c.connected then
    core.busy = false
    return
  end
  local t = core:make(c.f, 3, select("#", ...) > 0 and pack(...) or nil)
  if c.once then
    remove(c)
  end
  core:spawn(t)
end

-- Wakes those that have waited since before the fire of this number.
local function wake(s, number, ...)
  local core, waiting = s.core, s.waiting
  core:enter()
  local t, fired = waiting:peek(), nil
  while t and t.fires < number do
    if fired then
      core:wake(t, waiting, fired)
    else
      fired = pack(...)
    end
    t = waiting:peek()
  end
  core.busy = false
end

--- Calls the connected functions in the order of their connection, each in a
-- task of its own that runs now, until it first waits; then wakes those that
-- waited when the fire began, first come first. An error in a function is that
-- of its task: the others are called all the same. A task that is cancelled by
-- what it calls so does not call the rest.
function signal:fire(...)
  if getmetatable(self) ~= signal then
    check.self("fire", "signal", self)
  end
  local core = self.core
  core:begin()
  local number = self.fires + 1
  self.fires = number
  local list = self.connections
  self.shared = true
  core.busy = false
  for i = 1, #list do
    call(core, list[i], ...)
  end
  wake(self, number, ...)
end

function signal:__tostring()
  local waiting = self.waiting.count
  return ("signal %p: %d connected%s"):format(self, #self.connections,
    waiting > 0 and (", %d wait%s"):format(waiting, waiting == 1 and "s" or "") or "")
end

function connection:__tostring()
  return ("connection %p of %s"):format(self, self.connected and self.signal or "no signal")
end

local part = {}

--- Something that happens, again and again.
-- @return a signal, see its methods
function part.signal(core)
  return setmetatable({
    core = core,
    connections = {}, shared = false,
    waiting = queue.new(),
    fires = 0,  -- so many began
  }, signal)
end

return part
