-- signal_spec.lua: signals call functions and wake those that wait

local tasks = require "tasks"
local test = tasks.clean

describe("fire", function()
  it("calls functions in the order of their connection, then wakes those that wait", test(function(S, log, seen)
    local s = S.signal()
    for i = 1, 2 do
      S.spawn(function() log("woken", i, s:wait()) end)
    end
    s:connect(function(...) log("a", ...) end)
    s:connect(function(...) log("b", ...) end)
    s:fire(1, nil)
    log "fired"
    S.update(0)
    assert.same({"a 1 nil", "b 1 nil", "fired", "woken 1 1 nil", "woken 2 1 nil"}, seen)
  end))

  it("runs each function in a task of its own, until it first waits", test(function(S, log, seen)
    local s = S.signal()
    for i = 1, 2 do
      s:connect(function()
        log("begin", i)
        S.wait()
        log("end", i)
      end)
    end
    S.spawn(function()
      s:fire()
      log "fired"
    end)
    S.update(0)
    assert.same({"begin 1", "begin 2", "fired", "end 1", "end 2"}, seen)
  end))

  it("calls the others when one fails, and reports that", test(function(S, log, seen)
    local s = S.signal()
    s.core.failed = function(_, t) log("failed", t.results[1]) end
    s:connect(function() error("no", 0) end)
    s:connect(log)
    s:fire "yes"
    assert.same({"failed no", "yes"}, seen)
  end))

  it("does not call what is connected meanwhile, nor wake who waits meanwhile", test(function(S, log, seen)
    local s = S.signal()
    s:connect(function(n)
      log("first", n)
      s:connect(function(m) log("later", m) end)
      log("woken", s:wait())
    end)
    s:fire(1)
    S.update(0)
    assert.same({"first 1"}, seen)
    s:fire(2)
    S.update(0)
    assert.same({"first 1", "first 2", "later 2", "woken 2"}, seen)
    tasks.cancelall(S)
  end))

  it("wakes those that wait for a fire inside of a fire once, with its values", test(function(S, log, seen)
    local s, inner = S.signal(), true
    S.spawn(function() log("woken", s:wait()) end)
    s:connect(function()
      if inner then
        inner = false
        s:fire "inner"
      end
    end)
    s:fire "outer"
    S.update(0)
    assert.same({"woken inner"}, seen)
  end))

  it("does not call what was disconnected before its turn", test(function(S, log, seen)
    local s, b = S.signal(), nil
    local a
    a = s:connect(function()
      log "a"
      a:disconnect()
      b:disconnect()
    end)
    b = s:connect(function() log "b" end)
    s:connect(function() log "c" end)
    s:fire()
    s:fire()
    assert.same({"a", "c", "c"}, seen)
  end))

  it("does not call the rest when the task that fires is cancelled by one", test(function(S, log, seen)
    local s, task = S.signal(), nil
    s:connect(function() S.cancel(task) end)
    s:connect(function() log "rest" end)
    task = S.spawn(function()
      task = coroutine.running()
      s:fire()
    end)
    S.update(0)
    assert.same({}, seen)
  end))

  it("works in the host, which goes on when all were called", test(function(S, log, seen)
    local s = S.signal()
    s:connect(function() S.spawn(log, "child") log "function" end)
    s:fire()
    log "host"
    assert.same({"child", "function", "host"}, seen)
  end))
end)

describe("A connection", function()
  it("says whether it is connected", test(function(S)
    local s = S.signal()
    local c = s:connect(print)
    assert.is_true(c.connected)
    assert.is_true(c:disconnect())
    assert.is_false(c.connected)
    assert.is_false(c:disconnect())
    assert.matches("^connection 0x%x+ of no signal$", tostring(c))
  end))

  it("made by once is for one fire, also when its function fires again", test(function(S, log, seen)
    local s = S.signal()
    s:once(function(n)
      log(n)
      s:fire(n + 1)
    end)
    s:fire(1)
    s:fire(3)
    assert.same({"1"}, seen)
  end))
end)

describe("signal:wait", function()
  it("returns all values, so that a fired nil is told from a timeout", test(function(S, log, seen)
    local s = S.signal()
    S.spawn(function()
      log(select("#", s:wait(5)))
      log(select("#", s:wait(5)))
      log(s:wait(5))
      log(s:wait(0))
    end)
    s:fire()
    S.update(0)
    s:fire(nil)
    S.update(0)
    S.update(5)
    assert.same({"0", "1", "nil timeout", "nil timeout"}, seen)
  end))

  it("leaves nothing when many time out behind one that waits for ever", test(function(S)
    local s = S.signal()
    S.spawn(s.wait, s)
    for _ = 1, 2 do
      S.spawn(function() while true do s:wait(1) end end)
    end
    local function size()
      local n = 0
      for _ in pairs(s.waiting) do n = n + 1 end
      for _ in pairs(s.waiting.after) do n = n + 1 end
      return n
    end
    local before = size()
    for _ = 1, 10 do
      S.update(1)
    end
    assert.equal(before, size())
    tasks.cancelall(S)
  end))

  it("is refused outside of tasks", test(function(S)
    local s = S.signal()
    local err = tasks.message(function() s:wait() end)
    assert.matches("signal_spec.lua:%d+: 'wait' outside of a task$", err)
  end))
end)

describe("A signal", function()
  it("says what it is", test(function(S)
    local s = S.signal()
    assert.matches("^signal 0x%x+: 0 connected$", tostring(s))
    s:connect(print)
    S.spawn(s.wait, s)
    assert.matches("^signal 0x%x+: 1 connected, 1 waits$", tostring(s))
    S.spawn(s.wait, s)
    assert.matches(", 2 wait$", tostring(s))
    tasks.cancelall(S)
  end))

  it("checks arguments", test(function(S)
    local s = S.signal()
    for name, f in pairs {
      connect = function() s:connect(1) end,
      once = function() s:once() end,
      wait = function() s:wait "1" end,
    } do
      local err = tasks.message(f)
      assert.matches("signal_spec.lua:%d+: bad argument #1 to '" .. name .. "' %(%l+ expected", err)
    end
  end))
end)
