-- permutations.lua: a generator that recurses in place
local function permute(list, n)
  if n == 0 then
    coroutine.yield(list)
  end
  for i = 1, n do
    list[n], list[i] = list[i], list[n]
    permute(list, n - 1)
    list[n], list[i] = list[i], list[n]
  end
end

local function permutations(list)
  return coroutine.wrap(function()
    permute(list, #list)
  end)
end

local count = 0
for list in permutations {"red", "green", "blue", "white"} do
  count = count + 1
  print(count, table.concat(list, " "))
end

local fixed = 0
for list in permutations {1, 2, 3, 4, 5, 6, 7} do
  local moved = true
  for i, value in ipairs(list) do
    moved = moved and value ~= i
  end
  fixed = fixed + (moved and 0 or 1)
end
print(fixed .. " of 5040 permutations of seven leave something in its place")
