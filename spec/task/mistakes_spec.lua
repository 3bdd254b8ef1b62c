-- mistakes_spec.lua: what beginners get wrong, and where the message points

local tasks = require "tasks"
local new = require("cfiber.task").new

local clean = tasks.clean

-- The error of f, which begins with this file's name and a line.
local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return (err:gsub("^spec/task/mistakes_spec%.lua:%d+: ", "here: "))
end

describe("A method that is called with a '.'", function()
  local scheduler = new()
  local objects = {
    channel = {scheduler.channel(), {"put", "get", "close"}},
    signal = {scheduler.signal(), {"connect", "once", "wait", "fire"}},
    connection = {scheduler.signal():connect(print), {"disconnect"}},
    mutex = {scheduler.mutex(), {"lock", "unlock"}},
  }
  for class, object in pairs(objects) do
    for _, name in ipairs(object[2]) do
      it(("says so: %s of a %s"):format(name, class), function()
        local method = object[1][name]
        assert.equal(("here: calling '%s' on bad self (%s expected, got no value)"):format(name, class),
          message(function() method() end))
        assert.equal(("here: calling '%s' on bad self (%s expected, got number)"):format(name, class),
          message(function() method(5) end))
      end)
    end
  end

  it("says so: those of a group", clean(function(S, log, seen)
    S.spawn(function()
      local g <close> = S.group()
      log(message(function() g.spawn(print) end))
      log(message(function() g.wait() end))
      log(message(function() g.cancel(S) end))
    end)
    assert.same({
      "here: calling 'spawn' on bad self (group expected, got function)",
      "here: calling 'wait' on bad self (group expected, got no value)",
      "here: calling 'cancel' on bad self (group expected, got table)",
    }, seen)
  end))
end)

describe("select", function()
  local S = new()

  it("refuses a channel in the place of cases", function()
    assert.equal("here: bad argument #1 to 'select' (array of cases expected)",
      message(function() S.select(S.channel(), 1) end))
  end)

  it("refuses to wait for nothing for ever", function()
    assert.equal("here: bad argument #1 to 'select' (array of cases expected)", message(function() S.select {} end))
  end)
end)

describe("A wait in a task of another scheduler", function()
  it("says so", clean(function(S, log, seen)
    local other = new()
    S.spawn(function() log(message(function() other.wait() end)) end)
    log(message(function() other.wait() end))
    assert.same({"here: 'wait' in a task of another scheduler", "here: 'wait' outside of a task"}, seen)
  end))
end)

describe("running and tasks", function()
  it("tell which task runs, in a generator too, and which there are", clean(function(S, log, seen)
    local one = S.spawn(S.wait, 1)
    local two
    two = S.spawn(function()
      S.wait()
      log(coroutine.wrap(function() return S.running() end)() == two)
    end)
    assert.Nil(S.running())
    assert.same({one, two}, S.tasks())
    S.update(1)
    assert.same({"true"}, seen)
    assert.same({}, S.tasks())
  end))
end)

describe("The story of an error that went through", function()
  local function flee() error("boom", 0) end

  local ways = {
    all = function(S, enemy) S.all(enemy, S.wait) end,
    any = function(S, enemy) S.any(enemy) end,
    timeout = function(S, enemy) S.timeout(10, enemy) end,
    group = function(S, enemy)
      local g <close> = S.group()
      g:spawn(enemy)
      g:wait()
    end,
    ["a group that waits for something else"] = function(S, enemy)
      local g <close> = S.group()
      g:spawn(enemy)
      S.wait(10)
    end,
    ["all, in a group"] = function(S, enemy)
      local g <close> = S.group()
      g:spawn(S.all, enemy)
    end,
  }

  for how, way in pairs(ways) do
    it(how .. " tells of the task that raised it", function()
      local S = new()
      local story
      S.on_error = function(_, _, text) story = text end
      S.spawn(way, S, function()
        S.name "enemy"
        S.wait()
        flee()
      end)
      S.update(1)
      assert.match("failed: boom\n.*\nit is the error of task 'enemy'\n.*: in .*'flee'\n", story)
      assert.match("\n\tspawned by task 1 .*$", story)
      assert.same({}, S.tasks())
    end)
  end

  it("a task that raises another one instead does not", function()
    local S = new()
    local story
    S.on_error = function(_, _, text) story = text end
    S.spawn(function()
      pcall(S.all, function() S.wait() flee() end)
      error "other"
    end)
    S.update(1)
    assert.not_match("boom", story)
  end)
end)
