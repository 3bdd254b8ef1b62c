-- abandoned.lua: fibers that are left in every state there is
--
-- A list of states: name, and 'leave', a function that makes fibers, brings
-- them there and keeps none of them.

local cfiber = require "cfiber"
local boundary = require "boundary"
local capi = require "capi"
local outside = require "outside"
local tells = require "soak.tells"

local stock, yield = coroutine, cfiber.yield

local abandoned = {
  made = 0,  -- fibers
  closes = 0,  -- of to-be-closed variables that were to be closed
  closed = 0,  -- that were
  drops = 0,  -- objects whose finalizer was to bring a fiber back
  resurrected = 0,  -- that did
  back = nil,  -- the last that was brought back
  objects = 0,  -- of C++
  destroyed = 0,
  wrong = 0,  -- variables that were closed and nobody was to close
}

local function state(name, leave)
  abandoned[#abandoned + 1] = {name = name, leave = leave}
end

-- ---------------------------------------------------------------------------
-- Parts

local function new(f, size)
  abandoned.made = abandoned.made + 1
  return cfiber.create(f, size)
end

-- A fiber after its first yield.
local function begun(f, ...)
  local co = new(f)
  assert(cfiber.resume(co, ...))
  assert(cfiber.status(co) == "suspended")
  return co
end

-- Calls f inside a C function that it cannot leave but natively.
local function within(f)
  string.gsub("x", "x", f)
end

local tobeclosed = {__close = function() abandoned.closed = abandoned.closed + 1 end}

local function closable()
  abandoned.closes = abandoned.closes + 1
  return setmetatable({}, tobeclosed)
end

-- A fiber that nobody closes leaves its variables as they are.
local nevermeta = {__close = function() abandoned.wrong = abandoned.wrong + 1 end}

local function never()
  return setmetatable({}, nevermeta)
end

local throwing = {__close = function() error("thrown", 0) end}

local lessmeta = {__lt = function() yield() return false end}
local stringmeta = {__tostring = function() yield() return "" end}

package.searchers[#package.searchers + 1] = function(name)
  if name == "abandoned.module" then
    yield()
  end
end

-- More places like this, and a yield there.
local below = {
  gsub = function() within(yield) end,
  sort = function() table.sort({2, 1}, function() yield() return false end) end,
  ["__lt below sort"] = function() table.sort {setmetatable({}, lessmeta), setmetatable({}, lessmeta)} end,
  ["load"] = function() load(yield) end,
  ["require"] = function() require "abandoned.module" end,
  ["tostring"] = function() tostring(setmetatable({}, stringmeta)) end,
  ["pcall below gsub"] = function() within(function() pcall(yield) end) end,
  ["a message handler"] = function() xpcall(error, yield, "handled") end,
  ["a hook"] = function()
    debug.sethook(function()
      debug.sethook()
      yield()
    end, "", 1)
    for _ = 1, 3 do
      stock.isyieldable()
    end
  end,
  ["a C function"] = function() boundary.call(boundary.pcall, yield) end,
  ["a C function with a boxed buffer"] = function() boundary.buffer(yield, 2, 5000) end,
  ["a C loop that yields"] = function() capi.produce(5) end,
  ["qsort"] = function() capi.sort({2, 1}, function() capi.yield() return 0 end) end,
  ["a variable that is being closed"] = function()
    within(function()
      local _ <close> = setmetatable({}, {__close = yield})
    end)
  end,
}

-- ---------------------------------------------------------------------------
-- Never suspended, suspended

state("not started", function() new(print) end)

state("not started, of a size", function() new(print, 128 << 10) end)

state("suspended compactly", function()
  begun(function()
    local _ <close> = never()
    yield()
  end)
end)

state("suspended compactly, and by stock resume", function()
  local co = begun(function()
    yield()
    yield()
  end)
  assert(stock.resume(co))
end)

state("suspended natively by choice", function()
  local co = begun(function()
    local _ <close> = never()
    yield()
    yield()
  end)
  assert(cfiber.resume(co))
end)

for name, place in pairs(below) do
  state("suspended below " .. name, function()
    begun(function()
      local _ <close> = never()
      place()
    end)
  end)
end

state("suspended below gsub, of a size", function()
  assert(cfiber.resume(new(below.gsub, 128 << 10)))
end)

state("suspended by wrap", function()
  abandoned.made = abandoned.made + 1
  cfiber.wrap(below.gsub)()
end)

state("suspended amid a loop of iter", function()
  abandoned.made = abandoned.made + 1
  local next = cfiber.iter(function()
    within(function() yield(1) end)
  end)
  assert(next() == 1)
end)

-- ---------------------------------------------------------------------------
-- With others

state("suspended with fibers and stock coroutines inside", function()
  begun(function()
    local outer = cfiber.running()
    local _ <close> = never()
    cfiber.resume(new(function()
      within(function()
        local co = stock.create(function()
          cfiber.resume(new(function()
            table.sort({2, 1}, function() return cfiber.suspend(outer) end)
          end))
        end)
        stock.resume(co)
      end)
    end))
  end)
end)

state("suspended again with others inside", function()
  assert(cfiber.resume(begun(function()
    local outer = cfiber.running()
    cfiber.resume(new(function()
      cfiber.suspend(outer)
      within(function() cfiber.suspend(outer) end)
    end))
  end)))
end)

state("left by transfer", function()
  local b = new(below.gsub)
  begun(function()
    local _ <close> = never()
    cfiber.transfer(b)
  end)
end)

state("left by transfer to one that ends", function()
  local b = new(function() return "end" end)
  begun(function()
    within(function() cfiber.transfer(b) end)
  end)
end)

state("stopped by its budget", function()
  local _, how = cfiber.slice(new(function()
    while true do
      stock.isyieldable()
    end
  end), 1000)
  assert(how == "budget")
end)

state("stopped by its budget inside others", function()
  local _, how = cfiber.slice(new(function()
    cfiber.resume(new(function()
      within(function()
        while true do
          stock.isyieldable()
        end
      end)
    end))
  end), 1000)
  assert(how == "budget")
end)

state("holding fibers that hold fibers", function()
  local function body(depth)
    local inner = depth > 0 and begun(body, depth - 1)
    below.gsub()
    return inner
  end
  begun(body, 5)
end)

-- ---------------------------------------------------------------------------
-- Dead

state("dead by return", function()
  assert(cfiber.resume(new(function() return "end" end)))
end)

state("dead by an error, with its traceback", function()
  local co = new(function() within(error) end)
  assert(not cfiber.resume(co))
  assert(debug.traceback(co):find "gsub" and cfiber.traceback(co):find "gsub")
end)

state("dead by an error after a native yield", function()
  local co = begun(function()
    below.gsub()
    error "failed"
  end)
  assert(not cfiber.resume(co))
end)

state("dead by exit", function()
  assert(cfiber.resume(new(function()
    local _ <close> = closable()
    within(function() pcall(cfiber.exit, 1) end)
  end)))
end)

state("dead by a __close that fails", function()
  local co = new(function()
    local _ <close> = setmetatable({}, throwing)
  end)
  assert(not cfiber.resume(co))
end)

state("closed", function()
  local co = begun(function()
    local _ <close> = closable()
    below.sort()
  end)
  assert(cfiber.close(co))
end)

state("closed with a __close that fails", function()
  local co = begun(function()
    local _ <close> = setmetatable({}, throwing)
    below.gsub()
  end)
  local ok, message = cfiber.close(co)
  assert(not ok and message == "thrown")
end)

state("closed with others inside", function()
  assert(cfiber.close(begun(function()
    local outer = cfiber.running()
    local _ <close> = closable()
    cfiber.resume(new(function()
      local _ <close> = closable()
      within(function() cfiber.suspend(outer) end)
    end))
  end)))
end)

state("suspended amid a close of another", function()
  begun(function()
    local outer = cfiber.running()
    cfiber.close(begun(function()
      local _ <close> = never()
      local _ <close> = setmetatable({}, {__close = function() cfiber.suspend(outer) end})
      below.gsub()
    end))
  end)
end)

state("closed by the end of its loop", function()
  abandoned.made = abandoned.made + 1
  for i in cfiber.iter(function()
    local _ <close> = closable()
    for i = 1, 2 do
      within(function() yield(i) end)
    end
  end) do
    if i == 1 then
      break
    end
  end
end)

state("thrown into, not started", function()
  assert(not cfiber.throw(new(print), "thrown"))
end)

state("dead by what was thrown", function()
  assert(not cfiber.throw(begun(function()
    local _ <close> = never()  -- by close, as after every error
    below.gsub()
  end), "thrown"))
end)

state("dead by what was thrown, closed", function()
  local co = begun(function()
    local _ <close> = closable()
    below.gsub()
  end)
  assert(not cfiber.throw(co, "thrown"))
  assert(cfiber.close(co) == not tells)
end)

state("suspended again after it was thrown into", function()
  local co = begun(function()
    assert(not pcall(below.gsub))
    below.sort()
  end)
  assert(cfiber.throw(co, "thrown"))
end)

state("jumped out of", function()
  stock.wrap(function()  -- Lua's count of C calls stays with it
    outside.catch(function()
      local co = begun(function()
        below.gsub()
        outside.jump()
      end)
      cfiber.resume(co)
    end)
  end)()
  assert(cfiber.isyieldable() == false)
end)

-- ---------------------------------------------------------------------------
-- Cycles

for name, place in pairs {natively = below.gsub, compactly = yield} do
  state(("suspended %s, held by itself"):format(name), function()
    local co
    co = new(function(...)
      local me <const> = cfiber.running()
      place()
      return me, co, ...
    end)
    assert(cfiber.resume(co, {co}))
  end)

  state(("suspended %s, held by one that it holds"):format(name), function()
    local function body()
      local other = yield()
      place()
      return other
    end
    local a, b = begun(body), begun(body)
    cfiber.resume(a, b)
    cfiber.resume(b, a)
  end)

  local ephemerons = setmetatable({}, {__mode = "k"})
  state(("suspended %s, an ephemeron's key and value"):format(name), function()
    local a, b = begun(place), begun(place)
    ephemerons[a], ephemerons[b] = b, {a, b}
  end)

  local values = setmetatable({}, {__mode = "v"})
  state(("suspended %s, a weak value"):format(name), function()
    values[1] = begun(place)
    values[values[1]] = begun(place)
  end)
end

-- ---------------------------------------------------------------------------
-- Finalizers

-- 'bring' gets the fiber that becomes unreachable.
local function dropped(co, bring)
  abandoned.drops = abandoned.drops + 1
  setmetatable({co = co}, {__gc = function(o)
    abandoned.back = bring(o.co)
    abandoned.resurrected = abandoned.resurrected + 1
  end})
end

local function same(co)
  return co
end

local function resumed(co)
  cfiber.resume(co)  -- it may be the second time that it is found
  return co
end

state("resurrected, suspended natively", function() dropped(begun(below.gsub), same) end)
state("resurrected, suspended compactly", function() dropped(begun(yield), same) end)
state("resurrected, dead", function()
  local co = new(function() within(error) end)
  cfiber.resume(co)
  dropped(co, same)
end)
state("resumed by a finalizer", function()
  dropped(begun(function()
    below.gsub()
    below.sort()
  end), resumed)
end)
state("made by a finalizer", function()
  dropped(nil, function() return begun(below.gsub) end)
end)

-- ---------------------------------------------------------------------------
-- C++

local cxx  -- once it is loaded, each switch looks after what C++ keeps

local function objects()
  abandoned.objects = abandoned.objects + 2
  return begun(function() cxx.hold("a", cxx.hold, "a", yield, 1) end)
end

--- Loads a module in C++ and adds its states.
function abandoned.addobjects()
  cxx = require "cxx"
  state("suspended with objects", objects)
  state("closed with objects", function() assert(cfiber.close(objects())) end)
  state("dead by exit, with objects", function()
    abandoned.objects = abandoned.objects + 1
    assert(cfiber.resume(new(function() cxx.hold("a", cfiber.exit, 1) end)))
  end)
end

-- ---------------------------------------------------------------------------
-- The end

--- From now on nothing keeps one that was brought back.
function abandoned.forget()
  abandoned.back = nil
  if cxx then
    abandoned.destroyed = abandoned.destroyed + #cxx.told()
  end
end

local function equal(expected, found, what)
  assert(expected == found, ("%d %s, of %d"):format(found, what, expected))
end

--- When all was collected: what each fiber's end is to do was done once.
function abandoned.check()
  equal(abandoned.closes, abandoned.closed, "variables were closed")
  equal(0, abandoned.wrong, "variables were closed and should not")
  equal(abandoned.drops, abandoned.resurrected, "finalizers brought a fiber back")
  equal(abandoned.objects, abandoned.destroyed, "objects were destroyed")
end

return abandoned
