-- failing_spec.lua: each system call fails at its first use, its second, and so
-- on, until a program that uses all of this library no longer meets the failure

local child = require "child"
local helper = require "helper"

if helper.mode ~= "plain" or not io.open "/proc/self/maps" then
  return  -- the child has no mode; it is preloaded, which Linux knows how to do
end

-- The life of a Lua state. Fails when something is not as it should be.
local life = [[
local call, wait, fail, always = %q, %d, %d, %q == "always"
package.cpath = %q
local failing = require "failing"
local unmet, refused

-- From now on nothing fails.
local function calm()
  if not unmet and not always then
    unmet = failing(call, 0, 0)
  end
end

-- Calls f; after a failure again.
local function try(f, ...)
  local result = table.pack(pcall(f, ...))
  if not result[1] then
    refused = result[2]
    assert(call == "mmap" or call == "mprotect" or call == "access", refused)
    assert(refused:find "^not enough memory %%(.*stack of %%d+ KB: Cannot allocate memory%%)$", refused)
    calm()
    if always then
      return nil
    end
    return f(...)
  end
  return table.unpack(result, 2, result.n)
end

failing(call, wait, fail)
local cfiber = require "cfiber"

-- A refusal leaves the fiber as it was.
local function resume(co, ...)
  local before = cfiber.status(co)
  local ok, value = try(function(...)
    assert(cfiber.status(co) == before)
    return cfiber.resume(co, ...)
  end, ...)
  assert(ok or always, value)
  return value
end

local function body(name)
  local _ <close> = setmetatable({}, {__close = coroutine.running})
  local inner = cfiber.create(function()
    return (("a"):gsub("a", cfiber.yield))
  end, 64 << 10)
  resume(inner)
  local s = ("bb"):gsub("b", function() return cfiber.yield(name) end)
  for _ = 1, 3 do
    s = s .. cfiber.yield(name)
  end
  return s .. tostring(resume(inner, "i"))
end

local function begin(n, size)
  local all = {}
  for i = 1, n do
    all[i] = cfiber.create(body, size)
    local value = resume(all[i], i)
    assert(value == i or always, value)
  end
  return all
end

local function finish(all)
  for i = 1, #all do
    for _ = 1, 4 do
      assert(resume(all[i], "r") == i or always)
    end
    assert(resume(all[i], "r") == "rrrrri" or always)
    assert(cfiber.status(all[i]) == "dead" or always)
  end
end

local function collect()
  for _ = 1, 3 do
    collectgarbage()
  end
end

local function work()
  local before = cfiber.config()
  local a = begin(5)
  local b = begin(3, 128 << 10)
  cfiber.config {stack_size = 192 << 10}
  local c = begin(3)
  finish(b)
  cfiber.trim()
  for i = 1, 3 do
    assert(cfiber.close(c[i]))
  end
  cfiber.config {pool_limit = 0, overflow_report = false}
  finish(begin(3))
  begin(3)
  collect()
  cfiber.config {pool_limit = 2, guard = "mprotect"}
  finish(begin(3))
  finish(a)
  cfiber.config(before)
end

work()
if not always then
  calm()
  assert(not refused or fail > 1, refused)
  refused = nil
  work()
  collect()
  cfiber.trim()
  assert(not refused, refused)
  local stats = cfiber.stats()
  assert(stats.mounted == 0 and stats.suspended == 0 and stats.pooled == 0, "a fiber is left")
  assert(stats.reserved == 0, stats.reserved .. " bytes are left")
  failing(call, unmet, 0)
end
]]

-- Runs lives until one does not meet the failure, which then is the last use.
-- Prints how many did.
local script = [[
  local call, fail, always, life = ...
  local failing, universe = require "failing", require "boundary".universe

  -- Bytes of memory that is no file's and not malloc's.
  local function memory()
    local sum = 0
    for line in io.lines "/proc/self/maps" do
      local from, to = line:match "^(%x+)%-(%x+) .* 0 +$"
      if from then
        sum = sum + tonumber(to, 16) - tonumber(from, 16)
      end
    end
    return sum
  end

  local file = assert(io.open(life))
  life = file:read "a"
  file:close()
  local function live(wait)
    local message = universe(life:format(call, wait, tonumber(fail), always, package.cpath))
    if message then
      error(("use %d: %s"):format(wait + 1, message))
    end
  end
  live(1 << 40)
  local before = memory()
  local n = 0
  repeat
    live(n)
    local wait = failing(call, 0, 0)
    n = n + 1
    if always == "once" or (call ~= "munmap" and call ~= "sigaltstack") then
      assert(memory() == before, ("use %d: %d bytes are lost"):format(n, memory() - before))
    end
  until wait > 0
  print(n - 1)
]]

local library = package.searchpath("failing", package.cpath)

-- How often the call was used, and failed each time in its turn.
local function uses(call, fail, always, way)
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write(life)
  file:close()
  local r = child.after(("export CFIBER_GUARD=%s LD_PRELOAD=%s"):format(way, child.quote(library)), script, call,
    math.tointeger(fail), always, name)
  os.remove(name)
  assert.same({"", 0}, {r.errors, r.status})
  return tonumber(r.output)
end

local ways = {mmap = "advice", munmap = "advice", madvise = "advice", mprotect = "mprotect", access = "advice",
  sigaltstack = "advice"}
local times = {[1] = "once", [2] = "twice", [1 << 30] = "until the first error"}

describe("A Lua state lives on and leaves nothing behind when", function()
  for call, way in pairs(ways) do
    for fail, words in pairs(times) do
      it(("%s fails %s, from any of its uses on"):format(call, words), function()
        local n = uses(call, fail, "once", way)
        assert.is_true(n >= (call == "sigaltstack" and 2 or 5), n)
      end)
    end

    it(("%s fails for ever, from any of its uses on"):format(call), function()
      local n = uses(call, 1 << 30, "always", way)
      assert.is_true(n >= (call == "sigaltstack" and 2 or 5), n)
    end)
  end
end)
