-- generate.lua: random programs from a seed
--
-- Each program has its own choice of operations and of how frequent they are,
-- so that rare ones meet each other often in some programs. See machine.lua
-- for what a program is; all in it is tables, strings, numbers and booleans.

local generate = {}

local BODIES = 5
local SLOTS = 4
local NESTING = 4  -- of blocks in blocks: see DEPTH in machine.lua
local NODES = 90  -- of one program, roughly

--- Numbers from 1 to n, the same for one seed everywhere (xorshift).
function generate.numbers(seed)
  local x = (seed + 1) * 0x9E3779B97F4A7C15 | 1
  return function(n)
    x = x ~ (x << 13)
    x = x ~ (x >> 7)
    x = x ~ (x << 17)
    return (x >> 11) % n + 1
  end
end

local generator = {}
generator.__index = generator

-- ---------------------------------------------------------------------------
-- Fields of nodes: functions that make a value

local function among(...)
  local list = {...}
  return function(g)
    return list[g.random(#list)]
  end
end

local function number(n)
  return function(g)
    return g.random(n)
  end
end

local function block(g, depth)
  return g:block(depth + 1, 6)
end

local slot, body = number(SLOTS), number(BODIES)
local literal = among(1, 2.5, "s", true, false, "@nil", "@table", "@self", "@thread", "@print")
local errorvalue = among("message", "message", "another", 42, true, "@nil", "@table", "@printable", "@thread")

local function values(g)
  local list = {}
  for i = 1, g.random(5) - 1 do
    list[i] = literal(g)
  end
  return list
end

local function lib(g)
  return g.kind == "all" and g.random(4) == 1 and "stock" or nil
end

local function size(g)
  return g.random(5) == 1 and g.random(6) * 100000 or nil
end

local function up(g)
  local n = g.random(5)
  return n < 5 and n - 1 or nil
end

-- ---------------------------------------------------------------------------
-- Operations

local makers = {}

-- An operation, its usual weight, and the fields of its nodes in the order in
-- which they are made: the same program for the same seed.
local function op(kind, name, weight, ...)
  makers[#makers + 1] = {kind = kind, name = name, weight = weight, fields = {...}}
end

op("stock", "create", 7, "slot", slot, "body", body, "lib", lib, "size", size)
op("stock", "wrap", 4, "slot", slot, "body", body, "lib", lib)
op("stock", "drop", 1, "slot", slot)
op("stock", "keep", 1, "slot", slot)
op("stock", "resume", 14, "slot", slot, "lib", lib, "values", values)
op("stock", "call", 6, "slot", slot, "how", among("pcall", "plain"), "values", values)
op("stock", "yield", 12, "how", among("plain", "pcall", "tail"), "lib", lib, "values", values)
op("stock", "status", 3, "slot", slot)
op("stock", "close", 4, "slot", slot, "lib", lib)
op("stock", "error", 2, "value", errorvalue, "level", among(0, 1, 2))
op("stock", "fault", 1, "kind", number(7))
op("stock", "return", 1)
op("stock", "pcall", 4, 1, block)
op("stock", "xpcall", 3, 1, block, 2, block, "answer", among("same", "traceback", "values", "fails"))
op("stock", "scope", 5, 1, block, 2, block)
op("stock", "scopes", 1, 1, block, 2, block, 3, block)
op("stock", "forclose", 2, "n", number(4), 1, block, 2, block)
op("stock", "loop", 3, "n", number(4), 1, block)
op("stock", "forwrap", 3, "body", body, "n", number(5), "lib", lib, 1, block)
op("stock", "meta", 4, "event", among("__index", "__newindex", "__call", "__add", "__unm", "__len", "__lt",
  "__le", "__eq"), "n", number(9), 1, block)
op("stock", "below", 8, "place", among("sort", "sortlt", "gsub", "gsubtable", "tostring", "format", "load", "require",
  "unpack", "insert", "concat", "ipairs", "pcallsort"), "n", number(3), 1, block)
op("stock", "hook", 2, "mask", among("l", "c", "r", "cr"), "count", among(0, 0, 0, 1, 7, 40), "n", number(30), 1, block,
  2, block)
op("stock", "collect", 3, "kind", among("full", "step", "generational", "incremental", "stopped"), "n", number(60))
op("stock", "finalize", 1)
op("stock", "traceback", 2, "slot", slot, "message", among("m", "n"), "level", among(0, 1))

op("all", "suspend", 7, "slot", slot, "up", up, "values", values)
op("all", "throw", 4, "slot", slot, "value", errorvalue)
op("all", "transfer", 4, "slot", slot, "values", values)
op("all", "exit", 1, "values", values)
op("all", "slice", 5, "slot", slot, "budget", among(1, 2, 7, 30, 100, 500), "n", number(40), "values", values)
op("all", "iter", 3, "body", body, "n", number(5), "values", values, 1, block)
op("all", "direct", 4, "place", among("gsub", "gsubtable", "sort", "pcall", "pcallpcall", "xpcall", "tostring", "load",
  "index", "unpack", "close", "hook"))
op("all", "inspect", 2, "slot", slot, "message", among("m", "n"))
op("all", "trim", 1)
op("all", "guardian", 1)

local essential = {create = true, resume = true, yield = true}

-- A list in which each operation stands as often as it is likely.
local function choose(g)
  local list = {}
  local without = g.random(2) == 1 and "slice" or "transfer"  -- see fiberops.lua
  for _, maker in ipairs(makers) do
    local factor = ({0, 1, 1, 3})[g.random(4)]
    if essential[maker.name] then
      factor = math.max(factor, 1)
    end
    if maker.name ~= without and (maker.kind == "stock" or g.kind == "all") then
      for _ = 1, maker.weight * factor do
        list[#list + 1] = maker
      end
    end
  end
  return list
end

function generator:node(depth)
  local maker = self.likely[self.random(#self.likely)]
  local node = {op = maker.name}
  for i = 1, #maker.fields, 2 do
    node[maker.fields[i]] = maker.fields[i + 1](self, depth)
  end
  return node
end

function generator:block(depth, n)
  local list = {}
  if depth <= NESTING then
    for i = 1, self.random(n) - 1 do
      if self.left <= 0 then
        break
      end
      self.left = self.left - 1
      list[i] = self:node(depth)
    end
  end
  return list
end

local function bodies(g)
  local list = {}
  for i = 1, BODIES do
    g.left = NODES // (BODIES + 1)
    list[i] = g:block(1, 12)
    list[i].results = values(g)
  end
  return list
end

local function main(g)
  g.left = NODES
  local list = {}
  for i = 1, 2 do  -- there is something to be resumed
    list[i] = {op = "create", slot = i, body = i}
  end
  while #list < 30 and g.left > 0 do
    g.left = g.left - 1
    list[#list + 1] = g:node(1)
  end
  return list
end

local collectors = among("incremental", "incremental", "generational", "eager")

--- The program of a seed. kind: "stock", what stock coroutines can do, or
-- "all". It executes at most 'fuel' operations.
function generate.program(seed, kind, fuel)
  local g = setmetatable({random = generate.numbers(seed), kind = kind}, generator)
  g.likely = choose(g)
  local program = {seed = seed, kind = kind, fuel = fuel, collector = collectors(g)}
  program.bodies = bodies(g)
  program.main = main(g)
  program.rounds = g.random(3)
  return program
end

return generate
