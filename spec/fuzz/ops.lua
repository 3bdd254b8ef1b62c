-- ops.lua: the operations that stock coroutines have too

local machine = require "machine"

local ops = machine.ops

-- ---------------------------------------------------------------------------
-- Coroutines

function ops.create(m, node)
  local co = m:library(node).create(m:body(node.body), not m.strict and node.size or nil)
  m:recordof(co).ordinary = true
  m.threads[node.slot] = co
end

function ops.wrap(m, node)
  local lib = m:library(node)
  m.functions[node.slot] = lib.wrap(m:body(node.body, lib == m.stock))
end

function ops.drop(m, node)
  m.threads[node.slot], m.functions[node.slot] = nil, nil
end

-- The running thread, where cfiber may resume it.
function ops.keep(m, node)
  if not m:record().hidden then
    m.threads[node.slot] = m.co.running()
  end
end

-- Stock functions must not see how cfiber suspended a thread: it depends.
local function resumer(m, node, co)
  local lib = m:library(node)
  if lib == m.stock and not m.strict and not m:recordof(co).ordinary then
    return m.co
  end
  return lib
end

--- Gets 'co' ready to be resumed; returns false where that is too deep.
function machine:readies(co, lib)
  if not self:enter() then
    return false
  end
  if self.co.status(co) == "suspended" then
    local r = self:recordof(co)
    r.by = lib == self.stock and "stock" or "fiber"
    r.ordinary = false
  end
  return true
end

function ops.resume(m, node)
  local co = m:thread(node.slot)
  if co then
    local lib = resumer(m, node, co)
    if m:readies(co, lib) then
      m:log("resumed", lib.resume(co, m:values(node.values)))
    end
  end
end

function ops.call(m, node)
  local f = m:wrapped(node.slot)
  if f and m:enter() then
    if node.how == "pcall" then
      local r = m:protect(pcall, f, m:values(node.values))
      m:log("called", table.unpack(r, 1, r.n))
    else
      m:log("called", f(m:values(node.values)))
    end
  end
end

local function plainyield(m, r, lib, ...)
  local results = table.pack(lib.yield(...))
  m:arrived(r)
  return table.unpack(results, 1, results.n)
end

local ways = {
  plain = plainyield,
  pcall = function(m, r, lib, ...)
    local results = m:protect(pcall, lib.yield, ...)
    m:arrived(r)
    return table.unpack(results, 1, results.n)
  end,
  tail = function(m, r, lib, ...)
    local results = table.pack((function(...) return lib.yield(...) end)(...))
    m:arrived(r)
    return table.unpack(results, 1, results.n)
  end,
}

function ops.yield(m, node)
  if not m:mayyield() then
    return
  end
  local lib = m:library(node)
  local r = m:leaving(lib)
  m:log("yields", m:values(node.values))
  m:log("goes on", ways[node.how](m, r, lib, m:values(node.values)))
end

function ops.status(m, node)
  local co = m:thread(node.slot)
  if co then
    m:log("status", m.co.status(co), m.co.running())
  end
  if m:mayyield() then
    m:log("yieldable", m.co.isyieldable())
  end
  if co and m.co.status(co) == "suspended" or not m.strict then
    m:log("it is", m.co.isyieldable(co))
  end
end

function ops.close(m, node)
  local co = m:thread(node.slot)
  if not co then
    return
  end
  local r, lib = m:recordof(co), resumer(m, node, co)
  local closes = m.co.status(co) ~= "running" and m.co.status(co) ~= "normal"
  r.closing = closes or r.closing
  m:enter()
  m:log("closed", m:closes(pcall, lib.close, co))
end

-- ---------------------------------------------------------------------------
-- Errors

ops["error"] = function(m, node)
  error(m:value(node.value), node.level)
end

local faults = {
  function(x) return x.field end,
  function(x) return x() end,
  function(x) return x + 1 end,
  function(x) return x < 1 end,
  function() return ("x"):rep(-1):bad() end,
  function() return setmetatable({}, {__close = 1}) .. "x" end,
  function() local x <close> = 42 return x end,
}

function ops.fault(_, node)
  faults[node.kind](nil)
end

function ops.pcall(m, node)
  local r = m:protect(pcall, m.run, m, node[1])
  m:log("pcall", table.unpack(r, 1, r.n))
end

