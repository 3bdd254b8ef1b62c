-- program.lua: random programs of tasks that put, get, select, fire, lock, wait
--
-- A program: 'shape' says how many channels (and their capacities), signals and
-- mutexes there are; 'scripts' are arrays of operations, one for each task;
-- 'handlers' are those of functions that are connected to signals; 'host' is
-- what happens outside of tasks. An operation's fields are the kind and what
-- it acts on: numbers of channels, signals, mutexes, tasks, connections.

local program = {}

--- Numbers from 1 to n, the same for one seed everywhere (xorshift).
function program.generator(seed)
  local x = seed * 0x9E3779B97F4A7C15 | 1
  return function(n)
    x = x ~ (x << 13)
    x = x ~ (x >> 7)
    x = x ~ (x << 17)
    return (x >> 11) % n + 1
  end
end

local make = {}  -- kind -> function(p): an operation

local function timeout(p)
  local r = p.random(10)
  return r > 4 and nil or r - 1
end

local function value(p)
  p.values = p.values + 1
  return "v" .. p.values
end

local function channel(p)
  return p.random(#p.shape.capacities)
end

function make.put(p)
  return {kind = "put", channel = channel(p), value = value(p), timeout = timeout(p)}
end

function make.get(p)
  return {kind = "get", channel = channel(p), timeout = timeout(p)}
end

function make.select(p)
  local cases = {}
  for i = 1, p.random(3) do
    cases[i] = {channel = channel(p), value = p.random(2) == 1 and value(p) or nil}
  end
  return {kind = "select", cases = cases, timeout = timeout(p)}
end

function make.close(p)
  return {kind = "close", channel = channel(p)}
end

function make.swait(p)
  return {kind = "swait", signal = p.random(p.shape.signals), timeout = timeout(p)}
end

function make.fire(p)
  return {kind = "fire", signal = p.random(p.shape.signals), value = value(p)}
end

function make.connect(p)
  return {
    kind = "connect", signal = p.random(p.shape.signals), script = p.random(#p.handlers), once = p.random(3) == 1,
  }
end

function make.disconnect(p)
  return {kind = "disconnect", connection = p.random(8)}
end

function make.lock(p)
  return {kind = "lock", mutex = p.random(p.shape.mutexes), timeout = timeout(p)}
end

function make.unlock(p)
  return {kind = "unlock", mutex = p.random(p.shape.mutexes)}
end

function make.sleep(p)
  return {kind = "sleep", timeout = p.random(3)}
end

function make.nextframe()
  return {kind = "nextframe"}
end

function make.cancel(p)
  return {kind = "cancel", task = p.random(p.tasks)}
end

function make.spawn(p)
  return {kind = "spawn", task = p.random(p.tasks)}
end

local function script(p, kinds, n)
  local ops = {}
  for i = 1, n do
    ops[i] = make[kinds[p.random(#kinds)]](p)
  end
  return ops
end

local function words(text)
  local list = {}
  for word in text:gmatch "%a+" do
    list[#list + 1] = word
  end
  return list
end

local intask = words [[put put put put get get get get select select select swait swait fire
  lock lock lock unlock unlock sleep nextframe cancel]]
local withhandlers = words [[connect disconnect spawn close fire]]
local inhandler = words [[put get swait disconnect lock unlock sleep cancel]]
local inhost = words [[put get select fire cancel connect disconnect close]]

--- options.handlers: functions are connected, channels closed, tasks spawned;
-- options.closes: channels are closed.
function program.new(seed, options)
  local random = program.generator(seed)
  local p = {random = random, values = 0, tasks = 3 + random(4), handlers = {}, scripts = {}, host = {}}
  p.shape = {capacities = {}, signals = random(2), mutexes = random(2)}
  for i = 1, random(3) do
    p.shape.capacities[i] = math.max(0, random(5) - 2)
  end
  local kinds = table.move(intask, 1, #intask, 1, {})
  if options.handlers then
    for i = 1, 3 do
      p.handlers[i] = script(p, inhandler, random(3) - 1)
    end
    table.move(withhandlers, 1, #withhandlers, #kinds + 1, kinds)
  end
  if options.closes then
    kinds[#kinds + 1] = "close"
  end
  for i = 1, p.tasks do
    p.scripts[i] = script(p, kinds, 2 + random(8))
  end
  for _ = 1, 30 do
    local r = random(4)
    p.host[#p.host + 1] = r == 1 and make.spawn(p)
      or r == 2 and options.handlers and script(p, inhost, 1)[1]
      or {kind = "update", dt = random(3) - 1}
  end
  for _, op in ipairs(p.host) do
    op.timeout = 0  -- where nothing waits
  end
  return p
end

return program
