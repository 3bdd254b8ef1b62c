-- closing_yields.lua: a to-be-closed variable that yields while it is closed
local co = coroutine.wrap(function()
  local _ <close> = setmetatable({}, {__close = function()
    coroutine.yield "from __close"
  end})
  return "returned"
end)
print(co())
print(co())
