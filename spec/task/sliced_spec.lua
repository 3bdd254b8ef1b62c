-- sliced_spec.lua: random programs of tasks that slices stop anywhere
--
-- Who runs when depends on where slices stop; what each operation returns
-- follows from the order in which they took effect. That is the order in which
-- tasks make the scheduler busy: a task does so once when it begins an operation
-- and once more when it comes back from a wait. The number in a message is the
-- seed.

local helper = require "helper"
local model = require "task.model"
local program = require "task.program"
local world = require "task.world"
local new = require("cfiber.task").new

local sizes = {1, 3, 10, 40}  -- of slices, at most

-- ---------------------------------------------------------------------------
-- What the operations return

-- A task: 'op' is under way, 'steps' of it have been seen; 'expected' is what it
-- must return, once that is known.
local run = {}
run.__index = run

-- Calls watch(record) where a task makes the scheduler busy, in the middle
-- of that, so that slices do not stop it.
local function observe(core, watch)
  local class, busy = getmetatable(core), false
  core.busy = nil
  setmetatable(core, {
    __close = class.__close,
    __index = function(_, key)
      if key == "busy" then
        return busy
      end
      return class[key]
    end,
    __newindex = function(self, key, value)
      if key ~= "busy" then
        rawset(self, key, value)
      elseif value ~= busy then
        busy = value
        if value and self.cur then
          watch(self.cur)
        end
      end
    end,
  })
end

local begin = {}  -- kind -> function(run, task, op): where the model differs

function begin.cancel(self, task)
  local target = task.target
  local alive = not target.dead
  if alive then
    target.dead = true
    self.model:withdraw(target)
  end
  task.expected = {alive}
end

function begin.fire(self, task, op)
  task.number = self.model:fire(op)
end

-- The operation takes effect, or is over.
function run:step(task)
  local op = task.op
  task.steps = task.steps + 1
  if task.steps == 1 then
    if begin[op.kind] then
      begin[op.kind](self, task, op)
    else
      task.expected = self.model:begin(task, op)
    end
  elseif op.kind == "fire" then
    self.model:fired(op, task.number)
    task.expected = {}
  elseif op.kind ~= "cancel" then
    task.expected = model.take(task)
  end
end

local function text(id, op, values)
  local log = {}
  world.record(log, id, op, values or {"nothing"})
  return log[1]
end

-- The task of a number may be another one before the cancel takes effect.
function run:act(task, op)
  if op.kind ~= "cancel" then
    return world.actions[op.kind](self.world, op)
  end
  task.target = self.tasks[op.task]
  return self.world.S.cancel(task.target.thread)
end

function run:perform(task, op)
  task.op, task.steps, task.expected = op, 0, nil
  local returned = table.pack(self:act(task, op))
  if task.steps == 0 then  -- nothing was changed
    self:step(task)
  elseif task.result then  -- it came back from a wait of updates
    task.expected = model.take(task)
  end
  local found, wanted = text(task.id, op, returned), text(task.id, op, task.expected)
  task.op = nil
  if found ~= wanted then
    table.insert(self.wrong, ("expected: %s\n  found:    %s"):format(wanted, found))
  end
end

-- ---------------------------------------------------------------------------
-- Runs

function run:start(id)
  local task = {id = id}
  self.tasks[id] = task
  task.thread = self.world.S.defer(function()
    for _, op in ipairs(self.program.scripts[id]) do
      self:perform(task, op)
    end
    task.dead = true
  end)
  self.records[self.core:find(task.thread)] = task
end

local function observed(p)
  local w = world.new(p)
  local self = setmetatable({
    program = p, world = w, core = w.core, model = model.new(p.shape, function() end),
    tasks = {}, records = {}, wrong = {},
  }, run)
  observe(w.core, function(t)
    local task = self.records[t]
    if task and task.op then
      self:step(task)
    end
  end)
  for i, m in ipairs(w.mutexes) do
    local atend = m.atend
    m.atend = function(...)
      self.model:pass(self.model.mutexes[i])
      return atend(...)
    end
  end
  return self
