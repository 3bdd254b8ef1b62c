-- random_spec.lua: random programs of nested coroutines against stock Lua
--
-- A program is what an interpreter below makes of a sequence of random
-- numbers. Every coroutine of it draws from the same sequence, so the first
-- difference in order, value or status changes all that follows. The number
-- in a test's name is the seed.

local child = require "child"
local helper = require "helper"
local cfiber, stock, same = helper.cfiber, helper.stock, helper.same

local operations = 3000  -- of one program, roughly
local slots = 8  -- in which it keeps its coroutines
local maxdepth = 8  -- of resumes in resumes: far from where stock Lua stops
local maxblocks = 4  -- of blocks in blocks of one coroutine
-- Do variables that are closed act? Before 5.4.3 stock Lua frees what it uses when
-- a coroutine that closes is closed or called.
local reenters = child.release() >= "5.4.3"

-- Numbers from 1 to n, the same for one seed everywhere (xorshift).
local function generator(seed)
  local x = seed * 0x9E3779B97F4A7C15 | 1
  return function(n)
    x = x ~ (x << 13)
    x = x ~ (x >> 7)
    x = x ~ (x << 17)
    return (x >> 11) % n + 1
  end
end

local program = {}
program.__index = program

local actions = {}  -- what a body may do; each takes program and block depth

-- Values of several types, up to four.
function program:values()
  local random = self.random
  local all = {random(100), "s" .. random(9), random(2) == 1, random(50) / 4}
  return table.unpack(all, 1, random(5) - 1)
end

function program:slot()
  return self.threads[self.random(slots)]
end

-- Does random things until the sequence says that it is enough. Returns true
-- when the whole body shall return.
function program:block(depth)
  for _ = 1, self.random(12) do
    self.left = self.left - 1
    if self.left < 0 then
      return true
    end
    if actions[self.random(#actions)](self, depth) then
      return true
    end
  end
end

function program:body()
  return function(...)
    self.log("starts", ...)
    self:block(1)
    return self:values()
  end
end

-- Calls f one level of resumes deeper.
function program:deeper(f, ...)
  local depth = self.depth
  self.depth = depth + 1
  local result = table.pack(f(...))
  self.depth = depth
  return table.unpack(result, 1, result.n)
end

function program:value(what)
  return setmetatable({}, {
    __close = function(_, e)
      self.log("closes", what, e)
      if self.random(6) == 1 then
        error("from close", 0)
      end
      if reenters then
        self:action(maxblocks)
      end
    end,
    __add = function(_, n)
      self:block(maxblocks)
      return n
    end,
  })
end

function program:action(depth)
  if self.left > 0 then
    self.left = self.left - 1
    actions[self.random(#actions)](self, depth)
  end
end

local function action(weight, f)
  for _ = 1, weight do
    actions[#actions + 1] = f
  end
end

action(3, function(p)  -- creates
  p.threads[p.random(slots)] = p.co.create(p:body())
end)

action(12, function(p)  -- resumes
  local c = p:slot()
  if c and p.depth < maxdepth then
    p.log("resumed", p:deeper(p.co.resume, c, p:values()))
  end
end)

action(8, function(p)  -- yields; where nobody resumed, the error is a value
  if p.depth > 0 then
    p.log("goes on", p.co.yield(p:values()))
  else
    p.log("outside", pcall(p.co.yield, 1))
  end
end)

action(2, function(p)  -- a protected yield
  p.log("protected", pcall(p.co.yield, p:values()))
end)

action(3, function(p)  -- asks
  local c = p:slot()
  if c then
    p.log("status", p.co.status(c), p.co.isyieldable(c))
  end
  p.log("self", p.co.status((p.co.running())), p.co.isyieldable(), (select(2, p.co.running())))
end)

action(1, function(p)  -- looks at a stack
  local c = p:slot()
  if c then
    p.log(debug.traceback(c))
  end
end)

action(2, function(p)  -- closes
  local c = p:slot()
  if c then
    p.log("closed", pcall(p.co.close, c))
  end
end)

action(2, function(p)  -- makes a function
  p.functions[p.random(slots)] = p.co.wrap(p:body())
end)

action(6, function(p)  -- calls one
  local f = p.functions[p.random(slots)]
  if f and p.depth < maxdepth then
    p.log("called", p:deeper(pcall, f, p:values()))
  end
end)

action(2, function(p)  -- calls one unprotected, in Lua
  local f = p.functions[p.random(slots)]
  if f and p.depth > 0 and p.depth < maxdepth then
    p.log("called", p:deeper(function(...) return f(...) end, p:values()))
  end
end)

action(1, function(p)  -- fails
  if p.depth > 0 then
    error(({"a message", 42, true, "another"})[p.random(4)])
  end
end)

action(4, function(p, depth)  -- protects
  if depth < maxblocks then
    p.log("pcall", pcall(p.block, p, depth + 1))
  end
end)

action(2, function(p, depth)  -- handles messages
  if depth < maxblocks then
    p.log("xpcall", xpcall(p.block, function(m)
      p.log("handles", m)
      return m
    end, p, depth + 1))
  end
end)

action(3, function(p, depth)  -- opens a scope
  if depth < maxblocks then
    local _ <close> = p:value(p.left)
    p:block(depth + 1)
  end
end)

action(2, function(p, depth)  -- calls a metamethod
  if depth < maxblocks then
    p.log("sum", p:value "operand" + p.random(9))
  end
end)

action(2, function(p)  -- iterates
  if p.depth < maxdepth then
    local depth, n = p.depth, p.random(4)
    p.depth = depth + 1
    for v, w in p.co.wrap(p:body()) do
      p.depth = depth
      p.log("iterates", v, w)
      n = n - 1
      if n == 0 then
        break
      end
      p.depth = depth + 1
    end
    p.depth = depth
  end
end)

action(1, function(p)  -- forgets
  p.threads[p.random(slots)] = nil
  p.functions[p.random(slots)] = nil
end)

action(1, function()  -- returns
  return true
end)

-- The program itself: what runs in main, over and over until all is done.
local function interpret(seed)
  return function(co, log)
    local p = setmetatable({co = co, log = log, random = generator(seed), depth = 0,
      left = operations, threads = {}, functions = {}}, program)
    while p.left > 0 do
      p.depth = 0
      log("main", pcall(p.block, p, 1))
    end
    for i = 1, slots do
      local c = p.threads[i]
      log(i, c and co.status(c), c and pcall(co.close, c))
    end
  end
end

local seeds = {1, 2, 42, 2024, 31337, 987654321}
if helper.mode == "collector" then  -- slow: every few allocations a collection
  seeds = {3}
end

describe("a random program agrees with stock Lua, seed", function()
  for _, seed in ipairs(seeds) do
    it(tostring(seed), same(interpret(seed)))
  end
end)

-- After compact yields a thread is anybody's, so any mixture will do.
describe("a random program on both libraries at once agrees, seed", function()
  local function mixture(seed)
    local random = generator(seed)
    return setmetatable({}, {__index = function(_, name)
      return random(2) == 1 and cfiber[name] or stock[name]
    end})
  end

  for _, seed in ipairs(seeds) do
    it(tostring(seed), function()
      helper.withconfig({native_limit = 0}, helper.agree, interpret(seed), mixture(seed))
    end)
  end
end)
