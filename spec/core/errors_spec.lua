-- errors_spec.lua: error values, positions, tracebacks and handlers

local child = require "child"
local helper = require "helper"
local same = helper.same

local assertion = _G.assert  -- not the table of the test framework

local function closable(f)
  return setmetatable({}, {__close = f})
end

describe("an error value", function()
  it("of every type comes out of resume as it is", same(function(co, log)
    local t, f = {}, function() end
    local values = {"text", 1, 1.5, true, false, t, f, io.stdout, co.create(f)}
    log(table.unpack(values))
    for _, v in ipairs(values) do
      log(co.resume(co.create(function() error(v) end)))
      log(co.resume(co.create(error), v))
    end
  end))

  it("may be nil", same(function(co, log)
    local c = co.create(function() error(nil) end)
    log(co.resume(c))
    log(co.status(c))
    log(select("#", co.resume(co.create(error))))
    log(pcall(co.wrap(function() error() end)))
  end))

  it("of every type comes out of wrap", same(function(co, log)
    local t = setmetatable({}, {__tostring = function() return "shown" end})
    for _, v in ipairs {"text", 1, 1.5, true, false, t, print, io.stdout} do
      log(pcall(co.wrap(error), v))
      log(pcall(co.wrap(function() error(v) end)))
      log(pcall(co.wrap(function() error(v, 0) end)))
    end
  end))

  it("of every type is seen by pcall inside", same(function(co, log)
    log(co.resume(co.create(function()
      for _, v in ipairs {"text", 1, {}, false} do
        log(pcall(error, v))
        co.yield()
        log(pcall(function() co.yield() error(v) end))
      end
    end)))
  end))

  it("is made by the language", same(function(co, log)
    for _, f in ipairs {
      function() return nil + 1 end,
      function() return {} .. "x" end,
      function(t) t.x = 1 end,
      function() undefined() end, -- luacheck: ignore 113
      function() return #5 end,
      function() return 1 < "x" end,
      function() return 1 // 0 end,
      function() return ("x").y.z end,
      function() for i = 1, 10, 0 do log(i) end end,
      function() return 1 & 1.5 end,
      function() return string.rep() end,
      function() return setmetatable(1, 2) end,
      function() return ("x"):bad() end,
    } do
      local c = co.create(f)
      log(co.resume(c))
      log(debug.traceback(c))
      log(pcall(co.wrap(f)))
    end
  end))

  it("has the position of the level that error was given", same(function(co, log)
    local function inner(level)
      error("here", level)
    end
    local function middle(level)
      inner(level)
    end
    for level = 0, 5 do
      log(level, co.resume(co.create(function() middle(level) end)))
      log(level, pcall(co.wrap(function() middle(level) end)))
    end
  end))
end)

describe("an error after a yield", function()
  it("kills the coroutine", same(function(co, log)
    local c = co.create(function(a)
      local b = co.yield(a)
      error("after " .. b)
    end)
    log(co.resume(c, 1))
    log(co.resume(c, 2))
    log(co.status(c))
    log(co.resume(c, 3))
  end))

  it("is caught by a pcall that was there before", same(function(co, log)
    local c = co.wrap(function()
      log(pcall(function()
        co.yield "inside"
        error "late"
      end))
      co.yield "caught"
      return "end"
    end)
    log(c())
    log(c())
    log(c())
  end))

  it("does not reach the pcall of the resumer", same(function(co, log)
    local inner = co.create(function()
      co.yield()
      error "inner"
    end)
    local outer = co.create(function()
      log(pcall(function()
        log(co.resume(inner))
        co.yield()
        log(co.resume(inner))
        error "outer"
      end))
      return "unharmed"
    end)
    log(co.resume(outer))
    log(co.resume(outer))
    log(co.status(inner), co.status(outer))
  end))

  it("through nested pcalls unwinds one at a time", same(function(co, log)
    local function nest(n)
      if n == 0 then
        co.yield "deepest"
        error({n = 0})
      end
      local ok, e = pcall(nest, n - 1)
      log(n, ok, e.n)
      e.n = n
      co.yield("unwinding", n)
      error(e)
    end
    local c = co.create(nest)
    local ok, what, n = co.resume(c, 3)
    while ok do
      log(what, n)
      ok, what, n = co.resume(c)
    end
    log(what.n)
  end))

  it("leaves other coroutines as they were", same(function(co, log)
    local good = co.wrap(function() for i = 1, 3 do co.yield(i) end end)
    log(good())
    log(co.resume(co.create(function() good() error "bad" end)))
    log(good())
  end))
end)

