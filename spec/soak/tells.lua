-- tells.lua: does a close return the error that ended a coroutine? Not before Lua 5.4.3
local co = coroutine.create(error)
coroutine.resume(co)
return not coroutine.close(co)
