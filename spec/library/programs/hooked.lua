-- hooked.lua: a line hook in each coroutine from here on, which luacov and
-- debuggers set in this way: by functions in the place of 'create' and 'wrap'

local create, resume = coroutine.create, coroutine.resume

local function results(ok, ...)
  if not ok then
    error(..., 0)
  end
  return ...
end

return function(hook)
  local function hooked(...)
    local co = create(...)
    debug.sethook(co, hook, "l")
    return co
  end

  coroutine.create = hooked

  function coroutine.wrap(...)
    local co = hooked(...)
    return function(...)
      return results(resume(co, ...))
    end
  end
end
