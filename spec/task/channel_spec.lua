-- channel_spec.lua: values go through channels, and select among several

local tasks = require "tasks"
local message, test = tasks.message, tasks.clean

describe("A channel without a capacity", function()
  it("makes put wait until the value is got", test(function(S, log, seen)
    local ch = S.channel()
    S.spawn(function()
      for i = 1, 2 do
        log("put", i, ch:put(i))
      end
    end)
    log "nothing yet"
    S.spawn(function()
      for _ = 1, 2 do
        log("got", ch:get())
        S.wait()
      end
    end)
    S.update(0)
    S.update(0)
    assert.same({"nothing yet", "got 1", "put 1 true", "got 2", "put 2 true"}, seen)
  end))
end)

describe("A channel with a capacity", function()
  it("takes so many values that nobody waits for, first in, first out", test(function(S, log, seen)
    local ch = S.channel(2)
    log(ch:put(1), ch:put(2))
    log(ch:put(3, 0))
    log(#ch, ch:get(), ch:get())
    log(ch:get(0))
    assert.same({"true true", "nil timeout", "2 1 2", "nil timeout"}, seen)
  end))

  it("takes the value of the first that waits when there is room", test(function(S, log, seen)
    local ch = S.channel(1)
    ch:put(0)
    for i = 1, 3 do
      S.spawn(function() log("put", i, ch:put(i)) end)
    end
    log(ch:get())
    S.update(0)
    log(ch:get(), ch:get(), ch:get())
    S.update(0)
    assert.same({"0", "put 1 true", "1 2 3", "put 2 true", "put 3 true"}, seen)
  end))

  it("passes false like any value", test(function(S)
    local ch = S.channel(1)
    ch:put(false)
    assert.is_false(ch:get())
    local got
    S.spawn(function() got = ch:get() end)
    ch:put(false)
    S.update(0)
    assert.is_false(got)
  end))
end)

describe("Tasks that wait to get", function()
  it("are served first come, first served", test(function(S, log, seen)
    local ch = S.channel()
    for i = 1, 3 do
      S.spawn(function() log(i, ch:get()) end)
    end
    log(ch:put "a", ch:put "b", ch:put "c")
    log(#ch)
    S.update(0)
    assert.same({"true true true", "0", "1 a", "2 b", "3 c"}, seen)
  end))

  it("give up after the timeout, and get nothing then", test(function(S, log, seen)
    local ch = S.channel(1)
    S.spawn(function() log(ch:get(1)) end)
    S.update(1)
    ch:put "kept"
    assert.same({"nil timeout"}, seen)
    assert.equal(1, #ch)
  end))
end)

describe("close", function()
  it("wakes those that wait, once", test(function(S, log, seen)
    local empty, full = S.channel(), S.channel()
    S.spawn(function() log("get", empty:get()) end)
    S.spawn(function() log("put", full:put(1)) end)
    log(empty:close(), full:close(), full:close())
    S.update(0)
    assert.same({"true true false", "get nil closed", "put nil closed"}, seen)
    assert.equal(0, #full)
  end))

  it("leaves what was put", test(function(S, log, seen)
    local ch = S.channel(2)
    ch:put(1)
    ch:close()
    log(ch:put(2))
    log(ch:get())
    log(ch:get())
    assert.same({"nil closed", "1", "nil closed"}, seen)
  end))
end)

describe("A value handed to a task that is cancelled before it runs", function()
  -- Tasks that get, the first ones cancelled in this order after values 1, 2, 3
  -- were put.
  local function cancelled(S, ch, order, log)
    local getters = {}
    for i = 1, 3 do
      getters[i] = S.spawn(function() log("not reached", ch:get()) end)
    end
    for i = 1, 3 do
      ch:put(i)
    end
    for _, i in ipairs(order) do
      S.cancel(getters[i])
    end
  end

  for _, capacity in ipairs {0, 1, 5} do
    it("comes back to the front of capacity " .. capacity, test(function(S, log, seen)
      local ch = S.channel(capacity)
      cancelled(S, ch, {1, 2, 3}, log)
      assert.equal(3, #ch)
      log(ch:get(), ch:get(), ch:get())
      log(ch:get(0))
      assert.same({"1 2 3", "nil timeout"}, seen)
      assert.same({{}, {}}, {ch.values, ch.numbers})
    end))
  end

  it("comes back in the order of puts, whatever that of cancels", test(function(S, log, seen)
    local ch = S.channel(9)
    cancelled(S, ch, {3, 1, 2}, log)
    ch:put(4)
    log(ch:get(), ch:get(), ch:get(), ch:get())
    cancelled(S, ch, {2, 3, 1}, log)
    log(ch:get(), ch:get(), ch:get())
    assert.same({"1 2 3 4", "1 2 3"}, seen)
  end))

  it("goes to the next that waits", test(function(S, log, seen)
    local ch = S.channel()
    local first = S.spawn(function() log("not reached", ch:get()) end)
    S.spawn(function() log("second", ch:get()) end)
    ch:put "v"
    S.cancel(first)
    assert.equal(0, #ch)
    S.update(0)
    assert.same({"second v"}, seen)
  end))

  it("goes on to the next when that one is cancelled, too", test(function(S, log, seen)
    local ch = S.channel()
    local getters = {}
    for i = 1, 3 do
      getters[i] = S.spawn(function() log(i, ch:get()) end)
    end
    ch:put "v"
    S.cancel(getters[1])
    S.cancel(getters[2])
    S.update(0)
    assert.same({"3 v"}, seen)
  end))

  it("leaves no room for those that wait to put until it is got", test(function(S, log, seen)
    local ch = S.channel(1)
    local first = S.spawn(function() log("not reached", ch:get()) end)
    ch:put(1)
    ch:put(2)
    S.spawn(function() log("put", ch:put(3)) end)
    S.cancel(first)
    log(#ch, ch:get())
    S.update(0)
    log(#ch, ch:get())
    S.update(0)
    log(#ch, ch:get())
    assert.same({"2 1", "1 2", "put true", "1 3"}, seen)
  end))

  it("can be got from a channel closed meanwhile", test(function(S, log, seen)
    local ch = S.channel()
    local first = S.spawn(function() ch:get() end)
    ch:put "v"
    ch:close()
    S.cancel(first)
    log(ch:get())
    log(ch:get())
    assert.same({"v", "nil closed"}, seen)
  end))

  it("is not given back by a task that had it", test(function(S, log, seen)
    local ch = S.channel()
    local task = S.spawn(function()
      log(ch:get())
      S.wait(100)
    end)
    ch:put "v"
    S.update(0)
    S.cancel(task)
    assert.same({"v"}, seen)
    assert.equal(0, #ch)
  end))

  it("is not given back by one that waits again", test(function(S, log, seen)
    local ch, other = S.channel(), S.channel()
    local task = S.spawn(function()
      log(ch:get())
      log("not reached", other:get())
    end)
    ch:put "v"
    S.update(0)
    S.cancel(task)
    assert.same({"v"}, seen)
    assert.equal(0, #ch + #other)
  end))
end)

describe("A loop over a channel", function()
  it("gets until it is closed and empty", test(function(S, log, seen)
    local ch = S.channel(2)
    S.spawn(function()
      for v in ch do
        log(v)
      end
      log "end"
    end)
    ch:put("a", 0)
    ch:put("b", 0)
    S.update(1)
    ch:put("c", 0)
    ch:close()
    S.update(1)
    assert.same({"a", "b", "c", "end"}, seen)
  end))
end)

describe("select", function()
  it("does the first in the array of those that can be done", test(function(S, log, seen)
    local a, b = S.channel(1), S.channel(1)
    b:put "b"
    log(S.select {{a}, {b}})
    log(S.select {{a}, {b, 1}, {a, 2}})
    log(S.select {{a}, {b}})
    log(S.select({{a}}, 0))
    assert.same({"2 b", "2 true", "2 1", "nil timeout"}, seen)
    a:put "a"
    b:put "b"
    log(S.select {{a}, {b}})
    assert.equal("1 a", seen[5])
    assert.equal(1, #b)
  end))

  it("waits for the first that can be done, and does nothing to the others", test(function(S, log, seen)
    local a, b, c = S.channel(), S.channel(), S.channel()
    S.spawn(function() log("select", S.select {{a}, {b, "from select"}, {c}}) end)
    log(b:get())
    log(a:put("kept", 0))
    log(c:put("kept", 0))
    S.update(0)
    assert.same({"from select", "nil timeout", "nil timeout", "select 2 true"}, seen)
  end))

  it("is not matched with itself", test(function(S, log, seen)
    local ch = S.channel()
    for i = 1, 2 do
      S.spawn(function() log(i, S.select {{ch, i}, {ch}}) end)
    end
    S.update(0)
    assert.same({"2 1 true", "1 2 2"}, seen)
  end))

  it("sees a closed channel as one that can be done", test(function(S, log, seen)
    local a, b = S.channel(), S.channel()
    S.spawn(function() log(S.select {{a}, {b}}) end)
    b:close()
    S.update(0)
    log(S.select {{a}, {b}})
    log(S.select {{a}, {b, 1}})
    assert.same({"2 nil closed", "2 nil closed", "2 nil closed"}, seen)
  end))

  for how, stop in pairs {
    cancelled = function(S, task) S.cancel(task) end,
    ["timed out"] = function(S) S.update(1) end,
    ["done"] = function(S, _, a) a:put "v" S.update(0) end,
  } do
    it("leaves no trace in its channels when it is " .. how, test(function(S)
      local a, b = S.channel(), S.channel()
      local task = S.spawn(function() S.select({{a}, {a}, {b}, {b, 1}, {b, 2}}, 1) end)
      assert.equal(2, a.getters.count)
      assert.equal(2, b.putters.count)
      stop(S, task, a)
      for _, ch in ipairs {a, b} do
        assert.equal(0, ch.getters.count + ch.putters.count)
        assert.same({"timeout", "timeout"}, {select(2, ch:put(1, 0)), select(2, ch:get(0))})
      end
    end))
  end

  it("gives back what it was handed when it is cancelled before it runs", test(function(S, log, seen)
    local a, b = S.channel(), S.channel()
    local task = S.spawn(function() log("not reached", S.select {{a}, {b}}) end)
    b:put "v"
    S.cancel(task)
    log(b:get())
    assert.same({"v"}, seen)
  end))

  it("waits for the timeout alone when there are no cases", test(function(S, log, seen)
    S.spawn(function() log(S.select({}, 1)) end)
    S.update(1)
    assert.same({"nil timeout"}, seen)
  end))
end)

-- What waits, and what ends the wait: returns what it then logs.
local waits = {
  get = {
    begin = function(S) local ch = S.channel() return ch, function(t) return ch:get(t) end end,
    wake = function(ch) ch:put "v" end,
    expected = "v",
  },
  put = {
    begin = function(S) local ch = S.channel() return ch, function(t) return ch:put("v", t) end end,
    wake = function(ch) ch:get() end,
    expected = "true",
  },
  select = {
    begin = function(S) local ch = S.channel() return ch, function(t) return S.select({{ch}}, t) end end,
    wake = function(ch) ch:put "v" end,
    expected = "1 v",
  },
  ["signal:wait"] = {
    begin = function(S) local s = S.signal() return s, function(t) return s:wait(t) end end,
    wake = function(s) s:fire("a", "b") end,
    expected = "a b",
  },
  lock = {
    begin = function(S)
      local m = S.mutex()
      local holder = S.spawn(function() m:lock() S.wait(100) end)
      return holder, function(t)
        local held, why = m:lock(t)
        return held and "locked", why
      end
    end,
    wake = function(holder, S) S.cancel(holder) end,
    expected = "locked nil",
  },
}

for name, wait in pairs(waits) do
  describe("The wait of " .. name, function()
    for place, way in pairs(tasks.ways) do
      it("returns, times out, or is closed " .. place, test(function(S, log, seen)
        local on, f = wait.begin(S)
        local function go(timeout)
          return S.spawn(function()
            way(function()
              local _ <close> = tasks.closing(function() log "closed" end)
              log(f(timeout))
            end)
          end)
        end
        S.cancel(go())
        go(1)
        S.update(1)
        go(1)
        wait.wake(on, S)
        S.update(0)
        assert.same({"closed", "nil timeout", "closed", wait.expected, "closed"}, seen)
        assert.is_nil(S.signal().core.timers:first())
      end))
    end
  end)
end

describe("A channel", function()
  it("says what it is", test(function(S)
    local ch = S.channel(4)
    ch:put(1)
    assert.matches("^channel 0x%x+: 1 of 4$", tostring(ch))
    ch:close()
    assert.matches("^channel 0x%x+: 1 of 4, closed$", tostring(ch))
    ch = S.channel()
    local task = S.spawn(ch.get, ch)
    assert.matches("^channel 0x%x+: 0 of 0, 1 waits$", tostring(ch))
    assert.equal(tostring(ch), tostring(ch.core:find(task).on))
    S.spawn(ch.get, ch)
    assert.matches(", 2 wait$", tostring(ch))
    tasks.cancelall(S)
  end))

  it("refuses to wait outside of tasks", test(function(S)
    local ch = S.channel()
    for name, f in pairs {
      put = function() ch:put(1) end,
      get = function() ch:get() end,
      select = function() S.select {{ch}} end,
    } do
      assert.matches("channel_spec.lua:%d+: '" .. name .. "' outside of a task$", message(f))
      assert.is_false(ch.core.busy)
    end
  end))

  it("checks arguments", test(function(S)
    local ch, other = S.channel(), S.new().channel()
    for text, f in pairs {
      ["#1 to 'put' %(value expected, got nil%)"] = function() ch:put() end,
      ["#2 to 'put' %(number expected, got string%)"] = function() ch:put(1, "1") end,
      ["#1 to 'get' %(seconds must not be negative%)"] = function() ch:get(-1) end,
      ["#1 to 'channel' %(must be at least 0%)"] = function() S.channel(-1) end,
      ["#1 to 'select' %(table expected, got no value%)"] = function() S.select() end,
      ["#2 to 'select' %(number expected, got table%)"] = function() S.select({}, {}) end,
      ["#1 to 'select' %(case 2 is not {channel}"] = function() S.select {{ch}, {other}} end,
      ["#1 to 'select' %(case 1 is not {channel}"] = function() S.select {ch} end,
    } do
      assert.matches("channel_spec.lua:%d+: bad argument " .. text, message(f))
    end
  end))
end)