describe("a traceback", function()
  it("of a dead coroutine shows where the error was", same(function(co, log)
    local function deep(n)
      if n > 0 then
        deep(n - 1)
        return
      end
      co.yield()
      error "e"
    end
    local c = co.create(function() deep(2) end)
    log(debug.traceback(c))
    co.resume(c)
    log(debug.traceback(c))
    log(debug.traceback(c, "message", 1))
    co.resume(c)
    log(debug.traceback(c))
    log(debug.traceback(c, nil))
    log(debug.traceback(c, "m", 2))
    co.resume(c)
    log(debug.traceback(c))
  end))

  it("of one that ended is empty", same(function(co, log)
    local c = co.create(function() end)
    co.resume(c)
    log(debug.traceback(c))
  end))

  it("of a closed one is empty", same(function(co, log)
    local c = co.create(function() error "e" end)
    co.resume(c)
    co.close(c)
    log(debug.traceback(c))
  end))

  it("of the running coroutine ends at its body", same(function(co, log)
    local c = co.create(function()
      log(debug.traceback("inside"))
      log(debug.traceback((co.running()), "by thread"))
      log((debug.traceback("inside", 2)))
    end)
    co.resume(c)
  end))

  it("of the resumers is seen from inside", same(function(co, log)
    local main = co.running()
    local outer
    outer = co.create(function()
      local inner = co.create(function()
        log(debug.traceback(outer))
        log((debug.traceback(main):match "^[^\n]*\n[^\n]*"))
      end)
      co.resume(inner)
    end)
    co.resume(outer)
  end))

  it("shows tail calls, C functions and names", same(function(co, log)
    local t = {}
    function t.field() co.yield() end
    function t:method() t.field() return self end
    local function tail() return t:method() end
    local c = co.create(function()
      pcall(function() return (tail()) end)
      t.field()
    end)
    for _ = 1, 3 do
      co.resume(c)
      log(debug.traceback(c))
    end
  end))

  it("names the functions of the library", same(function(co, log)
    local inner = co.create(function()
      log(debug.traceback())
      co.yield()
    end)
    local c = co.create(function()
      co.resume(inner)
      co.wrap(function() co.yield(debug.traceback()) end)()
      co.yield()
    end)
    co.resume(c)
    log(debug.traceback(inner))
    log(debug.traceback(c))
  end))

  it("with many levels leaves some out", same(function(co, log)
    local function down(n)
      if n == 0 then
        co.yield()
        error "deep"
      end
      return 1 + down(n - 1)
    end
    local c = co.create(down)
    co.resume(c, 100)
    log(debug.traceback(c))
    co.resume(c)
    log(debug.traceback(c))
  end))
end)

