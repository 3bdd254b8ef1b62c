-- errors.lua: errors and tracebacks of coroutines in every state
local function deep(n, action)
  if n == 0 then
    action()
  else
    deep(n - 1, action)
  end
  return n
end

local function show(title, ...)
  print("--", title)
  print(...)
end

local failing = coroutine.create(function()
  deep(3, function() error "on purpose" end)
end)
show("error", coroutine.resume(failing))
show("traceback of the dead", debug.traceback(failing))
show("with a message", debug.traceback(failing, "message", 2))
show("resumed again", coroutine.resume(failing))
show("closed", coroutine.close(failing))
show("traceback of the closed", debug.traceback(failing))

local waiting = coroutine.create(function()
  deep(2, function() coroutine.yield "waiting" end)
end)
show("fresh", debug.traceback(waiting))
show("yield", coroutine.resume(waiting))
show("traceback of the suspended", debug.traceback(waiting))

show("traceback inside", select(2, coroutine.resume(coroutine.create(function()
  return debug.traceback "inside"
end))))

local handled = coroutine.wrap(function()
  return xpcall(function()
    coroutine.yield "before the error"
    local field = nil
    return field.name
  end, debug.traceback)
end)
show("yield in xpcall", handled())
show("handled", handled())

for _, value in ipairs {{}, true, 42, "text", function() end} do
  local _, message = coroutine.resume(coroutine.create(function() error(value) end))
  show("error value", type(message), message == value)
end
show("nil", coroutine.resume(coroutine.create(function() error() end)))
show("runtime error", coroutine.resume(coroutine.create(function() return 1 + {} end)))
show("through wrap", pcall(coroutine.wrap(function() error "wrapped" end)))
show("through two wraps", pcall(function()
  local outer = coroutine.wrap(function()
    local inner = coroutine.wrap(function() error "innermost" end)
    inner()
  end)
  outer()
end))
show("yield outside", pcall(coroutine.yield))
show("stack overflow", (select(2, coroutine.resume(coroutine.create(function()
  local function endless() return 1 + endless() end
  return endless()
end))):match "stack overflow"))
show("no function", pcall(coroutine.create, 1))
show("dead wrap", pcall(function()
  local once = coroutine.wrap(function() end)
  once()
  once()
end))
