-- trees.lua: walks of trees by generators inside generators, compared
local function tree(keys, first, last)
  if first > last then
    return nil
  end
  local middle = (first + last) // 2
  return {key = keys[middle], left = tree(keys, first, middle - 1), right = tree(keys, middle + 1, last)}
end

local function vine(keys)
  local root
  for i = #keys, 1, -1 do
    root = {key = keys[i], right = root}
  end
  return root
end

local function walk(node)
  return coroutine.wrap(function()
    if node then
      for key in walk(node.left) do
        coroutine.yield(key)
      end
      coroutine.yield(node.key)
      for key in walk(node.right) do
        coroutine.yield(key)
      end
    end
  end)
end

local function samefringe(a, b)
  local nexta, nextb = walk(a), walk(b)
  local steps = 0
  while true do
    local x, y = nexta(), nextb()
    steps = steps + 1
    if x ~= y then
      return false, ("%s is not %s after %d steps"):format(x, y, steps)
    elseif x == nil then
      return true, steps .. " steps"
    end
  end
end

local keys = {}
for i = 1, 40 do
  keys[i] = i * i
end
for key in walk(tree(keys, 1, #keys)) do
  io.write(key, " ")
end
print()
print(samefringe(tree(keys, 1, #keys), vine(keys)))
keys[38] = "other"
print(samefringe(vine {1, 4, 9}, vine {1, 4, 9}))
print(samefringe(tree(keys, 1, 37), vine(keys)))
print(samefringe(nil, nil))
