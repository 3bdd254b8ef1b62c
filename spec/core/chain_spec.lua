-- chain_spec.lua: stock coroutines that resume each other inside fibers, of
-- which Lua keeps no record

local helper = require "helper"
local since = require "since"
local control = require "control"
local cfiber, stock = helper.cfiber, helper.stock

local log, threads

local function closable(name, f)
  return setmetatable({}, {__close = function()
    log[#log + 1] = name
    if f then f() end
  end})
end

-- Ways to call f in a thread of its own.
local function wrapped(f) stock.wrap(f)() end
local function resumed(f) assert(stock.resume(stock.create(f))) end
local function protected(f) pcall(stock.wrap(f)) end
local function fiber(f) assert(cfiber.resume(cfiber.create(f))) end
local function below(f) ("x"):gsub("x", function() resumed(f) end) end
local function callback(f) table.sort({1, 2}, stock.wrap(function() f() return true end)) end
local function hook(f)
  debug.sethook(function()
    debug.sethook()
    resumed(f)
  end, "", 1)
  for _ = 1, 100 do end  -- luacheck: ignore
end
local function finalizer(f) helper.finalize(function() resumed(f) end) end
local function closing(f)
  local co = stock.create(function()
    local _ <close> = setmetatable({}, {__close = f})
    stock.yield()
  end)
  stock.resume(co)
  stock.close(co)
end

-- Calls f below threads, each resumed in one of the ways, with a variable to
-- be closed in each, whose name is its number.
local function nest(ways, f, n)
  n = n or 1
  if n > #ways then
    return f()
  end
  ways[n](function()
    local _ <close> = closable(n)
    threads[n] = cfiber.running()
    nest(ways, f, n + 1)
  end)
end

local shapes = {
  {"two", {resumed, wrapped}},
  {"three", {wrapped, resumed, wrapped}},
  {"ten", {wrapped, resumed, wrapped, protected, wrapped, wrapped, resumed, resumed, wrapped, resumed}},
  {"two on each side of a fiber", {wrapped, resumed, fiber, resumed, wrapped}},
  {"three between fibers", {fiber, wrapped, resumed, wrapped, fiber}},
  {"three below C functions", {below, callback, below}},
  {"one that a hook resumed between two", {resumed, hook, wrapped}},
  {"one that a close runs between two", {resumed, closing, wrapped}},
}

-- All numbers from n down to 1.
local function down(n)
  local list = {}
  for i = n, 1, -1 do
    list[#list + 1] = i
  end
  return list
end

local function checkdead(n)
  for i = 1, n do
    assert.equal("dead", cfiber.status(threads[i]), "thread " .. i)
    assert.equal("dead", stock.status(threads[i]), "thread " .. i)
  end
end

local handler_it = since("5.4.3", "calls a handler again that did not return")

local function has(shape, way)
  for _, w in ipairs(shape[2]) do
    if w == way then
      return true
    end
  end
end

-- 'it' for a test of a shape that closes what did not return.
local function shape_it(shape)
  return has(shape, closing) and handler_it or it
end

-- The test that f(ways), for each shape, runs all variables and kills all.
local function each(name, f)
  for _, shape in ipairs(shapes) do
    shape_it(shape)(name .. ": " .. shape[1], function()
      log, threads = {}, {}
      helper.leakless(f, shape[2])
      assert.same(down(#shape[2]), log)
      checkdead(#shape[2])
    end)
  end
end

describe("Stock coroutines that resume each other inside a fiber are closed", function()
  each("when that is closed", function(ways)
    local co = cfiber.create(function()
      nest(ways, function() cfiber.suspend(threads.me) end)
    end)
    threads.me = co
    assert.same({true}, {cfiber.resume(co)})
    assert.is_true(cfiber.close(co))
  end)

  each("when that is resumed, suspended again and closed", function(ways)
    local co = cfiber.create(function()
      nest(ways, function()
        cfiber.suspend(threads.me)
        cfiber.suspend(threads.me)
      end)
    end)
    threads.me = co
    for _ = 1, 2 do
      assert.same({true}, {cfiber.resume(co)})
      collectgarbage()
    end
    assert.is_true(cfiber.close(co))
  end)

  for _, shape in ipairs(shapes) do
    local name, ways = shape[1], shape[2]
    local test = has(shape, fiber) and function() end or shape_it(shape)
    test("when it exits: " .. name, function()
      log, threads = {}, {}
      helper.leakless(function()
        local co = cfiber.create(function()
          local _ <close> = closable "fiber"
          nest(ways, function() cfiber.exit("out", 1) end)
        end)
        assert.same({true, "out", 1}, {cfiber.resume(co)})
      end)
      local expected = down(#ways)
      table.insert(expected, "fiber")
      assert.same(expected, log)
      checkdead(#ways)
    end)
  end

  handler_it("when a variable exits in them, before the rest", function()
    log, threads = {}, {}
    helper.leakless(function()
      local co = cfiber.create(function()
        local _ <close> = closable "rest"
        local _ <close> = closable("handler", function()
          nest({wrapped, resumed, wrapped}, cfiber.exit)
        end)
        cfiber.yield()
      end)
      cfiber.resume(co)
      assert.is_true(cfiber.close(co))
    end)
    assert.same({"handler", 3, 2, 1, "rest"}, log)
    checkdead(3)
  end)

  it("with the last error as the result", function()
    log, threads = {}, {}
    helper.leakless(function()
      local co = cfiber.create(function()
        local me = cfiber.running()
        wrapped(function()
          local _ <close> = closable("a", function() error("from a", 0) end)
          wrapped(function()
            local _ <close> = closable("b", function() error("from b", 0) end)
            wrapped(function()
              local _ <close> = closable "c"
              cfiber.suspend(me)
            end)
          end)
        end)
      end)
      cfiber.resume(co)
      assert.same({false, "from a"}, {cfiber.close(co)})
    end)
    assert.same({"c", "b", "a"}, log)
  end)

  it("but for those beyond one whose resumer C code hides", function()
    log, threads = {}, {}
    helper.leakless(function()
      local co = cfiber.create(function()
        nest({wrapped, control.hidden, wrapped, wrapped}, function() cfiber.suspend(threads.me) end)
      end)
      threads.me = co
      cfiber.resume(co)
      assert.is_true(cfiber.close(co))
    end)
    assert.same({4}, log)
    assert.equal("dead", cfiber.status(threads[4]))
    for n = 1, 3 do
      assert.equal("normal", cfiber.status(threads[n]))
    end
  end)
end)

describe("traceback", function()
  local function resumers(ways)
    log, threads = {}, {}
    local text
    nest(ways, function() text = cfiber.traceback() end)
    local found = {}
    for name in text:gmatch "%(%.%.%.resumed by ([^\n]+)%)" do
      found[#found + 1] = name
    end
    return found
  end

  for _, shape in ipairs(shapes) do
    it("shows stock coroutines that resumed each other: " .. shape[1], function()
      local ways = shape[2]
      local found, expected = resumers(ways), {}
      for n = #ways - 1, 1, -1 do
        expected[#expected + 1] = tostring(threads[n])
      end
      expected[#expected + 1] = "the main thread"
      assert.same(expected, found)
    end)
  end

  it("of one in the middle goes on from there", function()
    log, threads = {}, {}
    local text
    nest({wrapped, resumed, wrapped}, function() text = cfiber.traceback(threads[2]) end)
    assert.match("^stack traceback:\n\t%[C%]: in ", text)
    assert.is_nil(text:find(tostring(threads[2]), 1, true))
    assert.equal(2, select(2, text:gsub("resumed by", "")))
  end)

  it("leaves out those that C code hides", function()
    assert.same({"the main thread"}, resumers {wrapped, control.hidden, wrapped})
  end)

  it("works in a finalizer", function()
    assert.equal(4, #resumers {wrapped, finalizer, wrapped, resumed})
  end)
end)
