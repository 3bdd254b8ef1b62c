-- machine.lua: runs a program on a library, see ops.lua and fiberops.lua for
-- what its operations do
--
-- A program is a table: 'main', a block that runs for some 'rounds', and
-- 'bodies', the blocks of which coroutines are made. A block is an array of nodes {op = name, ...}, whose
-- array part holds the blocks inside it. A machine executes it: all that
-- steers it is the program and what the library returns.
--
-- Of each thread the machine keeps a record:
--   depth       how many resumed each other up to it, about
--   barrier     C functions that are in progress on it; where one is, stock
--               coroutines cannot yield
--   catch       'barrier' where the innermost 'pcall' is, or nil
--   handlers    how many 'xpcall' are in progress
--   answering   how many of their handlers are
--   by          "stock" if stock 'resume' resumed it last
--   ordinary    it is suspended as a stock coroutine is, in whatever way
--               cfiber yields
--   closing     it is being closed from outside
--   hidden      a function of stock 'wrap' resumes it

local trace = require "trace"

local machine = {}
machine.__index = machine

local SLOTS = 4

-- Depths that keep the sum of nested C calls below the limit of 200 for stock
-- coroutines, which inherit it from each other.
local DEPTH = {stock = 7, all = 16}

machine.ops = {}

--- Makes a machine; 'library' is what the program's operations use. In a
-- program of the kind "all" it is cfiber, and some use stock coroutines.
function machine.new(program, library)
  local self = setmetatable({
    program = program,
    strict = program.kind == "stock",
    co = library,
    fuel = program.fuel,
    executed = 0,
    entering = 0,  -- depth of the one that is resumed next
    closings = 0,  -- closes in progress
    maxdepth = DEPTH[program.kind],
    threads = {}, functions = {},
    records = setmetatable({}, {__mode = "k"}),
    trace = trace.new(),
    problems = {},
    stops = 0,  -- of the collector that have not ended
    tables = {{}, setmetatable({}, {__tostring = function() return "a table" end})},
  }, machine)
  self.stock = self.strict and library or coroutine
  return self
end

function machine:record()
  return self:recordof((self.co.running()))
end

function machine:recordof(thread)
  local r = self.records[thread]
  if not r then
    r = {depth = self.entering, barrier = 0, handlers = 0, answering = 0}
    self.records[thread] = r
  end
  return r
end

function machine:log(what, ...)
  self.trace:add((self.co.running()), what, ...)
end

