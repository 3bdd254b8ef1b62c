-- fiberops.lua: the operations that only fibers have

local machine = require "machine"

local ops = machine.ops

-- ---------------------------------------------------------------------------
-- Control

-- The running fiber, or one that is resuming it, 'up' levels out.
local function around(m, up)
  local co = m.co.running()
  for _ = 1, up do
    co = m.co.info(co).resumer or co
  end
  return co
end

function ops.suspend(m, node)
  local co = node.up and around(m, node.up) or m:thread(node.slot)
  if co then
    local r = m:record()
    m:log("suspends", co)
    local results = m:protect(pcall, m.co.suspend, co, m:values(node.values))
    m:arrived(r)
    m:log("goes on", table.unpack(results, 1, results.n))
    if not results[1] then
      error(results[2], 0)
    end
  end
end

-- Every operation that may resume takes this way.
local function resuming(name, results)
  ops[name] = function(m, node)
    local co = m:thread(node.slot)
    if co and m:readies(co, m.co) then
      m:log(name, results(m, node, co))
    end
  end
end

resuming("throw", function(m, node, co)
  return m.co.throw(co, m:value(node.value))
end)

local function between(m, node, co, times)
  if times % 5 == node.n % 5 then
    collectgarbage("step", node.n)
  elseif times % 7 == 0 then
    m.co.list()
    m.co.traceback(co)
    debug.traceback(co)
  end
end

-- In slices until it comes back on its own, or at last without. Where it was
-- stopped depends on what finalizers did, and must not show, in tracebacks
-- neither: so there is one call. The machine is left as it was at that moment.
resuming("slice", function(m, node, co)
  local f, args = m.co.slice, table.pack(node.budget, m:values(node.values))
  local results
  for times = 1, math.huge do
    results = table.pack(f(co, table.unpack(args, 1, args.n)))
    if f ~= m.co.slice or not results[1] then
      break
    elseif results[2] ~= "budget" then
      table.remove(results, 2)
      results.n = results.n - 1
      break
    end
    between(m, node, co, times)
    args = {n = 1, node.budget}
    if times == node.n then
      f, args = m.co.resume, {n = 1, "this goes nowhere"}
    end
  end
  return table.unpack(results, 1, results.n)
end)

-- The one that takes the place of a fiber in a slice is stopped instead of it:
-- when, shows. So a program has either slices or transfers.
function ops.transfer(m, node)
  local co = m:thread(node.slot)
  if co then
    local r = m:leaving(m.co)
    if m.co.status(co) == "suspended" then
      m:recordof(co).by, m:recordof(co).ordinary = "fiber", false
    end
    m.entering = r.depth
    m:log("transfers to", co)
    local results = m:protect(pcall, m.co.transfer, co, m:values(node.values))
    m:arrived(r)
    m:log("goes on", table.unpack(results, 1, results.n))
  end
end

-- The message handlers of what it leaves are not forgotten: see
-- machine.handle.
ops["exit"] = function(m, node)
  m.closings = m.closings + 1
  m.co.exit(m:values(node.values))
end

-- ---------------------------------------------------------------------------
-- Iteration

function ops.iter(m, node)
  if not m:enter() then
    return
  end
  local n = 0
  m.closings = m.closings + 1
  for v, w in m.co.iter(m:body(node.body), m:values(node.values)) do
    n = n + 1
    m:log("iterates", v, w)
    if n == node.n or m:run(node[1]) or not m:enter() then
      break
    end
  end
  m.closings = m.closings - 1
end

-- ---------------------------------------------------------------------------
-- Yields that C functions call

local direct = {
  gsub = function(m) return string.gsub("ab", "%a", m.co.yield) end,
  gsubtable = function(m) return string.gsub("ab", "%a", setmetatable({}, {__index = m.co.yield})) end,
  sort = function(m)
    local t = {1, 2, 3}
    table.sort(t, m.co.yield)
    return table.unpack(t)
  end,
  pcall = function(m) return pcall(m.co.yield, 1, 2) end,
  pcallpcall = function(m) return pcall(pcall, m.co.yield, 1) end,
  xpcall = function(m)  -- a handler that fails would be called again and again
    return xpcall(error, function(e) return select(2, pcall(m.co.yield, e)) end, "message")
  end,
  tostring = function(m) return tostring(setmetatable({}, {__tostring = m.co.yield})) end,
  load = function(m) return type(load(m.co.yield)) end,
  index = function(m) return setmetatable({}, {__index = m.co.yield}).field end,
  unpack = function(m) return table.unpack(setmetatable({}, {__index = m.co.yield}), 1, 2) end,
  close = function(m)
    local _ <close> = setmetatable({}, {__close = m.co.yield})
    return "closed"
  end,
  hook = function(m)
    debug.sethook(function()
      debug.sethook()
      m.co.yield "from a hook"
    end, "l")
    local x = 1
    debug.sethook()  -- inside of another hook it was not called
    return x + 1
  end,
}

function ops.direct(m, node)
  local r = m:leaving(m.co)
  local results = m:protect(pcall, direct[node.place], m)
  m:arrived(r)
  m:log("direct", node.place, table.unpack(results, 1, results.n))
end

-- ---------------------------------------------------------------------------
-- Looks, limits, finalizers

-- Of the order of suspended threads nothing is said.
function ops.inspect(m, node)
  local co = m:thread(node.slot)
  local stats, list = m.co.stats(), m.co.list()
  if #list > stats.mounted and not debug.gethook() then  -- a hook may mount some in between
    m:problem "more threads are listed than mounted"
  end
  m:log("chain", m.co.traceback(node.message))
  if co then
    m:log("info", m.co.info(co).status, m.co.info(co).resumer)
  end
end

function ops.trim(m)
  if m.co.trim() < 0 then
    m:problem "trim gave less than nothing back"
  end
end

-- A finalizer resumes a thread that is unreachable, like itself, and was
-- suspended below a C function: it goes on, or is dead.
function ops.guardian(m)
  local lib = m.co
  local co = lib.create(function()
    string.gsub("x", "x", function() return lib.yield() end)
    return "survived"
  end)
  lib.resume(co)
  setmetatable({co}, {__gc = function(self)
    local ok, result = lib.resume(self[1])
    if ok and result ~= "survived" or not ok and result ~= "cannot resume dead coroutine" then
      m:problem("a finalizer resumed a thread: " .. tostring(result))
    end
    if pcall(lib.suspend, (lib.running())) then
      m:problem "a suspend left a finalizer"
    end
  end})
end
