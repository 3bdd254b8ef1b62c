-- exit_spec.lua: ending the running fiber from any depth

local helper = require "helper"
local boundary = require "boundary"
local child = require "child"
local cfiber, stock = helper.cfiber, helper.stock

-- A test that leaves no stack behind.
local function clean(f)
  return function()
    helper.leakless(f)
  end
end

-- A to-be-closed value that adds its name and the error to a log, then calls f.
local function closable(log, name, f)
  return setmetatable({}, {__close = function(_, e)
    table.insert(log, name)
    if e ~= nil then
      table.insert(log, e)
    end
    if f then
      f()
    end
  end})
end

local function run(f, ...)
  local co = cfiber.create(f)
  local r = table.pack(cfiber.resume(co, ...))
  assert.equal("dead", cfiber.status(co))
  return table.unpack(r, 1, r.n)
end

-- Ways to call a function that must not return.
local depths = {
  ["directly"] = function(f) f() end,
  ["below gsub"] = function(f) ("x"):gsub("x", f) end,
  ["below sort"] = function(f) table.sort({1, 2, 3}, f) end,
  ["below pcall"] = function(f) pcall(f) end,
  ["below xpcall"] = function(f) xpcall(f, function() error "handled" end) end,
  ["in a message handler"] = function(f) xpcall(error, f) end,
  ["below a pcall in a gsub in a pcall"] = function(f)
    pcall(string.gsub, "x", "x", function() pcall(f) end)
  end,
  ["below load"] = function(f) load(f) end,
  ["in a metamethod"] = function(f) return setmetatable({}, {__index = f}).x end,
  ["below tostring"] = function(f) tostring(setmetatable({}, {__tostring = f})) end,
  ["below lua_pcall from C"] = function(f) boundary.pcall(f) end,
  ["below lua_callk from C"] = function(f) boundary.callk(f) end,
  ["150 C calls deep"] = function(f) boundary.nest(f, 150) end,
  ["100 Lua calls deep"] = function(f)
    local function down(n)
      if n == 0 then
        f()
      end
      down(n - 1)
    end
    down(100)
  end,
  ["in a stock coroutine"] = function(f) stock.resume(stock.create(f)) end,
  ["below gsub in a stock coroutine below pcall"] = function(f)
    pcall(stock.wrap(function() ("x"):gsub("x", f) end))
  end,
  ["in a debug hook"] = function(f)
    debug.sethook(f, "", 1)
    local x = 0
    for i = 1, 100 do x = x + i end
    return x
  end,
  ["in a <close> handler"] = function(f)
    do
      local _ <close> = setmetatable({}, {__close = f})
    end
  end,
  ["in a <close> handler, after an error"] = function(f)
    pcall(function()
      local _ <close> = setmetatable({}, {__close = f})
      error "before"
    end)
  end,
}

-- Before 5.4.3 Lua takes a variable off its list when its handler has returned:
-- one that exits runs again, until that ends in "C stack overflow".
local handlers_exit = child.release() >= "5.4.3"
local handler_it = require "since"("5.4.3", "calls a handler again that did not return")

if not handlers_exit then
  depths["in a <close> handler"] = nil
  depths["in a <close> handler, after an error"] = nil
end

for where, call in pairs(depths) do
  describe("exit " .. where, function()
    it("ends the fiber with its arguments as results", clean(function()
      local went_on = false
      local r = table.pack(run(function()
        call(function() cfiber.exit(1, nil, "three", nil) end)
        went_on = true
      end))
      assert.same({true, 1, nil, "three", nil, n = 5}, r)
      assert.is_false(went_on)
    end))

    it("closes variables, innermost first", clean(function()
      local log = {}
      assert.is_true(run(function()
        local _ <close> = closable(log, "first")
        local _ <close> = closable(log, "second")
        call(function()
          local _ <close> = closable(log, "inside")
          cfiber.exit()
        end)
      end))
      assert.same({"inside", "second", "first"}, log)
    end))

    it("works after yields too", clean(function()
      local co = cfiber.create(function()
        cfiber.yield(1)
        call(function()
          cfiber.yield(2)
          cfiber.exit(3)
        end)
      end)
      if where:find "stock" then  -- there the stock coroutine yields
        return
      end
      assert.same({true, 1}, {cfiber.resume(co)})
      assert.same({true, 2}, {cfiber.resume(co)})
      assert.same({true, 3}, {cfiber.resume(co)})
      assert.equal("dead", cfiber.status(co))
    end))
  end)
end

