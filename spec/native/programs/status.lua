-- status.lua: what coroutines say about themselves and each other
local outer, inner

local function show(title)
  local running, main = coroutine.running()
  local name = running == outer and "outer" or running == inner and "inner" or main and "main" or "other"
  print(("%-12s runs %s, yieldable %s; outer %s, inner %s"):format(
    title, name, coroutine.isyieldable(), coroutine.status(outer), coroutine.status(inner)))
end

inner = coroutine.create(function(...)
  show "in inner"
  print("busy", coroutine.resume(outer))
  print("itself", coroutine.resume(inner))
  print(pcall(coroutine.close, outer))
  print(pcall(coroutine.close, inner))
  print("values", ..., coroutine.yield(select("#", ...), ...))
  show "in inner"
  return "end", nil, nil
end)

outer = coroutine.create(function()
  show "in outer"
  print(coroutine.resume(inner, nil, 2, nil))
  show "in outer"
  print(coroutine.yield "from outer")
  print(select("#", coroutine.resume(inner, "a", "b")))
  show "in outer"
end)

show "fresh"
print(coroutine.isyieldable(outer), coroutine.isyieldable(inner))
print(coroutine.resume(outer))
show "suspended"
print(coroutine.isyieldable(outer), coroutine.isyieldable(inner))
print(coroutine.resume(outer, 1, 2, 3))
show "dead"
print(coroutine.resume(outer))
print(coroutine.resume(inner))
print(coroutine.close(outer), coroutine.close(inner))
print(pcall(coroutine.close, (coroutine.running())))
print(coroutine.resume((coroutine.running())))

local fresh = coroutine.create(print)
print(coroutine.close(fresh), coroutine.status(fresh), coroutine.resume(fresh))

print(select("#", coroutine.resume(coroutine.create(function(...) return ... end), table.unpack({}, 1, 200))))
local names = {}
for name, value in pairs(coroutine) do
  names[#names + 1] = name .. " " .. type(value)
end
table.sort(names)
print(table.concat(names, ", "))
