-- threads.lua: the life of one Lua state of threads.c
-- Returns a function that takes a step and one that tells what came of all.

local seed, counts = ...
local cfiber = require "cfiber"
local host = require "host"
local iscpp, objects = pcall(require, "objects")

cfiber.config {native_limit = seed % 2 * 1000}  -- half of them compact where they can be

local yield = cfiber.yield
local sum = seed

local function note(...)
  for i = 1, select("#", ...) do
    local text = tostring((select(i, ...)))
    for _, byte in ipairs {text:byte(1, -1)} do
      sum = (sum * 31 + byte) % 1000000007
    end
  end
end

local function suspending(f)
  local inner = cfiber.create(f)
  return cfiber.resume(inner)
end

-- Bodies of fibers, each with a way of being suspended
local bodies = {
  function(n)  -- compactly or natively, as it comes
    for i = 1, 40 do
      n = n + yield(n, i)
    end
    return n
  end,
  function(n)  -- below a C function
    local list = {}
    for i = 1, 12 do
      list[i] = (i * n) % 13
    end
    table.sort(list, function(a, b)
      note(yield(a, b))
      return a < b
    end)
    return table.concat(list, " ")
  end,
  function(n)
    return (("abcdef"):gsub("%l", function(letter)
      return letter .. yield(letter) + n
    end))
  end,
  host.each,  -- in C, with variables on the stack
  function(n)  -- inside a pcall in a C function, with errors
    local function fail(key)
      error(key .. yield(key), 0)
    end
    for i = 1, 5 do
      note(pcall(string.gsub, "a" .. i + n, "%d+", fail))
    end
  end,
  function()  -- with fibers inside
    local outer = cfiber.running()
    return suspending(function()
      for i = 1, 8 do
        note(cfiber.suspend(outer, i))
      end
      return "inside"
    end)
  end,
  function(n)  -- with something to close
    local closed <close> = setmetatable({}, {__close = function()
      note("closed", n)
    end})
    local text = ("x"):rep(9):gsub("x", yield)
    return text, closed ~= nil
  end,
  function()  -- by a transfer to one that comes back
    local this = cfiber.running()
    for i = 1, 4 do
      note(cfiber.transfer(cfiber.create(function(...)
        note(yield("instead", i))
        cfiber.transfer(this, ...)
      end), i))
    end
  end,
}

local function work()
  local n = 0
  for i = 1, 3000 do
    n = (n + i * i) % 65537
  end
  return n
end

if iscpp then
  objects = objects(counts)
  table.move({
    function(n)  -- in C++, with an exception caught
      for i = 1, 3 do
        note(objects.within(n + i, function()
          note(yield(i), yield(n))
        end))
      end
    end,
    function(n)  -- in C++ on two stacks, with an exception caught on each
      local outer = cfiber.running()
      note(objects.within("outer" .. n, function()
        note(suspending(function()
          return objects.within("inner" .. n, function()
            note(cfiber.suspend(outer, n))
          end)
        end))
      end))
    end,
    function(n)  -- in C++ with objects alone
      for i = 1, 9 do
        note(objects.hold(yield, n, i))
      end
    end,
  }, 1, 3, #bodies + 1, bodies)
end

local fibers, sliced, steps = {}, nil, 0

local function stepslice()
  sliced = sliced or cfiber.create(work)
  local _, how, result = cfiber.slice(sliced, 2000)
  if how == "return" then
    note(result)
    sliced = nil
  end
end

-- Suspends some below C and C++ frames, for the collector to find.
local function litter()
  cfiber.resume(cfiber.create(bodies[3]), steps)
  cfiber.resume(cfiber.create(bodies[#bodies]), steps)
  collectgarbage(steps % 8 == 0 and "collect" or "step")
end

local function step()
  steps = steps + 1
  for i, body in ipairs(bodies) do
    if not fibers[i] or cfiber.status(fibers[i]) == "dead" then
      fibers[i] = cfiber.create(body)
    end
    note(select(2, assert(cfiber.resume(fibers[i], steps + i + seed))))
  end
  if steps % 5 == 0 then
    note(cfiber.close(fibers[steps % #bodies + 1]))
  end
  stepslice()
  litter()
end

-- In C++ the OS thread has an exception caught, too, while it takes a step.
return iscpp and function()
  note(objects.within("step" .. steps, step))
end or step, function()
  local stats = cfiber.stats()
  assert(stats.native_yields > 0 and stats.compact_yields > 0)
  assert(stats.suspended > 0)
  return sum
end
