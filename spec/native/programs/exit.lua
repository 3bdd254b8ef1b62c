-- exit.lua: the program ends inside a coroutine, with others suspended
local function closing(name)
  return setmetatable({}, {
    __close = function() print("closes " .. name) end,
    __gc = function() print("collects " .. name) end,
  })
end

local suspended = coroutine.wrap(function()
  local _ <close> = closing "the suspended one's"
  coroutine.yield()
end)
suspended()

coroutine.wrap(function()
  coroutine.wrap(function()
    io.stderr:write "leaving with 3\n"
    os.exit(3)
  end)()
end)()
