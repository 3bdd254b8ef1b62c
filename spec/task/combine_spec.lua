-- combine_spec.lua: timeout, all and any

local helper = require "helper"
local tasks = require "tasks"

local clean, closing, fails, hog, ways = tasks.clean, tasks.closing, tasks.fails, tasks.hog, tasks.ways

-- A function that waits so long, logs its end in whatever way, returns the rest.
local function job(S, log, name, seconds, ...)
  local results = table.pack(...)
  return function()
    local _ <close> = closing(log, name)
    S.wait(seconds)
    return table.unpack(results, 1, results.n)
  end
end

-- The same, but it raises the error.
local function bad(S, log, name, seconds, err)
  return function()
    local _ <close> = closing(log, name)
    S.wait(seconds)
    error(err, 0)
  end
end

local function raise(err)
  error(err, 0)
end

-- The results of calling f in a task, when it has ended.
local function outcome(S, f, ...)
  local thread = S.spawn(function(...) return pcall(f, ...) end, ...)
  for _ = 1, 20 do
    S.update(1)
  end
  return select(2, S.join(thread))
end

describe("timeout", function()
  for name, call in pairs(ways) do
    it("returns true and the results, or false and 'timeout', " .. name, clean(function(S, log, seen)
      local got = {}
      S.spawn(function()
        got[1] = table.pack(call(function() return S.timeout(2, job(S, log, "in time", 1, 1, nil, 3, nil)) end))
        got[2] = table.pack(call(function() return S.timeout(2, job(S, log, "late", 5, 1)) end))
        log "after"
      end)
      for _ = 1, 3 do
        S.update(1)
      end
      assert.same({{n = 5, true, 1, nil, 3, nil}, {n = 2, false, "timeout"}}, got)
      assert.same({"in time", "late", "after"}, seen)
    end))

    it("raises the error of the function as it is, " .. name, clean(function(S, log, seen)
      local err, got = {}, nil
      S.spawn(function()
        got = table.pack(call(function() return pcall(S.timeout, 2, bad(S, log, "bad", 1, err)) end))
      end)
      S.update(1)
      S.update(1)
      assert.equal(err, got[2])
      assert.same({"bad"}, seen)
    end))
  end

  it("passes the arguments, and needs no wait", clean(function(S)
    assert.same({true, true, 3, 1, nil}, {outcome(S, S.timeout, 0, function(...)
      return select("#", ...), ...
    end, 1, nil, nil)})
    assert.same({true, true}, {outcome(S, S.timeout, 0, function() end)})
    assert.same({false, "at once"}, {outcome(S, S.timeout, 0, error, "at once")})
  end))

  it("gives no time at all, and all of it", clean(function(S, log)
    assert.same({true, false, "timeout"}, {outcome(S, S.timeout, 0, S.wait, 1)})
    assert.same({true, true, "x"}, {outcome(S, S.timeout, math.huge, job(S, log, "", 3, "x"))})
  end))

  it("counts what comes in the same update as the time", clean(function(S, log)
    assert.same({true, true, "x"}, {outcome(S, S.timeout, 2, job(S, log, "", 2, "x"))})
  end))

  it("nests: the shorter one ends first", clean(function(S, log, seen)
    assert.same({true, false, "timeout"}, {outcome(S, S.timeout, 2, S.timeout, 5, job(S, log, "inner", 9))})
    assert.same({"inner"}, seen)
    assert.same({true, true, false, "timeout"}, {outcome(S, S.timeout, 5, S.timeout, 2, job(S, log, "inner", 9))})
  end))

  it("cancels the function with the task that waits", clean(function(S, log, seen)
    local thread = S.spawn(function()
      local _ <close> = closing(log, "outer")
      S.timeout(5, job(S, log, "inner", 9))
    end)
    S.update(1)
    S.cancel(thread)
    assert.same({"inner", "outer"}, seen)
    S.update(9)
  end))

  it("ends the task that waits when the function cancels that", clean(function(S, log, seen)
    local thread
    thread = S.spawn(function()
      local _ <close> = closing(log, "outer")
      S.timeout(5, function()
        local _ <close> = closing(log, "inner")
        S.wait(1)
        S.cancel(thread)
        log "goes on until it waits"
        S.wait(1)
        log "not reached"
      end)
    end)
    for _ = 1, 3 do
      S.update(1)
    end
    assert.same({"outer", "goes on until it waits", "inner"}, seen)
  end))

  it("raises 'cancelled' when others cancel the function's task", clean(function(S)
    local inner
    local thread = S.spawn(function()
      return pcall(S.timeout, 5, function()
        inner = helper.cfiber.running()
        S.wait(9)
      end)
    end)
    S.cancel(inner)
    S.update(1)
    assert.same({true, false, "cancelled"}, {S.join(thread)})
  end))

  it("raises the error of a <close> variable when it cancels", clean(function(S)
    assert.same({false, "in close"}, {outcome(S, S.timeout, 1, function()
      local _ <close> = closing(raise, "in close")
      S.wait(9)
    end)})
  end))

  it("stops a function that does not wait", clean(function(S)
    local thread = S.defer(function() return S.timeout(2, hog()) end)
    local updates = 0
    while #S.tasks() > 0 do
      S.update(1, {seconds = 0.001})
      updates = updates + 1
      assert(updates < 10000, "it does not end")
    end
    assert.same({true, false, "timeout"}, {S.join(thread)})
  end))

  it("says what is wrong with its arguments", clean(function(S)
    fails("#1 to 'timeout' (number expected, got no value)", S.timeout)
    fails("#1 to 'timeout' (seconds must not be negative)", S.timeout, -1, print)
    fails("#2 to 'timeout' (function expected, got no value)", S.timeout, 1)
    fails("'timeout' outside of a task", S.timeout, 1, print)
  end))
end)

