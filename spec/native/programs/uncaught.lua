-- uncaught.lua: an error that ends the program from inside coroutines
local function parse(number)
  coroutine.yield(number)
  error("no number " .. number + 1)
end

local inner = coroutine.wrap(function()
  parse(1)
end)

local outer = coroutine.wrap(function()
  coroutine.yield(inner())
  inner()
end)

print(outer())
io.stdout:write "about to fail\n"
outer()
print "not reached"
