-- places.lua: where a job runs: below C functions, in other fibers and
-- coroutines, in metamethods, hooks, closings, C++ functions

local boundary = require "boundary"
local cfiber = require "cfiber"
local stock = require "soak.stock"
local hasobjects, objects = pcall(require, "objects")
hasobjects = hasobjects and require "unwinding"()  -- else they are not destroyed

local random = math.random
local places = {}

-- Calls f only the first time.
local function once(f)
  local called = false
  return function()
    if not called then
      called = true
      f()
    end
  end
end

local function reraise(ok, ...)
  if not ok then
    error(..., 0)
  end
  return ...
end

-- What an error leaves open is closed with the thread.
local function resume(library, co)
  local ok, err = library.resume(co)
  library.close(co)
  reraise(ok, err)
end

local all = {
  function(f) f() end,
  function(f) reraise(pcall(f)) end,
  function(f) string.gsub("x", "x", function() f() end) end,
  function(f)
    f = once(f)
    table.sort({3, 1, 2}, function(a, b) f() return a < b end)
  end,
  function(f) assert(tostring(setmetatable({}, {__tostring = function() f() return "x" end})) == "x") end,
  function(f) assert(setmetatable({}, {__index = function() f() return 1 end}).x == 1) end,
  function(f)
    local _ <close> = setmetatable({}, {__close = once(f)})
  end,
  function(f) boundary.call(f) end,
  function(f) boundary.nest(f, random(5)) end,
  function(f) boundary.buffer(function() f() return "x" end, 1, random(4000)) end,
  function(f) cfiber.wrap(f)() end,
  function(f) resume(cfiber, cfiber.create(f, 256 << 10)) end,
  function(f) stock.wrap(f)() end,
  function(f) resume(stock, stock.create(f)) end,
  function(f)
    for x in cfiber.iter(function() f() cfiber.yield(1) end) do
      assert(x == 1)
    end
  end,
  function(f)
    assert(load("local f = ... f() return 7")(f) == 7)
  end,
}

if hasobjects then
  objects = objects()
  -- An error would pass a destructor by: no Lua function is below pcall.
  all[#all + 1] = function(f)
    reraise(objects.hold(pcall, f))
  end
  all[#all + 1] = function(f)
    local text = tostring(random(1 << 30))
    local r = table.pack(objects.within(text, pcall, f))
    reraise(table.unpack(r, 3, r.n))
    assert(r[1] == text, "another's exception is caught")
  end
end

--- Calls f inside 'depth' places that are picked at random.
function places.nest(f, depth)
  if depth == 0 then
    return f()
  end
  local done = false
  all[random(#all)](function()
    places.nest(f, depth - 1)
    done = true
  end)
  assert(done, "it did not come to its end")
end

--- How many C++ objects were made and destroyed; nothing without C++.
function places.objects()
  if hasobjects then
    return objects.counts()
  end
end

return places
