-- queens.lua: all placements of queens, one by one
local function free(rows, column, row)
  for i = 1, column - 1 do
    if rows[i] == row or math.abs(rows[i] - row) == column - i then
      return false
    end
  end
  return true
end

local function place(rows, column, size)
  if column > size then
    coroutine.yield(rows)
    return
  end
  for row = 1, size do
    if free(rows, column, row) then
      rows[column] = row
      place(rows, column + 1, size)
    end
  end
end

for size = 1, 8 do
  local count, first = 0, nil
  for rows in coroutine.wrap(function() place({}, 1, size) end) do
    count = count + 1
    first = first or table.concat(rows, " ", 1, size)
  end
  print(size, count, first)
end
