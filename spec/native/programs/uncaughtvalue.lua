-- uncaughtvalue.lua: an error object that ends the program
local fail = coroutine.wrap(function()
  pcall(coroutine.yield, 1)
  error(setmetatable({}, {__tostring = function() return "an error object" end}))
end)

print(fail())
fail()
