-- sieve.lua: prime numbers through a growing chain of filters
local function numbers(from)
  return coroutine.wrap(function()
    for i = from, math.huge do
      coroutine.yield(i)
    end
  end)
end

local function without(prime, source)
  return coroutine.wrap(function()
    for number in source do
      if number % prime ~= 0 then
        coroutine.yield(number)
      end
    end
  end)
end

local source = numbers(2)
for i = 1, 80 do
  local prime = source()
  io.write(prime, i % 10 == 0 and "\n" or " ")
  source = without(prime, source)
end
