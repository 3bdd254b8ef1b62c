-- model_spec.lua: random programs of tasks against a model in plain tables
--
-- All is predicted: who runs when, and what each operation returns. The number in
-- a message is the seed.

local helper = require "helper"
local model = require "task.model"
local program = require "task.program"
local world = require "task.world"

local record, actions = world.record, world.actions

-- ---------------------------------------------------------------------------
-- Its prediction

local predictor = {}
predictor.__index = predictor

local function predict(p)
  local self = setmetatable({
    program = p, log = {}, tasks = {}, handlers = {}, made = 0,
    front = {},  -- the last one runs next, before all in 'ready'
    ready = {},
  }, predictor)
  self.model = model.new(p.shape, function(task)
    table.insert(self.ready, task)
  end)
  return self
end

function predictor:make(script)
  self.made = self.made + 1
  return {id = self.made, script = script, at = 1}
end

function predictor:over(task, op, returned)
  record(self.log, task.id, op, returned)
  if task.script then
    task.at = task.at + 1
  end
end

function predictor:finish(task)
  task.ended = true
  self.model:ended(task)
end

local function drop(list, task)
  for i = #list, 1, -1 do
    if list[i] == task then
      table.remove(list, i)
    end
  end
end

function predictor:kill(target)
  self.model:withdraw(target)
  drop(self.front, target)
  drop(self.ready, target)
  self:finish(target)
end

function predictor:cancel(task, op)
  local target = self.tasks[op.task]
  if not target or target.ended then
    return self:over(task, op, {not target and "none"})
  end
  self:kill(target)
  if target ~= task then
    self:over(task, op, {true})
  end
end

-- Another task runs first; in the host at once.
function predictor:first(task, other)
  if task.script then
    table.insert(self.front, task)
    table.insert(self.front, other)
    return true
  end
  table.insert(self.front, other)
  self:drain(self.front)
end

-- These return true where the task does not go on now.

function predictor:spawn(task, op)
  if self.tasks[op.task] then
    return self:over(task, op, {"none"})
  end
  local other = self:make(self.program.scripts[op.task])
  self.tasks[op.task] = other
  task.pending = task.script and op
  task.result = {}
  if not self:first(task, other) then
    return self:over(task, op, {})
  end
  return true
end

function predictor:fire(task, op)
  if not task.number then
    task.number, task.list = self.model:fire(op)
  end
  while #task.list > 0 do
    local c = table.remove(task.list, 1)
    if c.connected then
      if c.once then
        model.cut(c)
      end
      local other = self:make(self.program.handlers[c.script])
      other.called = op.value
      table.insert(self.handlers, other)
      if self:first(task, other) then
        return true
      end
    end
  end
  self.model:fired(op, task.number)
  task.number = nil
  self:over(task, op, {})
end

function predictor:perform(task, op)
  local own = self[op.kind]
  if own then
    return own(self, task, op)
  end
  local returned = self.model:begin(task, op)
  if not returned then
    task.pending = op
    return true
  end
  self:over(task, op, returned)
end

function predictor:run(task)
  if task.called then
    self.log[#self.log + 1] = task.id .. " called " .. task.called
    task.called = nil
  elseif task.pending then
    local op = task.pending
    task.pending = nil
    self:over(task, op, model.take(task))
  end
  while not task.ended do
    local op = task.script[task.at]
    if not op then
      return self:finish(task)
    elseif self:perform(task, op) then
      return
    end
  end
end

function predictor:drain(list)
  while #list > 0 do
    self:run(table.remove(list))
  end
end

function predictor:update(host, op)
  self.model:update(op.dt)
  while #self.ready > 0 do
    self:run(table.remove(self.ready, 1))
    self:drain(self.front)
  end
  self:over(host, op, {})
end

local function predicted(p)
  local self = predict(p)
  for _, op in ipairs(p.host) do
    self:perform({id = "host"}, op)
  end
  for _, list in ipairs {self.tasks, self.handlers} do
    for i = 1, self.made + p.tasks do
      if list[i] and not list[i].ended then
        self:kill(list[i])
      end
    end
  end
  return self
end

local function played(p)
  local w = world.new(p)
  for _, op in ipairs(p.host) do
    record(w.log, "host", op, table.pack(actions[op.kind](w, op)))
  end
  for _, list in ipairs {w.threads, w.called} do
    for i = 1, w.made + p.tasks do
      if list[i] then
        w.S.cancel(list[i])
      end
    end
  end
  return w
end

local function compare(seed, expected, found)
  for i = 1, math.max(#expected, #found) do
    if expected[i] ~= found[i] then
      error(("seed %d, line %d\n  before:   %s\n  expected: %s\n  found:    %s"):format(seed, i,
        tostring(expected[i - 1]), tostring(expected[i]), tostring(found[i])), 0)
    end
  end
end

local function check(seed)
  local p = program.new(seed, {handlers = true})
  local expected, found = predicted(p), played(p)
  compare(seed, expected.log, found.log)
  assert.same(world.restof(expected.model), world.rest(found))
end

local each = helper.mode == "collector" and 25 or 100  -- collections take time

describe("A random program of tasks", function()
  for from = 1, 301, 100 do
    it(("does what the model says, seeds from %d"):format(from), function()
      helper.leakless(function()
        for seed = from, from + each - 1 do
          check(seed)
        end
      end)
    end)
  end
end)
