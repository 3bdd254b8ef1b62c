-- qsort.lua: a sort that asks its questions one by one
-- usage: make examples && eval "$(make -s env)" && lua5.4 spec/examples/qsort.lua

local cfiber = require "cfiber"
local qsort = require "qsort"

-- The comparator does not know: it asks whoever runs the sort.
local function sorter(list)
  return cfiber.create(function()
    qsort(list, cfiber.yield)
    return nil
  end)
end

-- Two sorts, each in the middle of C's qsort, answered in turn.
local words, numbers = {"pear", "fig", "banana", "apple"}, {30, 1, 200, 4}
local sorts = {
  {fiber = sorter(words), answer = function(a, b) return #a - #b end},
  {fiber = sorter(numbers), answer = function(a, b) return a - b end},
}
while #sorts > 0 do
  local sort = table.remove(sorts, 1)
  local _, a, b = assert(cfiber.resume(sort.fiber, sort.result))
  if a ~= nil then
    print("which is first?", a, b)
    sort.result = sort.answer(a, b)
    table.insert(sorts, sort)
  end
end
print(table.concat(words, " "))
print(table.concat(numbers, " "))
