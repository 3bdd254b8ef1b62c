-- closing_spec.lua: what <close> variables and error values may do when the host
-- ends tasks: what any task may, within the limits

local cfiber = require "cfiber"
local since = require "since"
local tasks = require "tasks"

local handler_it = since("5.4.3", "calls a handler again that did not return")
local hooked_it = since("5.4.3", "ends a handler at a hook: slices do not stop it")
local clean, closing = tasks.clean, tasks.closing

local limits = {instructions = 20000}

-- Ways in which a task ends in the host, or between others. Each takes a
-- scheduler and a function for a <close> variable; returns the thread.
local ways = {}

ways["is cancelled by the host"] = function(S, f)
  local t = S.spawn(function()
    local _ <close> = closing(f)
    S.wait(100)
  end)
  assert.is_true(S.cancel(t))
  return t
end

ways["cancels itself"] = function(S, f)
  return S.spawn(function()
    local _ <close> = closing(f)
    S.cancel(cfiber.running())
  end)
end

ways["fails"] = function(S, f)
  return S.spawn(function()
    local _ <close> = closing(f)
    error "boom"
  end)
end

ways["fails in a group"] = function(S, f)
  return S.spawn(function()
    local _ <close> = closing(f)
    local g <close> = S.group()
    g:spawn(error, "boom")
    g:wait()
  end)
end

for how, begin in pairs(ways) do
  describe("A task that " .. how, function()
    hooked_it("holds nobody off by a <close> variable that never ends", clean(function(S)
      local turns = 0
      local other = S.spawn(function()
        while true do
          turns = turns + 1
          S.wait()
        end
      end)
      begin(S, function() while true do end end)
      for _ = 1, 10 do
        S.update(1, limits)
      end
      assert.equal(11, turns)
      S.cancel(other)
      tasks.cancelall(S)
    end))

    it("may wait in one", clean(function(S, log, seen)
      begin(S, function()
        S.wait(2)
        log "closed"
      end)
      S.update(1)
      assert.same({}, seen)
      S.update(1)
      assert.same({"closed"}, seen)
    end))
  end)
end

describe("A task whose <close> variable goes on in later updates", function()
  it("has ended when that has", clean(function(S, log, seen)
    local t = ways["is cancelled by the host"](S, function() S.wait(1) end)
    S.spawn(function() log(S.join(t)) end)
    assert.is_false(S.cancel(t))
    assert.same({}, seen)
    S.update(1)
    assert.same({"false cancelled"}, seen)
  end))

  it("has the error of that", clean(function(S, _, _, errors)
    ways["is cancelled by the host"](S, function()
      S.wait(1)
      error("late", 0)
    end)
    S.update(1)
    assert.same({"late"}, errors)
  end))

  handler_it("has ended when what closes it is cancelled", clean(function(S, log, seen)
    for _ = 1, 2 do
      ways["is cancelled by the host"](S, function()
        log "begun"
        S.wait(1)
        log "not reached"
      end)
    end
    tasks.cancelall(S)
    assert.same({"begun", "begun"}, seen)
  end))
end)

describe("A task that the budget stopped", function()
  it("may wait in a <close> variable", clean(function(S, log, seen)
    local t = S.spawn(function()
      local _ <close> = closing(function()
        S.wait(1)
        log "closed"
      end)
      while true do end
    end)
    S.update(0, limits)
    assert.is_true(S.cancel(t))
    S.update(1)
    assert.same({"closed"}, seen)
  end))
end)

describe("An error value", function()
  it("whose __tostring never ends is reported without it", function()
    local S = require("cfiber.task").new()
    local story
    S.on_error = function(_, _, text) story = text end
    local value = setmetatable({}, {__tostring = function() while true do end end})
    S.spawn(function() error(value) end)
    assert.matches("failed: table with more than 10000 instructions in its __tostring\n", story)
  end)
end)