describe("all", function()
  for name, call in pairs(ways) do
    it("returns the first result of each, in order, " .. name, clean(function(S, log, seen)
      local got
      S.spawn(function()
        local task = S.spawn(job(S, log, "task", 1, "b", "unseen"))
        got = table.pack(call(function()
          return S.all(job(S, log, "slow", 3, "a"), task, function() end, job(S, log, "fast", 2, "d"))
        end))
      end)
      for _ = 1, 4 do
        S.update(1)
      end
      assert.same({n = 4, "a", "b", nil, "d"}, got)
      assert.same({"task", "fast", "slow"}, seen)
    end))

    it("raises the first error as it is when its other functions are cancelled, " .. name, clean(function(S, log, seen)
      local err, got = {}, nil
      S.spawn(function()
        local task = S.spawn(job(S, log, "task", 3))
        got = table.pack(call(function()
          return pcall(S.all, job(S, log, "slow", 3), task, bad(S, log, "bad", 1, err), bad(S, log, "unseen", 2, "no"))
        end))
        log "after"
      end)
      for _ = 1, 4 do
        S.update(1)
      end
      assert.equal(err, got[2])
      assert.same({"bad", "slow", "unseen", "after", "task"}, seen)
    end))
  end

  it("begins nothing more when one has failed", clean(function(S, log, seen)
    assert.same({false, "at once"}, {outcome(S, S.all, job(S, log, "cancelled", 1), function()
      error("at once", 0)
    end, log)})
    assert.same({"cancelled"}, seen)
  end))

  it("lets the others do nothing more once one has failed", clean(function(S, log, seen)
    assert.same({false, "bad"}, {outcome(S, S.all, bad(S, log, "bad", 1, "bad"), function()
      S.wait(1)
      log "not reached"
    end)})
    assert.same({"bad"}, seen)
  end))

  it("takes tasks that have ended, several times the same, and nothing", clean(function(S, log)
    local ended, waits = S.spawn(function() return "ended" end), S.spawn(job(S, log, "", 1, "waited"))
    assert.same({true, "ended", "waited", "ended", "waited", "f"},
      {outcome(S, S.all, ended, waits, ended, waits, function() return "f" end)})
    assert.same({true, "ended", "ended"}, {outcome(S, S.all, ended, ended)})
    assert.same({true}, {outcome(S, S.all)})
  end))

  it("raises the error of a task that is joined, which goes to nobody else", clean(function(S, log)
    local waits = S.spawn(bad(S, log, "", 1, "bad"))
    assert.same({false, "bad"}, {outcome(S, S.all, waits)})
    assert.same({false, "bad"}, {outcome(S, S.all, waits, print)})
  end))

  it("raises 'cancelled' for a task that others cancel", clean(function(S, log)
    local waits = S.spawn(job(S, log, "", 9))
    S.delay(1, S.cancel, waits)
    assert.same({false, "cancelled"}, {outcome(S, S.all, waits)})
  end))

  it("cancels its own functions with the task that waits, not the tasks", clean(function(S, log, seen)
    local task = S.spawn(job(S, log, "task", 9))
    local thread = S.spawn(function()
      local _ <close> = closing(log, "outer")
      S.all(job(S, log, "a", 9), task, job(S, log, "b", 9))
    end)
    S.update(1)
    S.cancel(thread)
    assert.same({"a", "b", "outer"}, seen)
    S.update(9)
    assert.same({"a", "b", "outer", "task"}, seen)
  end))

  it("leaves the errors of tasks that it no longer waits for to others", clean(function(S, log, _, errors)
    local task = S.spawn(bad(S, log, "", 2, "late"))
    assert.same({true, false, "timeout"}, {outcome(S, S.timeout, 1, S.all, task)})
    assert.same({"late"}, errors)
  end))

  it("keeps nothing in tasks that it no longer waits for", clean(function(S)
    local task = S.spawn(S.wait, 99)
    for _ = 1, 3 do
      outcome(S, S.timeout, 1, S.all, task)
    end
    assert.is_false(tasks.record(S, task).atend:peek())
    S.cancel(task)
  end))

  it("reports what is raised as others are cancelled", clean(function(S, log, _, errors)
    assert.same({false, "first"}, {outcome(S, S.all, bad(S, log, "", 1, "first"), function()
      local _ <close> = closing(raise, "in close")
      S.wait(9)
    end)})
    assert.same({"in close"}, errors)
  end))

  it("waits for functions that are stopped anywhere", clean(function(S)
    local thread = S.defer(function()
      return S.all(hog(1e5, "a"), hog(1e5, "b"), function() S.wait(1) return "c" end)
    end)
    tasks.crawl(S, thread)
    assert.same({true, "a", "b", "c"}, {S.join(thread)})
  end))

  it("says what is wrong with its arguments", clean(function(S, log, seen)
    fails("'all' outside of a task", S.all, print)
    local other = require("cfiber.task").new()
    local stranger = other.spawn(other.wait)
    S.spawn(function()
      fails("#2 to 'all' (function or task expected, got table)", S.all, log, {})
      fails("#2 to 'all' (function or task expected, got no value)", S.all, log, nil)
      fails("#1 to 'all' (not a task of this scheduler)", S.all, stranger, log)
      fails("#1 to 'all' (a task cannot wait for itself)", S.all, (helper.cfiber.running()))
    end)
    assert.same({}, seen)
    other.cancel(stranger)
  end))
end)