--- A statement that does not hold, whatever stock coroutines do.
function machine:problem(text)
  self.problems[#self.problems + 1] = text
end

local named = {
  ["@nil"] = function() return nil end,
  ["@table"] = function(self) return self.tables[1] end,
  ["@printable"] = function(self) return self.tables[2] end,
  ["@print"] = function() return print end,
  ["@self"] = function(self) return (self.co.running()) end,
  ["@thread"] = function(self) return self:thread(1) end,
}

--- The value that a program's literal stands for.
function machine:value(literal)
  local f = named[literal]
  if f then
    return f(self)
  end
  return literal
end

function machine:values(literals)
  local list = {}
  for i = 1, #literals do
    list[i] = self:value(literals[i])
  end
  return table.unpack(list, 1, #literals)
end

--- The library that a node names.
function machine:library(node)
  return node.lib == "stock" and self.stock or self.co
end

local function nearest(list, slot)
  for i = 0, SLOTS - 1 do
    local found = list[(slot + i - 1) % SLOTS + 1]
    if found then
      return found
    end
  end
end

--- The thread in a slot, or in the next that has one.
function machine:thread(slot)
  return nearest(self.threads, slot)
end

function machine:wrapped(slot)
  return nearest(self.functions, slot)
end

--- Executes the nodes of a block. Returns true when the body is to end.
function machine:run(block)
  if not block then
    return
  end
  for i = 1, #block do
    if self.fuel <= 0 then
      return true
    end
    self.fuel = self.fuel - 1
    self.executed = self.executed + 1
    if self.ops[block[i].op](self, block[i]) then
      return true
    end
  end
end

--- The same below a C function.
function machine:inside(block)
  local r = self:record()
  r.barrier = r.barrier + 1
  self:run(block)
  r.barrier = r.barrier - 1
end

--- Calls f, which is pcall, xpcall or the like. Returns its packed results.
function machine:protect(f, ...)
  local r = self:record()
  local barrier, catch, handlers = r.barrier, r.catch, r.handlers
  r.catch = barrier
  r.handlers = handlers + (f == xpcall and 1 or 0)
  local results = table.pack(f(...))
  r.barrier, r.catch, r.handlers = barrier, catch, handlers
  return results
end

--- A function for a coroutine. 'hidden': for one of stock 'wrap'.
function machine:body(index, hidden)
  return function(...)
    local r = self:record()
    self:arrived(r)
    if hidden then
      r.hidden, r.by = true, "stock"
    end
    self:log("starts", ...)
    local block = self.program.bodies[index]
    self:run(block)
    return self:values(block.results)
  end
end

--- May the running thread resume another?
function machine:enter()
  local depth = self:record().depth + 1
  self.entering = depth
  return depth <= self.maxdepth
end

--- The running thread yields, in a way that leaves it as 'lib' does.
function machine:leaving(lib)
  local r = self:record()
  r.ordinary = r.by == "stock" or lib == self.stock
  return r
end

--- It is back.
function machine:arrived(r)
  r.depth = self.entering
  r.ordinary = false
end

--- Has it a way to yield, where stock coroutines could not?
function machine:mayyield()
  return not self.strict or self:record().barrier == 0
end

-- A handler of a to-be-closed variable runs where the error is caught, or
-- where the thread is closed; there it cannot yield.
local function handlerbarrier(r, err)
  if r.closing or err ~= nil and not r.catch then
    return r.barrier + 1
  end
  return err ~= nil and r.catch or r.barrier
end

--- Is an error that would leave what runs now not to be raised?
-- Lua 5.4.4 does not forget the message handler of an 'xpcall' in which a
-- thread is suspended when the thread is closed: an error in a to-be-closed
-- variable then calls what is in that place of the stack by now.
function machine:hasstalehandler()
  return self.closings > 0 and self:record().handlers > 0
end

--- Runs the block of a to-be-closed variable's handler.
function machine:handle(block, err)
  local r = self:record()
  local barrier, depth = r.barrier, r.depth
  r.barrier = handlerbarrier(r, err)
  r.depth = math.max(depth, self.entering)
  self:log("closes", err)
  if self:hasstalehandler() then
    self:protect(pcall, self.run, self, block)
  else
    self:run(block)
  end
  r.barrier, r.depth = barrier, depth
end

--- Calls close, or what closes.
function machine:closes(f, ...)
  self.closings = self.closings + 1
  local results = table.pack(f(...))
  self.closings = self.closings - 1
  return table.unpack(results, 1, results.n)
end

local function top(self)
  for _ = 1, self.program.rounds do
    for i = 1, #self.program.main do
      local r = self:protect(pcall, self.run, self, {self.program.main[i]})
      if not r[1] then
        self:log("main fails", r[2])
      end
    end
  end
end

-- What is suspended at the end is closed, or left to the collector.
local function finish(self)
  for i = 1, SLOTS do
    local co = self.threads[i]
    if co and i % 2 == 0 then
      self:log("at the end", self.co.status(co))
      self:recordof(co).closing = true
      self:log("closed", self:closes(pcall, self.co.close, co))
    end
  end
end

--- Runs the program. Returns the text of its trace and the problems.
function machine:execute()
  top(self)
  finish(self)
  debug.sethook()
  self.threads, self.functions = {}, {}
  if self.stops > 0 then
    collectgarbage "restart"
  end
  return self.trace:text(), self.problems
end

return machine
