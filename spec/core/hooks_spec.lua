-- hooks_spec.lua: debug hooks of coroutines

local helper = require "helper"
local same, cfiber = helper.same, helper.cfiber

local here = debug.getinfo(1, "S").short_src

-- A hook that logs events in this file, with what the debug library knows.
local function tracer(log, what)
  return function(event, line)
    local info = debug.getinfo(2, "nSlt")
    if info.short_src == here then
      log(event, line, info.currentline, info.name, info.namewhat, what, info.istailcall)
    end
  end
end

describe("a line hook", function()
  it("sees the lines of its coroutine alone", same(function(co, log)
    local c = co.create(function()
      local a = 1
      co.yield(a)
      for i = 1, 2 do
        a = a + i
        co.yield(a)
      end
      return a
    end)
    local other = co.create(function()
      co.yield()
      return 1
    end)
    debug.sethook(c, tracer(log), "l")
    for _ = 1, 4 do
      log(co.resume(c))
      log(co.resume(other))
    end
    log(debug.gethook(c) ~= nil, debug.gethook(other), debug.gethook())
  end))

  it("set in main does not see a coroutine made before", same(function(co, log)
    local c = co.create(function()
      local a = 1
      co.yield(a)
      return a
    end)
    debug.sethook(tracer(log), "l")
    co.resume(c)
    co.resume(c)
    debug.sethook()
    log "unhooked"
  end, {collect = false}))

  it("set in main is not that of a coroutine made after", same(function(co, log)
    debug.sethook(tracer(log), "l")
    local c = co.create(function()
      co.yield((debug.gethook()))
      return 1
    end)
    local ok, hook = co.resume(c)
    co.resume(c)
    debug.sethook()
    log(ok, hook)
    log(debug.gethook(c))
  end, {collect = false}))

  it("set inside lasts over yields", same(function(co, log)
    local c = co.wrap(function()
      debug.sethook(tracer(log), "l")
      co.yield(1)
      local a = co.yield(2)
      debug.sethook()
      a = a or 1
      co.yield(a)
      return "end"
    end)
    log(c())
    log(c())
    log(c())
    log(c())
  end, {collect = false}))

  it("set and removed from outside while it is suspended", same(function(co, log)
    local c = co.create(function()
      co.yield(1)
      co.yield(2)
      co.yield(3)
      return 4
    end)
    log(co.resume(c))
    debug.sethook(c, tracer(log), "l")
    log(co.resume(c))
    log(debug.gethook(c) ~= nil, select(2, debug.gethook(c)))
    debug.sethook(c)
    log(debug.gethook(c))
    log(co.resume(c))
    log(co.resume(c))
  end))

  it("of a resumed one and of its resumer see each their own", same(function(co, log)
    local inner = co.create(function()
      co.yield(1)
      return 2
    end)
    local outer = co.create(function()
      local a = co.resume(inner)
      local b = co.resume(inner)
      return a, b
    end)
    debug.sethook(inner, tracer(log, "inner"), "l")
    debug.sethook(outer, tracer(log, "outer"), "l")
    log(co.resume(outer))
  end, {collect = false}))
end)

