-- locals_spec.lua: values of tasks, and what of them others see

local helper = require "helper"
local clean = require("tasks").clean

describe("locals", function()
  it("are the running task's own, also below others", clean(function(S)
    for _ = 1, 2 do
      S.spawn(function()
        local mine = S.locals()
        assert.is_nil(mine.x)
        mine.x = 1
        S.wait()
        helper.cfiber.wrap(function() assert.equal(mine, S.locals()) end)()
      end)
    end
    S.update(1)
  end))

  it("of the task that spawns are seen, not written", clean(function(S)
    S.spawn(function()
      local mine = S.locals()
      mine.a, mine.b, mine.f = 1, 1, false
      S.spawn(function()
        local its = S.locals()
        assert.same({1, 1, false}, {its.a, its.b, its.f})
        its.b = 2
        S.wait()
        assert.same({3, 2}, {its.a, its.b})
      end)
      assert.equal(1, mine.b)
      mine.a = 3
    end)
    S.update(1)
  end))

  it("are seen as they are by those that they spawn in turn", clean(function(S, log, seen)
    S.spawn(function()
      local mine = S.locals()
      mine.a = 1
      S.spawn(function()
        S.locals().b = 1
        S.spawn(function()
          local its = S.locals()
          S.wait()
          log(its.a, its.b)
        end)
        S.locals().b = 2
        S.wait()
      end)
      mine.a = 2
      S.wait()
    end)
    S.update(1)
    assert.same({"2 2"}, seen)
  end))

  it("are seen through tasks that have none", clean(function(S, log, seen)
    S.spawn(function()
      S.locals().a = "a"
      S.spawn(S.spawn, function() log(S.locals().a) end)
      S.delay(1, function() log(S.locals().a) end)
    end)
    S.spawn(function() log(S.locals().a or "none") end)
    S.update(1)
    assert.same({"a", "none", "a"}, seen)
  end))

  it("stay what they were when the task has ended", clean(function(S, log, seen)
    local function generation(n)
      local mine = S.locals()
      log(n, mine.first, mine.last, mine.odd or "-", #seen)
      mine.last, mine.first = n, mine.first or n
      mine.odd = n % 2 == 1 and n or nil
      if n < 5 then
        S.delay(1, generation, n + 1)
      end
      if n == 2 then
        S.wait(2.5)  -- sees the end of its children
      end
    end
    S.spawn(function()
      S.locals().first = 0
      S.locals().last = 0
      S.spawn(generation, 1)
    end)
    for _ = 1, 6 do
      S.update(1)
    end
    assert.same({"1 0 0 - 0", "2 0 1 1 1", "3 0 2 1 2", "4 0 3 3 3", "5 0 4 3 4"}, seen)
  end))

  it("of generations without end keep no memory", clean(function(S)
    local values, last = setmetatable({}, {__mode = "k"}), nil
    local function generation(n)
      local mine = S.locals()
      values[mine], last = true, mine
      mine.n = {n}
      local above = debug.getmetatable(mine).__index
      assert.same({n - 1}, above and above.n or {0})
      if n < 100 then
        S.delay(1, generation, n + 1)
      end
    end
    S.spawn(generation, 1)
    for _ = 1, 99 do
      S.update(1)
    end
    collectgarbage()
    collectgarbage()
    local count = 0
    for _ in pairs(values) do
      count = count + 1
    end
    assert.is_true(count < 10, count .. " are kept")
    assert.same({100}, last.n)
  end))

  it("keep the way to those above", clean(function(S)
    S.spawn(function()
      assert.has_error(function() setmetatable(S.locals(), nil) end, "cannot change a protected metatable")
    end)
  end))

  it("are those of a task alone", clean(function(S)
    assert.has_error(S.locals, "'locals' outside of a task")
  end))
end)