describe("exit", function()
  it("as the body of a fiber passes its arguments on", clean(function()
    assert.same({true, 1, 2}, {run(cfiber.exit, 1, 2)})
  end))

  it("without arguments gives true alone", clean(function()
    assert.equal(1, select("#", run(cfiber.exit)))
  end))

  it("passes 5,000 values", clean(function()
    local list = {}
    for i = 1, 5000 do
      list[i] = i
    end
    local r = {run(function() cfiber.exit(table.unpack(list)) end)}
    assert.equal(5001, #r)
    assert.equal(5000, r[5001])
  end))

  it("makes a wrap function return its arguments", clean(function()
    local f = cfiber.wrap(function() pcall(cfiber.exit, 1, 2) end)
    assert.same({1, 2}, {f()})
    assert.has_error(f, "cannot resume dead coroutine")
  end))

  it("ends the innermost fiber alone", clean(function()
    assert.same({true, "outer", true, "inner"}, {run(function()
      return "outer", cfiber.resume(cfiber.create(function() cfiber.exit "inner" end))
    end)})
  end))

  it("ends a stock coroutine that cfiber resumes, which is a fiber", clean(function()
    local co = stock.create(function() pcall(cfiber.exit, "x") end)
    assert.same({true, "x"}, {cfiber.resume(co)})
    assert.equal("dead", stock.status(co))
  end))

  it("leaves a thread that close has nothing to do with", clean(function()
    local co = cfiber.create(function() cfiber.exit() end)
    cfiber.resume(co)
    assert.is_true(cfiber.close(co))
    assert.is_true(stock.close(co))
  end))

  it("kills the stock coroutine that called it", clean(function()
    local inner
    run(function()
      inner = stock.create(function() cfiber.exit() end)
      stock.resume(inner)
    end)
    assert.equal("dead", stock.status(inner))
    assert.equal("dead", cfiber.status(inner))
  end))

  it("does not touch the stack that it leaves while the next one runs on it", clean(function()
    local function again(n)
      local _ <close> = setmetatable({}, {__close = function()
        if n > 0 then
          assert(run(again, n - 1) == true)
        end
      end})
      pcall(string.gsub, "x", "x", function() cfiber.exit(n) end)
    end
    assert.same({true, 20}, {run(again, 20)})
  end))

  it("gives up the last reference to its own fiber", clean(function()
    local weak = setmetatable({}, {__mode = "k"})
    local f = cfiber.wrap(function()
      weak[cfiber.running()] = true
      ("x"):gsub("x", function()
        collectgarbage()
        cfiber.exit(7)
      end)
    end)
    assert.equal(7, f())
    f = nil  -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(weak))
  end))

  it("keeps its values through collections in <close> handlers", clean(function()
    local ok, value = run(function()
      local _ <close> = setmetatable({}, {__close = function()
        collectgarbage()
        collectgarbage()
      end})
      cfiber.exit(setmetatable({1}, {}))
    end)
    assert.is_true(ok)
    assert.same({1}, value)
  end))

  it("runs 1,000 times on the same stacks", clean(function()
    local before = cfiber.stats().stacks_made
    for i = 1, 1000 do
      local co = cfiber.create(function() pcall(cfiber.exit, i) end)
      assert(select(2, cfiber.resume(co)) == i)
    end
    assert.is_true(cfiber.stats().stacks_made - before <= 2)
  end))

  it("takes what was suspended inside the fiber's children to the collector", clean(function()
    run(function()
      local inner = cfiber.wrap(function() ("x"):gsub("x", cfiber.yield) end)
      inner()
      cfiber.exit()
    end)
  end))
end)

describe("a <close> handler that an exit runs", function()
  it("that fails makes resume return false and the error", clean(function()
    local log = {}
    local r = table.pack(run(function()
      local _ <close> = closable(log, "first")
      local _ <close> = closable(log, "second", function() error("bad", 0) end)
      cfiber.exit "lost"
    end))
    assert.same({false, "bad", n = 2}, r)
    assert.same({"second", "first", "bad"}, log)
  end))

  it("that fails makes a wrap function raise the error", clean(function()
    local f = cfiber.wrap(function()
      local _ <close> = closable({}, "x", function() error({}, 0) end)
      cfiber.exit "lost"
    end)
    local ok, err = pcall(f)
    assert.is_false(ok)
    assert.equal("table", type(err))
  end))

  it("cannot yield", clean(function()
    local message
    assert.is_true(run(function()
      local _ <close> = closable({}, "x", function() message = select(2, pcall(cfiber.yield)) end)
      cfiber.exit()
    end))
    assert.equal("attempt to yield across a C-call boundary", message)
  end))

  it("may run fibers and stock coroutines", clean(function()
    local log = {}
    assert.is_true(run(function()
      local _ <close> = closable(log, "close", function()
        log[2] = cfiber.wrap(function() ("x"):gsub("x", cfiber.yield) end)()
        log[3] = stock.wrap(function() stock.yield "y" end)()
        collectgarbage()
      end)
      string.gsub("x", "x", cfiber.exit)
    end))
    assert.same({"close", "x", "y"}, log)
  end))

  handler_it("may exit: the next ones run", clean(function()
    local log = {}
    assert.same({true, "first"}, {run(function()
      local _ <close> = closable(log, 1)
      local _ <close> = closable(log, 2, function() cfiber.exit "second" end)
      local _ <close> = closable(log, 3, function() ("x"):gsub("x", cfiber.exit) end)
      cfiber.exit "first"
    end)})
    assert.same({3, 2, 1}, log)
  end))
end)

