-- mutex_spec.lua: one task at a time holds a mutex

local tasks = require "tasks"
local cfiber = require("helper").cfiber
local handler_it = require "since"("5.4.3", "calls a handler again that did not return")
local message, test = tasks.message, tasks.clean

describe("lock", function()
  it("is first come, first served", test(function(S, log, seen)
    local m = S.mutex()
    for i = 1, 3 do
      S.spawn(function()
        local _ <close> = m:lock()
        log("in", i)
        S.wait()
        log("out", i)
      end)
    end
    for _ = 1, 3 do
      S.update(0)
    end
    assert.same({"in 1", "out 1", "in 2", "out 2", "in 3", "out 3"}, seen)
  end))

  it("lets nobody in between an unlock and the next in line", test(function(S, log, seen)
    local m = S.mutex()
    S.spawn(function()
      m:lock()
      S.wait()
      m:unlock()
      log(m:lock(0))
    end)
    S.spawn(function()
      log(m:lock() == m)
    end)
    S.update(0)
    assert.same({"nil timeout", "true"}, seen)
  end))

  it("gives up after the timeout", test(function(S, log, seen)
    local m = S.mutex()
    S.spawn(function() m:lock() S.wait(5) end)
    S.spawn(function()
      local _ <close> = m:lock(1)
      log(m:lock(1))
    end)
    S.update(1)
    S.update(1)
    S.update(3)
    assert.same({"nil timeout"}, seen)
    assert.matches("^mutex 0x%x+: free$", tostring(m))
  end))

  it("is refused where the task holds the mutex, however deep", test(function(S, log, seen)
    local m = S.mutex()
    S.spawn(function()
      m:lock()
      for _, way in pairs(tasks.ways) do
        log(message(way, function() m:lock() end))
      end
    end)
    assert.equal(4, #seen)
    for i = 1, 4 do
      assert.matches("mutex_spec.lua:%d+: 'lock' of a mutex that task 1 holds itself$", seen[i])
    end
  end))

  it("is refused outside of tasks", test(function(S)
    local m = S.mutex()
    assert.matches("mutex_spec.lua:%d+: 'lock' outside of a task$", message(function() m:lock() end))
    assert.matches("mutex_spec.lua:%d+: bad argument #1 to 'lock'", message(function() m:lock {} end))
  end))
end)

describe("unlock", function()
  it("is refused where the task does not hold the mutex, and says who does", test(function(S, log, seen)
    local m = S.mutex()
    local function unlock() m:unlock() end
    assert.matches("mutex_spec.lua:%d+: 'unlock' of a mutex that nobody holds$", message(unlock))
    S.spawn(function() m:lock() S.wait() end)
    assert.matches("that task 1 holds$", message(unlock))
    S.spawn(function() log(message(unlock)) end)
    assert.matches("that task 1 holds$", seen[1])
    m.holder.name = "door"
    assert.matches("that 'door' holds$", message(unlock))
    assert.matches("^mutex 0x%x+: 'door' holds it$", tostring(m))
    tasks.cancelall(S)
  end))

  it("may come before the end of the block", test(function(S, log, seen)
    local m = S.mutex()
    S.spawn(function()
      do
        local _ <close> = m:lock()
        m:unlock()
        S.spawn(function()
          m:lock()
          S.wait(1)
          log(tostring(m):match "task %d+ holds it")
        end)
      end
      log "end"
    end)
    S.update(1)
    assert.same({"end", "task 2 holds it"}, seen)
  end))
end)

-- How a task that holds a mutex ends.
local ends = {
  ["returns"] = function() end,
  ["fails"] = function() error("no", 0) end,
  ["cancels itself"] = function(S) S.cancel(coroutine.running()) end,
  ["is cancelled"] = function(S) S.wait(100) end,
  ["exits"] = function() cfiber.exit() end,
}

describe("A task that holds mutexes", function()
  for name, finish in pairs(ends) do
    it("passes them on when it " .. name, test(function(S, log, seen)
      local a, b = S.mutex(), S.mutex()
      a.core.failed = function() end
      local holder = S.spawn(function()
        local _ <close> = a:lock()
        b:lock()
        S.wait()
        finish(S)
      end)
      S.spawn(function() b:lock() log "b" end)
      S.spawn(function() a:lock() log "a" end)
      S.update(0)
      S.cancel(holder)
      S.update(0)
      assert.same({"a", "b"}, seen)
      assert.matches("free$", tostring(a))
      assert.matches("free$", tostring(b))
    end))
  end

  it("passes them on in the order of their locks", test(function(S, log, seen)
    local list = {}
    for i = 1, 9 do
      list[i] = S.mutex()
    end
    local holder = S.spawn(function()
      for i = 1, 9 do list[i]:lock() end
      S.wait(100)
    end)
    for i = 9, 1, -1 do
      S.spawn(function() list[i]:lock() log(i) end)
    end
    S.cancel(holder)
    S.update(0)
    assert.same({"1", "2", "3", "4", "5", "6", "7", "8", "9"}, seen)
  end))

  it("may unlock them in <close> variables while another task or the host closes it", test(function(S, log, seen)
    local m = S.mutex()
    local function hold()
      m:lock()
      local _ <close> = tasks.closing(function()
        log((message(m.lock, m)):match "holds itself")
        m:unlock()
        log(m)
      end)
      S.wait(100)
    end
    S.cancel(S.spawn(hold))
    S.spawn(S.cancel, S.spawn(hold))
    for i = 1, 3, 2 do
      assert.equal("holds itself", seen[i])
      assert.matches("free$", seen[i + 1])
    end
  end))

  handler_it("passes them on when who closes it is closed meanwhile", test(function(S, log, seen)
    local m = S.mutex()
    local holder = S.spawn(function()
      m:lock()
      local _ <close> = tasks.closing(function() S.wait(100) end)
      S.wait(100)
    end)
    local killer = S.spawn(S.cancel, holder)
    S.spawn(function() m:lock() log "next" end)
    S.cancel(killer)
    S.update(0)
    assert.same({"next"}, seen)
  end))
end)

describe("A task that was handed a mutex", function()
  it("passes it on when it is cancelled before it runs, before it is closed", test(function(S, log, seen)
    local m = S.mutex()
    S.spawn(function() m:lock() S.wait() end)
    local second = S.spawn(function()
      local _ <close> = tasks.closing(function() log(m) end)
      m:lock()
      log "not reached"
    end)
    S.spawn(function()
      m:lock()
      log "third"
    end)
    S.spawn(function() S.wait() S.cancel(second) end)
    S.update(0)
    assert.matches(": task 3 holds it$", seen[1])
    assert.same({"third", nil}, {seen[2], seen[3]})
    assert.matches(": free$", tostring(m))
  end))
end)
