-- task/trace.lua: records a timeline, for Perfetto and chrome://tracing
--
-- The file is an array of events in the Trace Event Format, whose "]" may be
-- missing. Each event is one write of a whole one, with the comma before it, so
-- that the file can be read wherever the process ends:
--
--   [
--   {"ph":"M", ... "name":"thread_name","args":{"name":"guard"}},   a track
--   {"ph":"B", ... "name":"guard"},                       it begins to run
--   {"ph":"E", ... "args":{"then":"waits in 'join'"}},    it leaves
--   {"ph":"i", ... "name":"cancel"}                       an instant
--   ]
--
-- Track 0 is that of updates, the others have the tasks' numbers.

local check = require "cfiber.task.check"
require "cfiber.task.story"

local status = require "cfiber".status
local floor = math.floor

local recorder = {}
recorder.__index = recorder

-- ---------------------------------------------------------------------------
-- The clock

-- Returns a function that gives nanoseconds. That of the C library is the
-- processor's time: it stands still while the process sleeps.
local function clock()
  local luv, system = package.loaded.luv, package.loaded.system
  if luv then
    return luv.hrtime
  elseif type(system) == "table" and system.monotime then
    local monotime = system.monotime
    return function() return monotime() * 1e9 end
  end
  local time = os.clock
  return function() return time() * 1e9 end
end

-- ---------------------------------------------------------------------------
-- Events

-- A JSON string; what is not UTF-8 is replaced.
local function quote(self, s)
  if not utf8.len(s) then
    s = s:gsub("[\128-\255]", "?")
  end
  return self.json.quotestring(s)
end

-- Adds an event: 'more' are its further members. After an error it is over.
local function write(self, ph, track, more)
  local ns = floor(self.clock() - self.start)
  local ok, err = self.file:write(("%s{\"ph\":\"%s\",\"pid\":1,\"tid\":%d,\"ts\":%d.%03d%s}")
    :format(self.comma, ph, track, ns // 1000, ns % 1000, more))
  self.comma = ",\n"
  if not ok then
    self.err = self.err or err
    self.core.tracer = false
  end
end

-- Names a track, or all; 'name' is in JSON.
local function named(self, track, what, name)
  write(self, "M", track, (',"name":"%s","args":{"name":%s}'):format(what, name))
end

-- The name of a task, in JSON; with the first event its track gets it.
local function known(self, t)
  local name = self.known[t.id]
  if not name then
    name = quote(self, self.core:named(t))
    self.known[t.id] = name
    named(self, t.id, "thread_name", name)
    write(self, "M", t.id, (',"name":"thread_sort_index","args":{"sort_index":%d}'):format(t.id))
  end
  return name
end

-- A moment of a task. 'what' is the name of the argument 'text', if any.
local function instant(self, t, name, what, text)
  known(self, t)
  local args = what and (',"args":{"%s":%s}'):format(what, quote(self, text)) or ""
  write(self, "i", t.id, (',"name":"%s","s":"t"%s'):format(name, args))
end

local function begin(self, t)
  local name = known(self, t)
  self.open[t.id] = t
  write(self, "B", t.id, ',"name":' .. name)
end

-- If it began while this is recorded.
local function finish(self, t, text)
  if self.open[t.id] then
    self.open[t.id] = nil
    write(self, "E", t.id, (',"args":{"then":%s}'):format(quote(self, text)))
  end
end

-- ---------------------------------------------------------------------------
-- What the core tells of

--- A task was made.
function recorder:made(t)
  instant(self, t, "spawn", "by", self.core:spawned(t))
end

--- A task got a name.
function recorder:named(t)
  local name = quote(self, self.core:named(t))
  self.known[t.id] = name
  named(self, t.id, "thread_name", name)
end

--- A task is about to be resumed.
function recorder:begins(t)
  begin(self, t)
end

--- A resume came back.
function recorder:leaves(t)
  local text
  local state = t.state
  if status(t.thread) == "dead" then
    text = "has ended"
  elseif state == "ready" then
    text = "goes on after the task that it spawned"
  elseif state == "running" then
    text = "waits to be spawned again"
  else
    text = state == "doomed" and "is cancelled" or "waits " .. self.core:awaited(t)
  end
  finish(self, t, text)
end

--- A slice was used up.
function recorder:stopped(t)
  finish(self, t, "was stopped by the budget")
end

--- A task has ended, with these results or this error.
function recorder:ended(t, ok, err)
  if ok then
    instant(self, t, "end")
  elseif t.cancelled then
    instant(self, t, "cancel")
  else
    local kind = type(err)
    local text = (kind == "string" or kind == "number") and tostring(err) or kind
    instant(self, t, "error", "message", text)
  end
  self.known[t.id] = nil
end

--- An update begins: so many seconds pass.
function recorder:updates(dt)
  self.updating = true
  write(self, "B", 0, (',"name":"update","args":{"dt":%s}'):format(self.json.encode(dt)))
end

--- An update has ended.
function recorder:updated()
  if self.updating then
    self.updating = false
    local core = self.core
    write(self, "E", 0, (',"args":{"tasks":%d,"left to run":%d}'):format(core.count, core.tail - core.head + 1))
  end
end

-- ---------------------------------------------------------------------------
-- Begin and end

-- Returns why it cannot, or nil.
local function start(core, path)
  local found, json = pcall(require, "dkjson")
  if not found then
    return "trace needs dkjson (luarocks install dkjson)"
  end
  local file, err = io.open(path, "wb")
  if not file then
    return "cannot record a trace: " .. err
  end
  file:setvbuf "no"
  local self = setmetatable({
    core = core, json = json, file = file, clock = clock(),
    start = 0,  -- nanoseconds
    comma = "[\n",  -- what comes before the next event
    known = {},  -- number -> name, of tasks whose tracks have names
    open = {},  -- number -> record, of tasks that are shown to run
    updating = false,  -- an update is shown
    err = nil,  -- of the first write that failed
  }, recorder)
  self.start = self.clock()
  named(self, 0, "process_name", '"tasks"')
  named(self, 0, "thread_name", '"updates"')
  if core.cur then
    begin(self, core.cur)
  end
  core.tracer, core.recording = self, self
end

-- Returns why the file is not whole, or nil.
local function stop(core)
  local self = core.recording
  core.tracer, core.recording = false, nil
  for _, t in pairs(self.open) do
    finish(self, t, "goes on after the trace")
  end
  self:updated()
  local ok, err = self.file:write "\n]\n"
  self.file:close()
  err = self.err or not ok and err
  return err and "cannot write the trace: " .. err
end

local trace = {}

--- Records a timeline from now on: when each task ran, what it waited for then,
-- and when tasks were spawned, ended, failed and were cancelled. It can be
-- opened by ui.perfetto.dev and chrome://tracing, also where the process ended
-- in the middle. Times are those of luv or luasystem, where one of them is
-- loaded; else of the processor, so that pauses between updates do not show.
-- @param path  of the file, which is overwritten; nil: ends the recording. One
--   that goes on ends first. Raises an error when the file cannot be written,
--   and without dkjson
function trace.trace(core, path)
  if path ~= nil then
    check.type(1, "trace", "string", path)
  end
  core:enter()
  local err = core.recording and stop(core)
  err = path and start(core, path) or err
  core.busy = false
  if err then
    error(err, 2)
  end
end

return trace
