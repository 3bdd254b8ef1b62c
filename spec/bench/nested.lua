-- nested.lua: a value on its way through a hundred fibers

local bench = require "bench"

local DEPTH = 100

local function chain(co)
  local yield = co.yield
  local function level(depth)
    local inner = depth > 1 and level(depth - 1)
    return co.wrap(function()
      while true do
        yield(inner and inner() or depth)
      end
    end)
  end
  local outer = level(DEPTH)
  return function(n)
    for _ = 1, n do
      outer()
    end
  end
end

bench.both("nested", "resume + yield, each of 100 nested", chain, {count = DEPTH})
