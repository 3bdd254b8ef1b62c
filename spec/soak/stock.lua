-- stock.lua: Lua's own coroutine functions, whatever is installed later

local copy = {}
for name, f in pairs(coroutine) do
  copy[name] = f
end
return copy