describe("call and return hooks", function()
  it("see calls, tail calls and returns over yields", same(function(co, log)
    local function leaf(n) return n + 1 end
    local function tail(n) return leaf(n) end
    local c = co.create(function()
      local a = leaf(1)
      co.yield(a)
      local b = tail(a)
      co.yield(b)
      return tail(b)
    end)
    debug.sethook(c, tracer(log), "cr")
    for _ = 1, 3 do
      log(co.resume(c))
    end
  end))

  it("see the functions of the library called and returning", same(function(co, log)
    local c = co.create(function()
      co.yield(1)
      co.wrap(function() co.yield() end)()
      co.resume(co.create(type), nil)
      return co.status(co.create(type))
    end)
    debug.sethook(c, function(event)
      local info = debug.getinfo(2, "nS")
      log(event, info.what, info.name)
    end, "cr")
    log(co.resume(c))
  end, {collect = false}))

  it("see the values that go in and out", same(function(co, log)
    local c = co.create(function(a)
      local b = co.yield(a)
      return b
    end)
    debug.sethook(c, function(event)
      local r = debug.getinfo(2, "rS")
      local values = {}
      for i = r.ftransfer, r.ftransfer + r.ntransfer - 1 do
        values[#values + 1] = tostring(select(2, debug.getlocal(2, i)))
      end
      log(event, r.what, table.concat(values, ","))
    end, "cr")
    log(co.resume(c, "in"))
    log(co.resume(c, "again"))
  end, {collect = false}))

  it("see a coroutine end by an error", same(function(co, log)
    local c = co.create(function()
      local function fail() error "e" end
      fail()
    end)
    debug.sethook(c, tracer(log), "cr")
    log(co.resume(c))
  end))
end)

describe("a count hook", function()
  it("counts instructions of its coroutine alone, over yields", same(function(co, log)
    local n = 0
    local c = co.create(function()
      for i = 1, 1000 do
        if i % 100 == 0 then
          co.yield(i)
        end
      end
    end)
    debug.sethook(c, function() n = n + 1 end, "", 7)
    while co.resume(c) and co.status(c) ~= "dead" do
      log(n)
    end
    log(n)
  end, {collect = false}))

  it("ends an endless loop with an error", same(function(co, log)
    local c = co.create(function()
      local i = 0
      while true do i = i + 1 end
    end)
    debug.sethook(c, function() error "timeout" end, "", 10000)
    log(co.resume(c))
    log(co.status(c))
    log(debug.traceback(c))
  end, {collect = false}))

  it("ends one below pcall only once", same(function(co, log)
    local c = co.create(function()
      log(pcall(function() while true do end end))
      debug.sethook()
      co.yield "alive"
      return "end"
    end)
    debug.sethook(c, function() error("timeout", 0) end, "", 1000)
    log(co.resume(c))
    log(co.resume(c))
  end, {collect = false}))
end)

describe("a hook", function()
  it("may resume and create others", same(function(co, log)
    local other = co.wrap(function()
      for i = 1, 100 do
        co.yield(i)
      end
    end)
    local c = co.create(function()
      local a = 1
      co.yield(a)
      return a
    end)
    debug.sethook(c, function(_, line)
      log(line, other(), co.wrap(function(x) return x end)(line))
    end, "l")
    log(co.resume(c))
    log(co.resume(c))
  end, {collect = false}))

  it("runs with hooks off, in its coroutine alone", same(function(co, log)
    local inner = co.create(function()
      local a = 1
      return a
    end)
    debug.sethook(inner, tracer(log, "inner"), "l")
    local c = co.create(function()
      return 1
    end)
    debug.sethook(c, function()
      log(co.resume(inner))
    end, "l")
    log(co.resume(c))
  end, {collect = false}))

  it("that fails kills the coroutine at its place", same(function(co, log)
    local c = co.create(function()
      co.yield(1)
      co.yield(2)
    end)
    log(co.resume(c))
    debug.sethook(c, function() error "in hook" end, "l")
    log(co.resume(c))
    log(co.status(c))
    log(debug.traceback(c))
  end))

  it("may ask for its coroutine", same(function(co, log)
    local c
    c = co.create(function()
      return 1
    end)
    debug.sethook(c, function()
      log(co.running() == c, co.status(c), debug.traceback("hook"))
      log(co.resume(c))
      log(pcall(co.close, c))
    end, "l")
    log(co.resume(c))
  end, {collect = false}))

  it("is taken by a dead coroutine and never runs", same(function(co, log)
    local c = co.create(function() error "e" end)
    debug.sethook(c, tracer(log), "l")
    log(co.resume(c))
    debug.sethook(c)
    log(debug.gethook(c))
    debug.sethook(c, tracer(log), "crl", 5)
    log(select(2, debug.gethook(c)))
    log(co.resume(c))
  end))

  it("changes local variables", same(function(co, log)
    local c = co.create(function()
      local a = 1
      co.yield(a)
      return a
    end)
    local first = debug.getinfo(1, "l").currentline - 3
    debug.sethook(c, function(_, line)
      if line == first then
        log(debug.setlocal(2, 1, "changed"))
      end
    end, "l")
    log(co.resume(c))
    log(co.resume(c))
  end))
end)

-- Stock Lua refuses a yield in a hook, so these have no model to agree with.
describe("a fiber's hook that yields", function()
  local function preempted(body, count, ...)
    local c = cfiber.create(body)
    debug.sethook(c, function() cfiber.yield "preempted" end, "", count)
    local n, result = 0, table.pack(cfiber.resume(c, ...))
    while result[2] == "preempted" do
      n = n + 1
      result = table.pack(cfiber.resume(c))
    end
    assert.equal("dead", cfiber.status(c))
    return n, table.unpack(result, 1, result.n)
  end

  local function leakless(f)
    return function() helper.leakless(f) end
  end

  it("by count preempts a loop", leakless(function()
    local n, ok, sum = preempted(function(max)
      local sum = 0
      for i = 1, max do
        sum = sum + i
      end
      return sum
    end, 50, 1000)
    assert.same({true, 500500}, {ok, sum})
    assert.is_true(n > 10)
  end))

  it("by count preempts sort, gsub and metamethods", leakless(function()
    local n, ok, sorted, text, sum = preempted(function()
      local t = {}
      for i = 1, 50 do
        t[i] = i * 37 % 50
      end
      table.sort(t, function(a, b) return a < b end)
      local s = ("abc"):rep(20):gsub("%w", function(c) return c:upper() end)
      local v = setmetatable({}, {__add = function(_, b) return b * 2 end})
      return table.concat(t, " "), s, v + 4
    end, 5)
    assert.is_true(n > 100)
    assert.is_true(ok)
    assert.matches("^0 1 2 3 4 .* 48 49$", sorted)
    assert.equal(("ABC"):rep(20), text)
    assert.equal(8, sum)
  end))

  it("at each line goes on where it was", leakless(function()
    local lines = {}
    local c = cfiber.create(function()
      local a = 1
      a = a + 1
      return a
    end)
    debug.sethook(c, function(_, line)
      cfiber.yield("line", line)
    end, "l")
    local ok, what, line = cfiber.resume(c)
    while what == "line" do
      lines[#lines + 1] = line
      ok, what, line = cfiber.resume(c)
    end
    assert.same({true, 2}, {ok, what})
    assert.equal(3, #lines)
    assert.same({lines[1], lines[1] + 1, lines[1] + 2}, lines)
  end))

  it("at calls and returns yields what it likes", leakless(function()
    local c = cfiber.create(function() return math.abs(-1) end)
    debug.sethook(c, function(event) cfiber.yield(event) end, "cr")
    local seen = {}
    repeat
      local _, value = cfiber.resume(c)
      seen[#seen + 1] = value
    until cfiber.status(c) == "dead"
    assert.equal("call", seen[1])
    assert.equal(1, seen[#seen])
    assert.is_true(#seen > 3)
  end))

  it("shows in its traceback while it is suspended", leakless(function()
    local c = cfiber.create(function()
      return 1
    end)
    debug.sethook(c, function() cfiber.yield() end, "l")
    cfiber.resume(c)
    assert.matches("in hook '%?'", debug.traceback(c))
    assert.equal("hook", debug.getinfo(c, 1, "n").namewhat)
    cfiber.close(c)
  end))

  it("leaves the hooks of others in force", leakless(function()
    local lines = 0
    local function body()
      local a = 1
      a = a + 1
      return a
    end
    local stuck, other = cfiber.create(body), cfiber.create(body)
    debug.sethook(stuck, function() cfiber.yield() end, "l")
    debug.sethook(other, function() lines = lines + 1 end, "l")
    cfiber.resume(stuck)
    assert.same({true, 2}, {cfiber.resume(other)})
    assert.equal(3, lines)
    cfiber.close(stuck)
  end))

  it("is closed while it is suspended there", leakless(function()
    local closed
    local c = cfiber.create(function()
      local _ <close> = setmetatable({}, {__close = function() closed = true end})
      while true do end
    end)
    debug.sethook(c, function() cfiber.yield() end, "", 100)
    cfiber.resume(c)
    assert.is_true(cfiber.close(c))
    assert.is_true(closed)
  end))

  it("is collected while it is suspended there", leakless(function()
    for _ = 1, 10 do
      local c = cfiber.create(function() while true do end end)
      debug.sethook(c, function() cfiber.yield() end, "", 100)
      cfiber.resume(c)
    end
  end))

  it("in main is refused", function()
    local ok, message
    debug.sethook(function()
      debug.sethook()
      ok, message = pcall(cfiber.yield)
    end, "", 1)
    debug.sethook()
    assert.is_false(ok)
    assert.equal("attempt to yield from outside a coroutine", message)
  end)
end)