describe("a message handler", function()
  it("sees the stack that failed", same(function(co, log)
    co.wrap(function()
      log(xpcall(function()
        co.yield()
        local function fail() error "e" end
        fail()
      end, debug.traceback))
    end)()
    local c = co.wrap(function()
      log(xpcall(function()
        co.yield()
        local function fail() error "e" end
        fail()
      end, debug.traceback))
    end)
    c()
    c()
  end))

  it("that fails is called again for its own error", same(function(co, log)
    local c = co.wrap(function()
      local n = 0
      log(xpcall(function()
        co.yield()
        error "first"
      end, function(m)
        n = n + 1
        if n < 3 then
          error("again " .. n)
        end
        return m
      end))
      log(n)
    end)
    c()
    c()
  end))

  it("that always fails ends in an error of its own", same(function(co, log)
    local c = co.wrap(function()
      log(xpcall(function()
        co.yield()
        error "first"
      end, function(m) error(m) end))
    end)
    c()
    c()
  end))

  it("may resume others", same(function(co, log)
    local other = co.wrap(function()
      for i = 1, 5 do
        co.yield("other " .. i)
      end
    end)
    local c = co.wrap(function()
      log(xpcall(function()
        co.yield(other())
        error "e"
      end, function(m) return other() .. m end))
      return "end"
    end)
    log(c())
    log(c())
    log(other())
  end))

  it("returns any value", same(function(co, log)
    local c = co.wrap(function()
      for _, v in ipairs {"x", 1, {}, false} do
        log(xpcall(function() co.yield() error "e" end, function() return v end))
      end
      log(xpcall(function() co.yield() error "e" end, function() end))
      return "end"
    end)
    repeat until c() == "end"
  end))

  it("is called with an argument's error", same(function(co, log)
    co.wrap(function()
      log(xpcall(co.resume, function(m) return "handled: " .. m end, "no thread"))
      log(xpcall(co.close, debug.traceback, (co.running())))
    end)()
  end))
end)

describe("a stack overflow of Lua calls", function()
  -- Large frames: few of them fill the stack.
  local function down(...)
    return 1 + down(...)
  end
  local function overflow()
    return down(table.unpack({}, 1, 240))
  end

  it("is an error that pcall catches inside", same(function(co, log)
    local c = co.create(function()
      local ok, m = pcall(overflow)
      log(ok, m)
      log(co.yield "alive")
      return "end"
    end)
    log(co.resume(c))
    log(co.resume(c, "again"))
  end))

  it("kills a coroutine that does not catch it", same(function(co, log)
    local c = co.create(function()
      co.yield()
      overflow()
    end)
    log(co.resume(c))
    log(co.resume(c))
    log(co.status(c))
    log((debug.traceback(c)))
    log(co.resume(c))
  end))

  -- By calls alone: whether 'unpack' still finds room in what Lua keeps for handlers
  -- depends on when the collector looks.
  it("in a message handler is an error too", same(function(co, log)
    local function deep()
      return 1 + deep()
    end
    co.wrap(function()
      log(xpcall(overflow, function(m)
        log(m)
        return (deep())
      end))
    end)()
  end))

  it("closes the variables of the frames", same(function(co, log)
    local n = 0
    local function closing(...)
      local _ <close> = closable(function() n = n + 1 end)
      return 1 + closing(...)
    end
    local c = co.wrap(function()
      log(pcall(closing, table.unpack({}, 1, 240)))
      return "end"
    end)
    log(c())
    log(n)
  end))
end)

describe("a memory error", function()
  local function read()  -- more than any address space has
    return io.tmpfile():read(1 << 50)
  end

  it("of a buffer comes out once, and all goes on", same(function(co, log)
    local c = co.create(function()
      co.yield()
      return read()
    end)
    log(co.resume(c))
    log(co.resume(c))
    log(co.status(c))
    log(co.resume(c))
    log(pcall(co.wrap(read)))
  end))

  it("of a buffer, caught inside, leaves the coroutine alive", same(function(co, log)
    local c = co.wrap(function()
      log(pcall(read))
      co.yield "alive"
      log(pcall(read))
      return "end"
    end)
    log(c())
    log(c())
  end))

  it("of the system is as in stock Lua", function()
    if not child.islimited() then
      pending "the system does not hold processes to 'ulimit -v'"
    end
    local program = [[
      local co = %s
      local function hoard()
        co.yield()
        local t = table.pack(table.unpack({}, 1, 1000))
        for i = 1, t.n do
          t[i] = ("x"):rep((1 << 18) + i)
        end
      end
      local c, f, g = co.create(hoard), co.wrap(hoard), co.wrap(function()
        co.yield()
        return pcall(hoard)
      end)
      print(co.resume(c))
      print(co.resume(c))
      print(co.status(c), debug.traceback(c))
      print(co.close(c))
      collectgarbage()
      f()
      print(pcall(function() f() end))
      print(pcall(f))
      collectgarbage()
      g()
      g()
      print(g())
      print(co.wrap(function() return "all goes on" end)())
    ]]
    local function run(library)
      local r = child.shell("ulimit -v 50000; exec $LUA $SCRIPT", program:format(library))
      if child.release() < "5.4.3" then  -- where it was raised, if there is memory to say so
        r.output = r.output:gsub("SCRIPT:%d+: not enough", "not enough")
      end
      return r
    end
    local expected = run "coroutine"
    assert.matches("not enough memory", expected.output)
    assert.same(expected, run 'require "cfiber"')
  end)
end)