local answers = {
  same = function(e) return e end,
  traceback = function(e) return debug.traceback(e) end,
  values = function(e) return 1, e end,
  fails = function(e) error(e, 0) end,
}

-- A handler that fails is called again, until Lua's limit of C calls, which is
-- another in each coroutine, and at which finalizers are lost (023 in
-- spec/regress): it fails twice at most.
local function handler(m, node)
  local calls = 0
  return function(e)
    calls = calls + 1
    m:log("handles", e)
    if calls > 2 then
      return e
    end
    local r = m:record()
    r.answering = r.answering + 1
    m:inside(node[2])
    r.answering = r.answering - 1
    return answers[node.answer](e)
  end
end

function ops.xpcall(m, node)
  local thread = m:record()
  local answering = thread.answering
  local r = m:protect(xpcall, m.run, handler(m, node), m, node[1])
  thread.answering = answering  -- handlers may not have returned
  m:log("xpcall", table.unpack(r, 1, r.n))
end

-- ---------------------------------------------------------------------------
-- To-be-closed variables

local function closing(m, block)
  return setmetatable({}, {__close = function(_, e)
    m:handle(block, e)
  end})
end

function ops.scope(m, node)
  local _ <close> = closing(m, node[2])
  return m:run(node[1])
end

-- Two of them, which are closed one after the other.
function ops.scopes(m, node)
  local _ <close> = closing(m, node[2])
  local _ <close> = closing(m, node[3])
  return m:run(node[1])
end

-- The fourth value of a generic 'for'.
function ops.forclose(m, node)
  for i in function(n, i) return i < n and i + 1 or nil end, node.n, 0, closing(m, node[2]) do
    m:log("iteration", i)
    if m:run(node[1]) then
      break
    end
  end
end

-- ---------------------------------------------------------------------------
-- Calls that Lua makes

function ops.loop(m, node)
  for _ = 1, node.n do
    if m:run(node[1]) then
      return true
    end
  end
end

ops["return"] = function()
  return true
end

-- A body in a generic 'for'.
function ops.forwrap(m, node)
  if not m:enter() then
    return
  end
  local lib, n = m:library(node), 0
  for v, w in lib.wrap(m:body(node.body, lib == m.stock)) do
    n = n + 1
    m:log("iterates", v, w)
    if n == node.n or m:run(node[1]) or not m:enter() then
      break
    end
  end
end

-- Without __concat: Lua 5.4.4 keeps a pointer to its stack while it calls that
-- (luaV_concat), which is wrong afterwards if the stack has grown.
local events = {
  __index = function(x) return x.y end,
  __newindex = function(x) x.y = 1 end,
  __call = function(x) return x(1, 2) end,
  __add = function(x) return x + 1 end,
  __unm = function(x) return -x end,
  __len = function(x) return #x end,
  __lt = function(x) return x < x end,
  __le = function(x) return x <= 1 end,
  __eq = function(x) return x == setmetatable({}, getmetatable(x)) end,
}

function ops.meta(m, node)
  local x = setmetatable({}, {[node.event] = function()
    m:run(node[1])
    return node.n
  end})
  m:log(node.event, events[node.event](x))
end

-- ---------------------------------------------------------------------------
-- Calls that C functions make

-- A function that runs a block at its n-th call.
local function callback(m, node, f)
  local calls = 0
  return function(...)
    calls = calls + 1
    if calls == node.n then
      m:inside(node[1])
    end
    return f(...)
  end
end

local places = {}

function places.sort(m, node)
  local t = {3, 5, 1, 4, 2}
  table.sort(t, callback(m, node, function(a, b) return a < b end))
  return table.concat(t, " ")
end

function places.sortlt(m, node)
  local mt = {__lt = callback(m, node, function(a, b) return a.x < b.x end)}
  local t = {}
  for i = 1, 4 do
    t[i] = setmetatable({x = -i}, mt)
  end
  table.sort(t)
  return t[1].x
end

function places.gsub(m, node)
  return (string.gsub("abc", "%a", callback(m, node, string.upper)))
end

function places.gsubtable(m, node)
  return (string.gsub("abc", "%a", setmetatable({}, {__index = callback(m, node, function(_, k) return k .. k end)})))
end

function places.tostring(m, node)
  return tostring(setmetatable({}, {__tostring = callback(m, node, function() return "text" end)}))
end

