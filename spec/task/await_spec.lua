-- await_spec.lua: functions with callbacks, called as if they waited

local helper = require "helper"
local tasks = require "tasks"

local clean, fails, hog, ways = tasks.clean, tasks.fails, tasks.hog, tasks.ways

-- A function with a callback, and a table with that.
local function later()
  local got = {}
  return function(...)
    local n = select("#", ...)
    got.n, got.callback = n, (select(n, ...))
  end, got
end

describe("await", function()
  for name, call in pairs(ways) do
    it("returns what the callback gets later from the host, " .. name, clean(function(S)
      local f, got = later()
      local results
      S.spawn(function()
        results = table.pack(call(function() return S.await(f, nil, "x", nil) end))
      end)
      assert.equal(4, got.n)
      S.update(1)
      assert.is_nil(results)
      got.callback(1, nil, 3, nil)
      assert.is_nil(results)
      S.update(1)
      assert.same({n = 4, 1, nil, 3, nil}, results)
    end))

    it("returns what the callback gets at once, without a wait, " .. name, clean(function(S)
      local results
      S.spawn(function()
        results = table.pack(call(function() return S.await(function(x, callback) callback(x, "b") end, "a") end))
      end)
      assert.same({n = 2, "a", "b"}, results)
    end))

    it("ends with its task; the callback does nothing then, " .. name, clean(function(S)
      local f, got = later()
      local thread = S.spawn(call, function() S.await(f) end)
      S.cancel(thread)
      got.callback(1)
      got.callback(2)
      S.update(1)
    end))
  end

  it("takes the callback from another task", clean(function(S, log, seen)
    local f, got = later()
    S.spawn(function() log("first", S.await(f)) end)
    S.spawn(function()
      S.wait(1)
      got.callback "other"
      log "goes on"
    end)
    S.update(1)
    assert.same({"goes on", "first other"}, seen)
  end))

  it("returns nil and an error as they are, and nothing", clean(function(S)
    S.spawn(function()
      local function give(...)
        local values = table.pack(...)
        return table.pack(S.await(function(callback) callback(table.unpack(values, 1, values.n)) end))
      end
      assert.same({n = 2, nil, "ENOENT"}, give(nil, "ENOENT"))
      assert.same({n = 0}, give())
    end)
  end))

  it("passes an error of the function on; the callback does nothing then", clean(function(S)
    local err, callback, got = {}, nil, nil
    local thread = S.spawn(function()
      got = table.pack(pcall(S.await, function(f)
        callback = f
        error(err)
      end))
      S.wait(2)
      return "ended"
    end)
    assert.equal(err, got[2])
    callback()
    callback()
    S.update(1)
    assert.equal("suspended", helper.cfiber.status(thread))
    S.update(1)
    assert.same({true, "ended"}, {S.join(thread)})
  end))

  it("ends with a task that was cancelled as it ran", clean(function(S)
    local thread = S.defer(S.await, function() tasks.doom(S) end)
    S.update(1)
    assert.same({false, "cancelled"}, {S.join(thread)})
  end))

  it("calls a function that waits", clean(function(S)
    local thread = S.spawn(S.await, function(callback)
      S.delay(1, callback, "delayed")
      S.wait(3)
    end)
    for _ = 1, 4 do
      S.update(1)
    end
    assert.same({true, "delayed"}, {S.join(thread)})
  end))

  it("refuses a second call of the callback and says where the first was", clean(function(S)
    local f, got = later()
    S.spawn(S.await, f)
    local at = debug.getinfo(1, "Sl")
    local function place(lines) return at.short_src .. ":" .. at.currentline + lines end
    got.callback(1)
    fails(place(4) .. ": callback called twice (first at " .. place(2) .. ")", function()
      got.callback(2)
    end)
    S.update(1)
    fails("callback called twice", got.callback)
    S.spawn(S.await, f)
    pcall(got.callback)
    fails("callback called twice (first in C)", got.callback)
    S.update(1)
  end))

  it("ends with the time of a timeout", clean(function(S)
    local f, got = later()
    local thread = S.spawn(S.timeout, 1, S.await, f)
    S.update(1)
    got.callback "late"
    S.update(1)
    assert.same({true, false, "timeout"}, {S.join(thread)})
  end))

  it("takes the callback in the middle of a slice", clean(function(S)
    local thread = S.defer(function()
      local sum = 0
      for _ = 1, 100 do
        local n = S.await(function(callback)
          S.spawn(function()
            hog(1e3)()
            callback(1)
          end)
        end)
        sum = sum + n
      end
      return sum
    end)
    S.defer(hog(1e5))
    tasks.crawl(S, thread)
    S.update(1)
    assert.same({true, 100}, {S.join(thread)})
  end))

  it("says what is wrong with its arguments", clean(function(S)
    fails("#1 to 'await' (function expected, got no value)", S.await)
    fails("'await' outside of a task", S.await, print)
  end))
end)