describe("an error in a finished program part", function()
  it("in a __close keeps the last error", same(function(co, log)
    local c = co.create(function()
      local _ <close> = closable(function(_, e) log("outer got", e) error("third", 0) end)
      local _ <close> = closable(function(_, e) log("inner got", e) error("second", 0) end)
      co.yield()
      error("first", 0)
    end)
    log(co.resume(c))
    log(co.resume(c))
    log(co.status(c))
    log(co.close(c))
    log(co.close(c))
  end))

  it("in a for loop's closing value", same(function(co, log)
    local c = co.wrap(function()
      log(pcall(function()
        for i in next, {1}, nil, closable(function(_, e) log("closing", e) error "in close" end) do
          co.yield(i)
          error "in body"
        end
      end))
      return "end"
    end)
    log(c())
    log(c())
  end))

  it("in __gc only warns", same(function(co, log)
    warn "@off"
    local c = co.wrap(function()
      setmetatable({}, {__gc = function() error "in gc" end})
      collectgarbage()
      co.yield "alive"
      collectgarbage()
      return "end"
    end)
    log(c())
    log(c())
  end))

  it("in load, require and dofile", same(function(co, log)
    local c = co.wrap(function()
      log(load("x ="))
      co.yield()
      log(pcall(require, "no.such.module.cfiber") == false)
      co.yield()
      log(pcall(dofile, "/no/such/file"))
      return "end"
    end)
    repeat until c() == "end"
  end))

  it("in sort, gsub and other callbacks of C", same(function(co, log)
    local c = co.create(function()
      log(pcall(table.sort, {3, 1, 2}, function() error "in sort" end))
      co.yield()
      log(pcall(string.gsub, "abc", "%w", function(l) error("in gsub " .. l) end))
      co.yield()
      table.sort({3, 1, 2}, function() error "uncaught in sort" end)
    end)
    log(co.resume(c))
    log(co.resume(c))
    log(co.resume(c))
    log(debug.traceback(c))
  end))

  it("in tostring and in metamethods", same(function(co, log)
    local bad = setmetatable({}, {
      __tostring = function() error "in tostring" end,
      __index = function(_, k) error("no field " .. k, 2) end,
      __name = "bad",
    })
    local c = co.create(function()
      log(pcall(tostring, bad))
      co.yield()
      log(pcall(function() return bad.field end))
      return bad.other
    end)
    log(co.resume(c))
    log(co.resume(c))
    log(debug.traceback(c))
  end))

  it("asserted", same(function(co, log)
    local assert = assertion
    log(co.resume(co.create(assert), false, "message", 3))
    log(co.resume(co.create(assert), nil))
    log(co.resume(co.create(function() assert(false, 0) end)))
    log(pcall(co.wrap(assert), false, "message"))
  end))
end)

describe("an error in a C function that is the body", function()
  it("has no position", same(function(co, log)
    for _, f in ipairs {string.rep, table.concat, setmetatable, co.resume, co.wrap} do
      local c = co.create(f)
      log(co.resume(c))
      log(co.status(c))
      log(debug.traceback(c))
      log(pcall(co.wrap(f)))
    end
  end))
end)

it("a body that is called through __call", same(function(co, log)
  local callable = setmetatable({}, {__call = function(_, ...) return co.yield(...) end})
  log(pcall(co.create, callable))
  local c = co.create(function(...) return callable(...) end)
  log(co.resume(c, 1, 2))
  log(co.resume(c, 3))
end))
