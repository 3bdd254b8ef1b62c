-- world.lua: does the operations of a program (see program.lua) for real

local assert = require "luassert"
local new = require("cfiber.task").new

local world = {}

local actions = {}  -- kind -> function(world, op, id): does it for real

local function make(p)
  local w = {S = new(), program = p, channels = {}, signals = {}, mutexes = {}, connections = {}, threads = {}}
  w.log, w.made = {}, 0
  w.called = {}  -- the threads of handlers
  for i, capacity in ipairs(p.shape.capacities) do
    w.channels[i] = w.S.channel(capacity)
  end
  for i = 1, p.shape.signals do
    w.signals[i] = w.S.signal()
  end
  for i = 1, p.shape.mutexes do
    w.mutexes[i] = w.S.mutex()
  end
  w.core = w.S.signal().core
  return w
end

local function record(log, id, op, returned)
  local line = {id, op.kind}
  for i = 1, 3 do
    line[i + 2] = tostring(returned[i])
  end
  log[#log + 1] = table.concat(line, " ")
end

local function play(w, id, script)
  for _, op in ipairs(script) do
    record(w.log, id, op, table.pack(actions[op.kind](w, op)))
  end
end

function actions.put(w, op)
  return w.channels[op.channel]:put(op.value, op.timeout)
end

function actions.get(w, op)
  return w.channels[op.channel]:get(op.timeout)
end

function actions.select(w, op)
  local cases = {}
  for i, case in ipairs(op.cases) do
    cases[i] = {w.channels[case.channel], case.value}
  end
  return w.S.select(cases, op.timeout)
end

function actions.close(w, op)
  return w.channels[op.channel]:close()
end

function actions.swait(w, op)
  return w.signals[op.signal]:wait(op.timeout)
end

function actions.fire(w, op)
  w.signals[op.signal]:fire(op.value)
end

function actions.connect(w, op)
  local s = w.signals[op.signal]
  w.connections[#w.connections + 1] = s[op.once and "once" or "connect"](s, function(v)
    w.made = w.made + 1
    local id = w.made
    w.called[#w.called + 1] = coroutine.running()
    w.log[#w.log + 1] = id .. " called " .. v
    play(w, id, w.program.handlers[op.script])
  end)
end

function actions.disconnect(w, op)
  local c = w.connections[op.connection]
  return c and c:disconnect()
end

function actions.lock(w, op)
  local ok, m, why = pcall(w.mutexes[op.mutex].lock, w.mutexes[op.mutex], op.timeout)
  if not ok then
    return "error"
  end
  return m and "locked", why
end

function actions.unlock(w, op)
  if not pcall(w.mutexes[op.mutex].unlock, w.mutexes[op.mutex]) then
    return "error"
  end
end

function actions.sleep(w, op)
  w.S.wait(op.timeout)
end

function actions.nextframe(w)
  w.S.frames(1)
end

function actions.cancel(w, op)
  local thread = w.threads[op.task]
  if not thread then
    return "none"
  end
  return w.S.cancel(thread)
end

function actions.spawn(w, op)
  local n = op.task
  if w.threads[n] then
    return "none"
  end
  w.made = w.made + 1
  local id = w.made
  w.S.spawn(function()
    w.threads[n] = coroutine.running()
    play(w, id, w.program.scripts[n])
  end)
end

function actions.update(w, op)
  w.S.update(op.dt)
end

-- Nobody is left in any object, and nothing is lost: it returns what is left.
local function rest(w)
  local left = {}
  for i, ch in ipairs(w.channels) do
    assert.equal(0, ch.getters.count + ch.putters.count)
    left[i] = {}
    while #ch > 0 do
      table.insert(left[i], (ch:get(0)))
    end
  end
  for _, s in ipairs(w.signals) do
    assert.equal(0, s.waiting.count)
  end
  for _, m in ipairs(w.mutexes) do
    assert.is_false(m.holder)
    assert.equal(0, m.waiting.count)
  end
  assert.equal(0, w.core.count)
  return left
end

local function restof(m)
  local left = {}
  for i, ch in ipairs(m.channels) do
    left[i] = {}
    for k, v in ipairs(ch) do
      left[i][k] = v.value
    end
  end
  return left
end

world.new, world.record, world.play, world.actions = make, record, play, actions
world.rest, world.restof = rest, restof

return world
