-- control.lua: suspend, transfer, throw, against what stock can do instead

local bench = require "bench"

local cfiber, stock = bench.cfiber, bench.stock

-- Out of 'depth' levels and in again: at once.
local function suspend(depth)
  local resume, leave = cfiber.resume, cfiber.suspend
  local outer
  local function level(n)
    if n > 0 then
      assert(resume(cfiber.create(level), n - 1))
    end
    while true do
      leave(outer)
    end
  end
  outer = cfiber.create(level)
  resume(outer, depth)
  return function(n)
    for _ = 1, n do
      resume(outer)
    end
  end
end

-- The same where each level yields and is resumed.
local function yields(depth)
  local resume, yield = stock.resume, stock.yield
  local function level(n)
    local inner = n > 0 and stock.create(level)
    while true do
      if inner then
        resume(inner, n - 1)
      end
      yield()
    end
  end
  local outer = stock.create(level)
  resume(outer, depth)
  return function(n)
    for _ = 1, n do
      resume(outer)
    end
  end
end

-- Each of 'size' passes on to the next.
local function transfer(size)
  local go, left = cfiber.transfer, 0
  local ring = {}
  for i = 1, size do
    ring[i] = cfiber.create(function()
      local after = ring[i % size + 1]
      while true do
        left = left - 1
        if left > 0 then
          go(after)
        else
          cfiber.yield(i)
        end
      end
    end)
  end
  local at = 1
  return function(n)
    left = n
    at = select(2, cfiber.resume(ring[at]))
  end
end

-- The same through a loop that resumes the next.
local function turns(size)
  local resume, yield = stock.resume, stock.yield
  local ring = {}
  for i = 1, size do
    ring[i] = stock.create(function()
      while true do
        yield(i % size + 1)
      end
    end)
  end
  local at = 1
  return function(n)
    local ok
    for _ = 1, n do
      ok, at = resume(ring[at])
    end
    assert(ok)
  end
end

local function throw()
  local raise, yield = cfiber.throw, cfiber.yield
  local thread = cfiber.create(function()
    while true do
      pcall(yield)
    end
  end)
  cfiber.resume(thread)
  return function(n)
    for _ = 1, n do
      raise(thread, "error")
    end
  end
end

-- The same where the body raises what it is told to.
local function told()
  local resume, yield = stock.resume, stock.yield
  local function ask()
    local err = yield()
    if err then
      error(err, 0)
    end
  end
  local thread = stock.create(function()
    while true do
      pcall(ask)
    end
  end)
  resume(thread)
  return function(n)
    for _ = 1, n do
      resume(thread, "error")
    end
  end
end

for _, depth in ipairs {1, 10, 100} do
  bench.compare("suspend" .. depth, ("suspend through %d (stock: %d yields)"):format(depth, depth + 1),
    suspend(depth), yields(depth))
end
for _, size in ipairs {2, 1000} do
  bench.compare("transfer" .. size, ("transfer in a ring of %s (stock: by a loop)"):format(bench.commas(size)),
    transfer(size), turns(size))
end
bench.compare("throw", "throw + catch (stock: told to raise)", throw(), told())
