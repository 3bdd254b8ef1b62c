-- matrix.lua: the product of two matrices on a grid of cells
--
-- A cell takes a number from the left and one from above, adds their product
-- to its own and passes both on.
local function cell()
  return coroutine.wrap(function(left, above)
    local sum = 0
    while left do
      sum = sum + left * above
      left, above = coroutine.yield(left, above)
    end
    return sum
  end)
end

local function multiply(a, b)
  local n = #a
  local cells = {}
  for i = 1, n do
    cells[i] = {}
    for j = 1, n do
      cells[i][j] = cell()
    end
  end
  for k = 1, n do
    local above = {table.unpack(b[k])}
    for i = 1, n do
      local left = a[i][k]
      for j = 1, n do
        left, above[j] = cells[i][j](left, above[j])
      end
    end
  end
  local product = {}
  for i = 1, n do
    product[i] = {}
    for j = 1, n do
      product[i][j] = cells[i][j]()
    end
  end
  return product
end

local function rows(m)
  return coroutine.wrap(function()
    for _, row in ipairs(m) do
      coroutine.yield(table.concat(row, "\t"))
    end
  end)
end

local a, b = {}, {}
for i = 1, 6 do
  a[i], b[i] = {}, {}
  for j = 1, 6 do
    a[i][j], b[i][j] = i + j, i * j % 7
  end
end
for line in rows(multiply(a, multiply(b, a))) do
  print(line)
end
