-- permutations.lua: pulls values out of a recursion in C
-- usage: make examples && eval "$(make -s env)" && lua5.4 spec/examples/permutations.lua

local cfiber = require "cfiber"
local permutations = require "permutations"

for p in cfiber.iter(permutations, {"a", "b", "c"}) do
  print(table.concat(p, " "))
end

-- Whoever has seen enough leaves.
for p in cfiber.iter(permutations, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) do
  if p[1] > p[2] then
    print(table.concat(p, " "))
    break
  end
end
