-- basic_spec.lua: tasks start, wait and end

local helper = require "helper"
local cfiber = helper.cfiber
local new = require("cfiber.task").new
local tasks = require "tasks"

local clean, ways = tasks.clean, tasks.ways

local function closing(log, text)
  return setmetatable({}, {__close = function() log(text) end})
end

describe("spawn", function()
  it("runs the task until it first waits", clean(function(S, log, seen)
    S.spawn(function(...)
      log("in", ...)
      S.wait()
      log "later"
    end, 1, 2)
    log "out"
    S.update(1)
    assert.same({"in 1 2", "out", "later"}, seen)
  end))

  it("goes on in the task that spawns, however deep they nest", clean(function(S, log, seen)
    local function nest(n)
      log("down", n)
      if n < 500 then
        S.spawn(nest, n + 1)
      end
      log("up", n)
    end
    S.spawn(nest, 1)
    assert.equal(1000, #seen)
    assert.equal("down 500", seen[500])
    assert.equal("up 1", seen[1000])
  end))

  it("returns the thread", clean(function(S)
    local inside
    local thread = S.spawn(function() inside = cfiber.running() end)
    assert.equal(inside, thread)
  end))

  it("takes threads that have not run, threads that wait for it, and callable objects", clean(function(S, log, seen)
    local thread = cfiber.create(function(...)
      log(...)
      log(cfiber.yield "unseen")
    end)
    assert.equal(thread, S.spawn(thread, "first"))
    S.update(1)
    S.spawn(thread, "second")
    S.spawn(setmetatable({}, {__call = function(_, ...) log("called", ...) end}), "x")
    assert.same({"first", "second", "called x"}, seen)
  end))

  it("refuses others, and says why", clean(function(S)
    local function refuses(pattern, f, ...)
      local ok, err = pcall(f, ...)
      assert.False(ok)
      assert.matches(pattern, err, 1, true)
    end
    local waits = S.spawn(function() S.wait(1) end)
    local dead = cfiber.create(print)
    cfiber.close(dead)
    refuses("#1 to 'spawn' (function or thread expected, got no value)", S.spawn)
    refuses("#1 to 'spawn' (the task waits in 'wait')", S.spawn, waits)
    refuses("#1 to 'defer' (cannot start a dead thread)", S.defer, dead)
    refuses("#2 to 'delay' (function or thread expected, got table)", S.delay, 1, {})
    refuses("#1 to 'delay' (number expected, got string)", S.delay, "1", print)
    refuses("#1 to 'delay' (seconds must not be negative)", S.delay, 0 / 0, print)
    S.cancel(waits)
  end))

  it("works after a wait that was refused", clean(function(S, log, seen)
    S.spawn(function()
      setmetatable({}, {__gc = function() pcall(S.wait, 1) end})
      collectgarbage()
      S.spawn(log, "spawned")
      S.wait(2)
      log "on"
    end)
    for _ = 1, 3 do
      log "update"
      S.update(1)
    end
    assert.same({"spawned", "update", "update", "on", "update"}, seen)
  end))

  it("works in a finalizer, where the task runs inside it", clean(function(S, log, seen)
    S.spawn(function()
      setmetatable({}, {__gc = function()
        S.spawn(function()
          log "in"
          S.wait()
          log "later"
        end)
        log "out"
      end})
      collectgarbage()
    end)
    S.update(1)
    assert.same({"in", "out", "later"}, seen)
  end))
end)

describe("defer and delay", function()
  it("run at the end of the update, and when the time has come", clean(function(S, log, seen)
    S.delay(1, log, "delayed", 1)
    S.defer(function()
      log "deferred"
      S.defer(log, "deferred by it")
      S.spawn(log, "spawned by it")
    end)
    S.spawn(function()
      S.wait()
      log "waited"
    end)
    S.update(0.5)
    log "--"
    S.update(0.5)
    assert.same({"waited", "deferred", "spawned by it", "deferred by it", "--", "delayed 1"}, seen)
  end))

  it("do not run what was cancelled", clean(function(S, log, seen)
    S.cancel(S.delay(1, log, "delayed"))
    S.cancel(S.defer(log, "deferred"))
    assert.equal(0, S.update(2))
    assert.same({}, seen)
  end))
end)

describe("a wait", function()
  for way, call in pairs(ways) do
    it("returns the seconds that passed, " .. way, clean(function(S)
      local passed = {}
      S.spawn(function()
        passed[1] = call(function() return S.wait(1) end)
        passed[2] = call(function() return S.wait() end)
        passed[3] = call(function() return S.frames(3) end)
      end)
      for _ = 1, 8 do
        S.update(0.75)
      end
      assert.same({1.5, 0.75, 2.25}, passed)
    end))

    it("for a predicate returns what that returned, " .. way, clean(function(S)
      local calls, got = 0, nil
      S.spawn(function()
        got = call(function()
          return S.wait_until(function()
            calls = calls + 1
            return calls == 3 and "third"
          end)
        end)
      end)
      S.update(1)
      assert.Nil(got)
      S.update(1)
      assert.equal("third", got)
    end))
  end

  it("wakes in the order of times, those of one time in that of their waits", clean(function(S, log, seen)
    for i, seconds in ipairs {3, 1, 2, 1, 3} do
      S.spawn(function()
        S.wait(seconds)
        log(i)
      end)
    end
    S.update(10)
    assert.same({"2", "4", "3", "1", "5"}, seen)
  end))

  it("is not fooled by others who resume the task", clean(function(S, log, seen)
    local thread = S.spawn(function() log(S.wait(1)) end)
    assert.True(cfiber.resume(thread, "x"))
    assert.same({}, seen)
    S.update(1)
    assert.same({"1.0"}, seen)
  end))

  it("for ever is a wait of math.huge", clean(function(S)
    local thread = S.spawn(function() S.wait(math.huge) end)
    S.update(1e300)
    assert.True(S.cancel(thread))
  end))

  it("is refused outside of tasks and in finalizers, and the task goes on", clean(function(S, log, seen)
    assert.has_error(function() S.wait(1) end, "'wait' outside of a task")
    S.spawn(function()
      setmetatable({}, {__gc = function() log(select(2, pcall(S.wait, 1))) end})
      collectgarbage()
      S.wait(2)
      log "on"
    end)
    S.update(1)
    S.update(1)
    assert.same({"attempt to yield from a finalizer", "on"}, seen)
  end))
end)

describe("cancel", function()
  for way, call in pairs(ways) do
    it("closes a task that waits, innermost first, " .. way, clean(function(S, log, seen)
      local thread = S.spawn(function()
        local _ <close> = closing(log, "outer")
        call(function()
          local _ <close> = closing(log, "inner")
          S.wait(1)
        end)
      end)
      assert.True(S.cancel(thread))
      assert.False(S.cancel(thread))
      S.update(1)
      assert.same({"inner", "outer"}, seen)
    end))

    it("of itself does not return, " .. way, clean(function(S, log, seen)
      local thread
      thread = S.spawn(function()
        S.wait()
        local _ <close> = closing(log, "closed")
        call(function()
          pcall(S.cancel, thread)
          log "not here"
        end)
      end)
      S.update(1)
      assert.same({"closed"}, seen)
    end))
  end

  it("of the task that spawned this one ends it at its next step", clean(function(S, log, seen)
    S.spawn(function()
      local _ <close> = closing(log, "closed")
      local parent = cfiber.running()
      S.spawn(function() S.cancel(parent) end)
      log "not here"
    end)
    assert.same({"closed"}, seen)
  end))

  it("lets <close> variables wait, in the task that cancels", clean(function(S, log, seen)
    local thread = S.spawn(function()
      local _ <close> = setmetatable({}, {__close = function()
        S.wait(1)
        log "closed"
      end})
      S.wait(10)
    end)
    S.spawn(function()
      S.cancel(thread)
      log "cancelled"
    end)
    S.update(1)
    assert.same({"closed", "cancelled"}, seen)
  end))

  it("makes an error of a <close> variable that of the task", clean(function(S, log, seen)
    local thread = S.spawn(function()
      local _ <close> = setmetatable({}, {__close = function() error("late", 0) end})
      S.wait(10)
    end)
    S.spawn(function() log(tostring(S.join(thread)), select(2, S.join(thread))) end)
    S.spawn(function() S.cancel(thread) end)
    S.update(1)
    assert.same({"false late"}, seen)
  end))
end)

describe("a task that fails", function()
  it("closes its variables before others run", clean(function(S, log, seen)
    local thread = S.spawn(function()
      local _ <close> = closing(log, "outer")
      string.gsub("x", "x", function()
        local _ <close> = closing(log, "inner")
        S.wait()
        error "oops"
      end)
    end)
    S.spawn(function()
      log(S.join(thread) and "well" or "failed")
    end)
    S.update(1)
    assert.same({"inner", "outer", "failed"}, seen)
  end))
end)

describe("join", function()
  for way, call in pairs(ways) do
    it("returns how the task ended, " .. way, clean(function(S)
      local got = {}
      local function joins(thread, ...)
        local args = {...}
        S.spawn(function()
          got[#got + 1] = table.pack(call(function() return S.join(thread, table.unpack(args)) end))
        end)
      end
      joins(S.spawn(function() S.wait(1) return 1, nil, 3 end))
      S.update(1)
      joins(S.spawn(function() S.wait(1) error({}) end))
      S.update(1)
      local cancelled = S.spawn(function() S.wait(10) end)
      joins(cancelled)
      S.cancel(cancelled)
      S.update(0)
      local late = S.spawn(function() S.wait(10) end)
      joins(late, 1)
      S.update(1)
      S.cancel(late)
      joins(late)
      assert.same({n = 4, true, 1, nil, 3}, got[1])
      assert.False(got[2][1])
      assert.equal("table", type(got[2][2]))
      assert.same({n = 2, false, "cancelled"}, got[3])
      assert.same({n = 2, false, "timeout"}, got[4])
      assert.same({n = 2, false, "cancelled"}, got[5])
    end))
  end

  it("of itself is an error", clean(function(S, log, seen)
    S.spawn(function() log(select(2, pcall(S.join, (cfiber.running())))) end)
    assert.same({"a task cannot join itself"}, seen)
  end))

  it("of what is no task of this scheduler is an error", clean(function(S)
    assert.has_error(function() S.join(1) end, "bad argument #1 to 'join' (thread expected, got number)")
    local other = new()
    local thread = other.spawn(function() other.wait(1) end)
    assert.has_error(function() S.cancel(thread) end, "bad argument #1 to 'cancel' (not a task of this scheduler)")
    other.cancel(thread)
  end))
end)

describe("schedulers", function()
  it("have times and tasks of their own, also one inside a task of another", clean(function(A, log, seen)
    local B = new()
    A.spawn(function()
      B.spawn(function()
        log("B", B.wait(1))
        log("A in B", A.wait(1))
      end)
      B.update(1)
      log "B is done"
    end)
    A.update(1)
    assert.same({"B 1.0", "A in B 1.0", "B is done"}, seen)
  end))

  it("refuse an update inside of an update", clean(function(S, log, seen)
    S.spawn(function() log(select(2, pcall(S.update, 1))) end)
    assert.same({"update inside of an update of the same scheduler"}, seen)
  end))
end)