describe("any", function()
  for name, call in pairs(ways) do
    it("returns which one was first, and its results; the others are cancelled, " .. name, clean(function(S, log, seen)
      local got
      S.spawn(function()
        local task = S.spawn(job(S, log, "task", 3))
        got = table.pack(call(function()
          return S.any(job(S, log, "slow", 3), task, bad(S, log, "bad", 1, "no"), job(S, log, "fast", 2, 1, nil))
        end))
        log "after"
      end)
      for _ = 1, 4 do
        S.update(1)
      end
      assert.same({n = 3, 4, 1, nil}, got)
      assert.same({"bad", "fast", "slow", "after", "task"}, seen)
    end))

    it("raises the last error when all have failed, " .. name, clean(function(S, log)
      local err, got = {}, nil
      S.spawn(function()
        local task = S.spawn(bad(S, log, "", 1, "first"))
        got = table.pack(call(function()
          return pcall(S.any, bad(S, log, "", 3, err), task, bad(S, log, "", 2, "second"))
        end))
      end)
      for _ = 1, 4 do
        S.update(1)
      end
      assert.equal(err, got[2])
    end))
  end

  it("begins nothing more when one has ended", clean(function(S, log, seen)
    assert.same({true, 2, "now"}, {outcome(S, S.any, job(S, log, "cancelled", 1), function() return "now" end, log)})
    assert.same({"cancelled"}, seen)
  end))

  it("takes tasks that have ended, and several times the same", clean(function(S, log)
    local ended, failed = S.spawn(function() return "ended" end), S.spawn(S.all, bad(S, log, "", 1, "bad"))
    assert.same({true, 2, "ended"}, {outcome(S, S.any, failed, ended, ended)})
    assert.same({false, "bad"}, {outcome(S, S.any, failed, failed)})
  end))

  it("cancels its own functions with the task that waits", clean(function(S, log, seen)
    local thread = S.spawn(S.any, job(S, log, "a", 9), job(S, log, "b", 9))
    S.cancel(thread)
    assert.same({"a", "b"}, seen)
  end))

  it("says what is wrong with its arguments", clean(function(S)
    fails("#1 to 'any' (function or task expected, got no value)", S.any)
    fails("'any' outside of a task", S.any, print)
  end))
end)
