-- instructions.lua: does one thing n times, for a profiler to count
-- usage: lua instructions.lua FIGURE cfiber|coroutine N

local cfiber = require "cfiber"

local figure, library, n = arg[1], arg[2], tonumber(arg[3])
local co = library == "cfiber" and cfiber or coroutine
local create, resume, wrap, yield = co.create, co.resume, co.wrap, co.yield

local function forever()
  while true do
    yield()
  end
end

local function resumer(body)
  local thread = create(body)
  return function()
    resume(thread)
  end
end

local figures = {
  pair = function()
    return resumer(forever)
  end,
  callback = function()  -- stock: outside
    local inside = library == "cfiber" and function()
      require("calls").callback(yield, math.maxinteger)
    end
    return resumer(inside or forever)
  end,
  wrap = function()
    return wrap(forever)
  end,
  compact = function()
    cfiber.config {native_limit = 0}
    cfiber.resume(cfiber.create(math.abs, 1 << 20), 1)  -- a size of its own slows nobody down for ever
    collectgarbage()
    collectgarbage()
    return resumer(forever)
  end,
  create = function()
    return function()
      resume(create(math.abs), 1)
    end
  end,
}

local f = figures[figure]()
for _ = 1, n do
  f()
end
