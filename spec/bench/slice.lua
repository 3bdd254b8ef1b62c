-- slice.lua: code in slices of an instruction budget, against one run of it

local bench = require "bench"

local cfiber = bench.cfiber
local create, resume, slice = cfiber.create, cfiber.resume, cfiber.slice

local INSTRUCTIONS = 100000

-- Executes about so many instructions, in calls and a loop.
local function work()
  local function add(a, b)
    return a + b
  end
  local sum = 0
  for i = 1, INSTRUCTIONS // 8 do  -- a MOVE of each, CALL, ADD, RETURN, FORLOOP
    sum = add(sum, i)
  end
  return sum
end

local function whole(n)
  for _ = 1, n do
    resume(create(work))
  end
end

local function sliced(budget)
  return function(n)
    for _ = 1, n do
      local co = create(work)
      repeat
        local _, how = slice(co, budget)
      until how == "return"
    end
  end
end

for _, budget in ipairs {100, 1000, 10000} do
  bench.compare("slice" .. budget, "an instruction, in slices of " .. bench.commas(budget), sliced(budget), whole,
    {against = "unsliced", count = INSTRUCTIONS})
end