function places.format(m, node)
  local x = setmetatable({}, {__tostring = callback(m, node, function() return "text" end)})
  return ("%s %s"):format(x, x)
end

-- 'load' catches errors of the function that it calls, below itself.
function places.load(m, node)
  local parts = {"return ", "1 ", "+ 1"}
  local i, r = 0, m:record()
  local catch = r.catch
  r.catch = r.barrier + 1
  local f, err = load(callback(m, node, function()
    i = i + 1
    return parts[i]
  end), "=loaded")
  r.catch = catch
  return assert(f, err)()
end

function places.require(m, node)
  local name = "fuzz.module" .. node.n
  package.loaded[name] = nil
  package.preload[name] = callback(m, node, function(n) return n end)
  return require(name)
end

function places.unpack(m, node)
  return table.unpack(setmetatable({}, {__index = callback(m, node, function(_, k) return k end)}), 1, 3)
end

function places.insert(m, node)
  local t = setmetatable({}, {__newindex = callback(m, node, rawset), __len = function() return 2 end})
  table.insert(t, "x")
  return t[3]
end

function places.concat(m, node)
  return table.concat(setmetatable({}, {__index = callback(m, node, function(_, k) return k end)}), ",", 1, 3)
end

function places.ipairs(m, node)
  local n = 0
  local t = setmetatable({}, {__index = callback(m, node, function(_, k) return k < 4 and k or nil end)})
  for _, v in ipairs(t) do
    n = n + v
  end
  return n
end

-- 'select' and 'next' call nothing: between C functions only.
function places.pcallsort(m, node)
  local t = {2, 3, 1}
  local r = m:protect(pcall, table.sort, t, callback(m, node, function(a, b) return a < b end))
  return r[1], r[2], t[1]
end

function ops.below(m, node)
  m:log(node.place, places[node.place](m, node))
end

-- ---------------------------------------------------------------------------
-- Hooks and the collector

-- What runs at times that must not show takes no part in the trace, and checks
-- what it does.
local function checkcoroutine(m)
  local lib = m.co
  local f = lib.wrap(function(x) return lib.yield(x + 1) + 1 end)
  if f(1) ~= 2 or f(5) ~= 6 then
    m:problem "a coroutine gives wrong values"
  end
end

-- Lua executes the instruction that closes variables once more when a handler
-- of them yields, unless natively, and finalizers count too: a count hook is
-- called at other times.
local function counting(m, node)
  local calls = 0
  return function()
    calls = calls + 1
    if calls == node.n then
      checkcoroutine(m)
    end
  end
end

local function hooking(m, node)
  local calls = 0
  return function()
    calls = calls + 1
    if calls == node.n and not m:hasstalehandler() then
      m:log("hook", calls)
      m:inside(node[2])
    end
  end
end

-- In a message handler for what was thrown into a compactly suspended fiber no
-- hook is called: the error comes out of one.
function ops.hook(m, node)
  if m:record().answering == 0 then
    debug.sethook((node.count > 0 and counting or hooking)(m, node), node.mask, node.count)
  end
  local r = m:protect(pcall, m.run, m, node[1])
  debug.sethook()
  m:log("hooked", table.unpack(r, 1, r.n))
  if not r[1] then
    error(r[2], 0)
  end
end

local collections = {
  full = function() collectgarbage() end,
  step = function(_, n) collectgarbage("step", n) end,
  generational = function() collectgarbage "generational" end,
  incremental = function(_, n) collectgarbage("incremental", n + 50, n + 50, n % 13) end,
  stopped = function(m, n)
    m.stops = m.stops + 1  -- a hook may collect meanwhile, or not let it end
    collectgarbage "stop"
    for i = 1, n do
      local _ = {{i}}
    end
    collectgarbage "restart"
    m.stops = m.stops - 1
  end,
}

function ops.collect(m, node)
  collections[node.kind](m, node.n)
  if m.stops == 0 and not collectgarbage "isrunning" then
    m:problem "the collector is stopped"
  end
end

function ops.finalize(m)
  setmetatable({}, {__gc = function()
    checkcoroutine(m)
    if pcall(m.co.yield) then
      m:problem "a yield left a finalizer"
    end
  end})
end

function ops.traceback(m, node)
  local co = m:thread(node.slot)
  if co then
    m:log("traceback", debug.traceback(co, node.message, node.level))
  end
end