describe("exit in a <close> handler", function()
  local function body(log)
    local _ <close> = closable(log, 1)
    local _ <close> = closable(log, 2, function() cfiber.exit "nobody's" end)
    local _ <close> = closable(log, 3)
    cfiber.yield()
  end

  handler_it("that close runs ends the handler", clean(function()
    local log = {}
    local co = cfiber.create(body)
    cfiber.resume(co, log)
    assert.same({true}, {cfiber.close(co)})
    assert.same({3, 2, 1}, log)
    assert.equal("dead", cfiber.status(co))
  end))

  handler_it("below a stock coroutine closes that too", clean(function()
    local log = {}
    local plain
    local co = cfiber.create(function()
      local _ <close> = closable(log, 1)
      local _ <close> = closable(log, 2, function()
        plain = stock.create(function()
          local _ <close> = closable(log, "stock", function() error "dropped" end)
          collectgarbage()
          cfiber.exit(1, 2, 3)
        end)
        stock.resume(plain)
      end)
      cfiber.yield()
    end)
    cfiber.resume(co)
    assert.same({"x", true}, {"x", cfiber.close(co)})
    assert.same({2, "stock", 1}, log)
    assert.equal("dead", stock.status(plain))
  end))

  handler_it("that runs after an error of a wrap function leaves the error", clean(function()
    local log = {}
    local f = cfiber.wrap(function()
      local _ <close> = closable(log, 1)
      local _ <close> = closable(log, 2, function() cfiber.exit() end)
      error({"original"}, 0)
    end)
    local ok, err = pcall(f)
    assert.is_false(ok)
    assert.same({"original"}, err)
    assert.equal(2, log[1])
    assert.equal(1, log[3])
  end))

  it("that stock close runs outside of fibers is refused", clean(function()
    local message
    local co = stock.create(function()
      local _ <close> = closable({}, 1, function() message = select(2, pcall(cfiber.exit)) end)
      stock.yield()
    end)
    stock.resume(co)
    stock.close(co)
    assert.match("attempt to exit from outside a fiber", message)
  end))
end)

describe("exit is refused", function()
  it("outside of fibers", clean(function()
    assert.has_error(function() cfiber.exit(1) end)
    local _, message = pcall(cfiber.exit)
    assert.equal("attempt to exit from outside a fiber", message)
    assert.same({false, message}, {stock.resume(stock.create(cfiber.exit))})
  end))

  it("in a finalizer", clean(function()
    local message
    assert.same({true, "end"}, {run(function()
      setmetatable({}, {__gc = function() message = message or select(2, pcall(cfiber.exit)) end})
      collectgarbage()
      collectgarbage()
      return "end"
    end)})
    assert.equal("attempt to yield from a finalizer", message)
  end))

  it("in a stock coroutine that a finalizer resumes", clean(function()
    local message
    assert.same({true, "end"}, {run(function()
      setmetatable({}, {__gc = function()
        message = message or select(2, stock.resume(stock.create(cfiber.exit)))
      end})
      collectgarbage()
      collectgarbage()
      return "end"
    end)})
    assert.equal("attempt to yield from a finalizer", message)
  end))

  it("not in a fiber that a finalizer resumes", clean(function()
    local result
    setmetatable({}, {__gc = function() result = result or {run(function() pcall(cfiber.exit, 1) end)} end})
    collectgarbage()
    collectgarbage()
    assert.same({true, 1}, result)
  end))

  it("on a state that is not the running one", clean(function()
    local outside = "attempt to yield from outside a coroutine"
    assert.same({true, "end", 2, outside}, {run(function()
      return "end", boundary.on(nil, cfiber.exit)
    end)})
    assert.same({true, "end", 2, outside}, {run(function()
      local me = cfiber.running()
      return "end", cfiber.wrap(function() return boundary.on(me, cfiber.exit) end)()
    end)})
  end))

  it("leaving everything as it was", clean(function()
    local co = cfiber.create(function()
      boundary.on(nil, cfiber.exit)
      return cfiber.yield "still"
    end)
    assert.same({true, "still"}, {cfiber.resume(co)})
    assert.same({true, "here"}, {cfiber.resume(co, "here")})
  end))
end)

describe("a program", function()
  it("that ends inside a <close> handler of an exit ends", function()
    assert.equal("closing", child.output [[
      cfiber.resume(cfiber.create(function()
        local _ <close> = setmetatable({}, {__close = function()
          io.write "closing"
          os.exit(0, true)
        end})
        string.gsub("x", "x", cfiber.exit)
      end))
    ]])
  end)
end)