end

-- Slices of 1 to 'most' instructions, a random number of them in each update.
local function budget(random, most)
  local left
  return {
    begin = function()
      left = random(100)
    end,
    goes = function()
      left = left - 1
      return left > 0
    end,
    quantum = function()
      return random(most)
    end,
  }
end

function run:update(dt)
  self.model:update(dt)
  if self.core.budget then
    self.core.budget:begin()
  end
  self.core:update(dt)
end

function run:cancel(id)
  local task = self.tasks[id]
  if not task.dead then
    task.dead = true
    self.model:withdraw(task)
    self.world.S.cancel(task.thread)
  end
end

function run:finish()
  self.core.budget = false
  for _ = 1, 50 do
    self:update(1)
  end
  for id in ipairs(self.tasks) do
    self:cancel(id)
  end
end

-- Cancels a task wherever it is; another begins its script again.
function run:replace(id)
  self:cancel(id)
  self:start(id)
end

local function play(seed, most)
  local p = program.new(seed, {closes = seed % 3 == 0})
  local self = observed(p)
  self.core.budget, self.core.more = budget(p.random, most), 1
  for id = 1, p.tasks do
    self:start(id)
  end
  for _ = 1, 100 do
    self:update(p.random(8) // 8)
    if p.random(4) == 1 then
      self:replace(p.random(p.tasks))
    end
  end
  self:finish()
  if self.wrong[1] then
    error(("seed %d, slices of up to %d\n  %s"):format(seed, most, self.wrong[1]), 0)
  end
  assert.same(world.restof(self.model), world.rest(self.world))
end

-- ---------------------------------------------------------------------------
-- What the model does not know

-- Runs the tasks in slices of 1 to 'most' instructions until all have ended.
local function finish(S, most, seed)
  local core = S.signal().core
  core.budget, core.more = budget(program.generator(seed), most), 1
  for _ = 1, 5000 do
    core.budget.begin()
    core:update(1)
    if core.count == 0 then
      return
    end
  end
  error(("%d tasks are left, seed %d"):format(core.count, seed))
end

local function count(t)
  local n = 0
  for _ in pairs(t) do
    n = n + 1
  end
  return n
end

-- What is counted has keys of its own: slices stop 'n = n + 1', too.
local function fires(seed, most)
  local S = new()
  local s, called, once = S.signal(), {}, {}
  s:connect(function() called[coroutine.running()] = true end)
  for _ = 1, 4 do
    S.defer(function()
      s:connect(function() end):disconnect()
      s:once(function() once[coroutine.running()] = true end)
      for _ = 1, 5 do
        s:fire()
      end
    end)
  end
  finish(S, most, seed)
  assert.same({20, 4, 1}, {count(called), count(once), #s.connections})
end

local function joins(seed, most)
  local S = new()
  local ids, joined = {}, {}
  local function child()
    return S.signal().core.cur.id
  end
  for _ = 1, 5 do
    S.defer(function()
      for _, thread in ipairs {S.spawn(child), S.defer(child), S.delay(1, child)} do
        local ok, id = S.join(thread)
        joined[thread], ids[id] = ok, true
      end
    end)
  end
  finish(S, most, seed)
  assert.same({15, 15}, {count(joined), count(ids)})
end

local seeds = helper.mode == "collector" and 8 or 25  -- collections take time

describe("A random program of tasks that slices stop", function()
  for _, most in ipairs(sizes) do
    it(("does what the model says, slices of up to %d"):format(most), function()
      helper.leakless(function()
        for seed = 1, seeds do
          play(seed, most)
        end
      end)
    end)
  end
end)

for name, f in pairs {
  ["calls each function once for each fire"] = fires,
  ["starts and joins tasks"] = joins,
} do
  describe("What slices stop", function()
    for _, most in ipairs(sizes) do
      it(("%s, slices of up to %d"):format(name, most), function()
        helper.leakless(function()
          for seed = 1, 10 do
            f(seed, most)
          end
        end)
      end)
    end
  end)
end
