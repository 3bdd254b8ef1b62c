-- report_spec.lua: names of tasks, what they do, what becomes of errors

local helper = require "helper"
local cfiber = helper.cfiber
local new = require("cfiber.task").new

-- Runs a script "game.lua" whose globals are S, a scheduler, and what 'given'
-- holds besides; its positions are in the texts.
local function play(S, script, given)
  local env = setmetatable({S = S, cfiber = cfiber, stock = helper.stock}, {__index = _G})
  for name, value in pairs(given or {}) do
    env[name] = value
  end
  return assert(load(script, "@game.lua", "t", env))()
end

-- A test of a scheduler of its own that leaves no stack behind, and no error
-- unless it sets on_error.
local function clean(f)
  return function()
    helper.leakless(function()
      local S, stories = new(), {}
      S.on_error = function(_, _, story) stories[#stories + 1] = story end
      f(S)
      assert.same({}, stories)
    end)
  end
end

-- What f writes to stderr.
local function errors(f, ...)
  local stderr, written = io.stderr, {}
  rawset(io, "stderr", {write = function(_, ...) written[#written + 1] = table.concat {...} end})
  local ok, err = pcall(f, ...)
  rawset(io, "stderr", stderr)
  assert(ok, err)
  return table.concat(written)
end

-- Sets on_error to a function that keeps what it gets in the returned table.
local function collect(S)
  local seen = {}
  S.on_error = function(err, thread, story)
    seen[#seen + 1] = {err = err, thread = thread, story = story}
  end
  return seen
end

local function fails(message, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  assert.equal(message, (err:gsub("^[^:]+:%d+: ", "")))
end

describe("name", function()
  it("is by default the task's number and where its function is defined", clean(function(S)
    assert.equal("task 1 (game.lua:2)", S.name(play(S, "\nreturn S.spawn(function() S.wait() end)")))
    assert.equal("task 2 (in C)", S.name(S.spawn(tostring, "")))
    assert.equal("task 3 (game.lua)", S.name(S.spawn(load("return 1", "@game.lua"))))
    local f = play(S, "\n\nreturn setmetatable({}, {__call = function() end})")
    assert.equal("task 4 (game.lua:3)", S.name(S.spawn(f)))
    S.update(1)
  end))

  it("is for a thread that of the function it began with, as long as that shows", clean(function(S)
    local thread = play(S, [[
      local function deep(n)
        if n == 0 then S.wait(coroutine.yield()) else deep(n - 1) end
        return nil
      end
      return cfiber.create(function() deep(50) end)
    ]])
    cfiber.resume(thread)
    S.spawn(thread)
    assert.equal("task 1 (game.lua:5)", S.name(thread))
    S.update(1)
    assert.equal("task 1", S.name(thread))
    assert.equal("task 2", S.name(S.defer(cfiber.create(print), "")))
    S.update(1)
  end))

  it("can be set and read, by the task and by others, and stays", clean(function(S)
    local seen
    local t = S.spawn(function()
      seen = {S.name "guard", S.name(), cfiber.wrap(function() return S.name() end)()}
      S.wait()
    end)
    assert.same({"guard", "guard", "guard"}, seen)
    assert.equal("guard", S.name(t))
    assert.equal("watch", S.name(t, "watch"))
    S.update(1)
    assert.equal("watch", S.name(t))
    assert.equal("ghost", S.name(t, "ghost"))
  end))

  it("refuses what is no name and no task of the scheduler", clean(function(S)
    local t = S.spawn(tostring, "")
    fails("'name' outside of a task", S.name)
    fails("'name' outside of a task", S.name, "guard")
    fails("bad argument #1 to 'name' (not a task of this scheduler)", S.name, cfiber.create(print))
    fails("bad argument #2 to 'name' (string expected, got number)", S.name, t, 1)
    fails("bad argument #1 to 'name' (thread expected, got no value)", S.name, nil, "guard")
    fails("bad argument #1 to 'name' (thread expected, got string)", S.name, "guard", "guard")
    local seen
    S.spawn(function() seen = {pcall(S.name, 1)} end)
    assert.match("bad argument #1 to 'name' %(string expected, got number%)$", seen[2])
    local _, err = pcall(play, S, "\nS.name(print, 'guard')")
    assert.equal("game.lua:2: bad argument #1 to 'name' (thread expected, got function)", err)
  end))
end)

describe("dump", function()
  it("shows all tasks by age: name, wait, object, times, place and who spawned them", clean(function(S)
    play(S, [[
      S.spawn(function()
        S.name "main loop"
        local child = S.spawn(cfiber.create(function() S.frames(3) end))
        S.spawn(function()
          S.name "guard"
          S.join(child, 20)
        end)
        S.delay(4.5, print)
        pcall(S.spawn, coroutine.yield)
        S.wait_until(function() end)
      end)
    ]])
    S.update(1)
    S.update(1.5)
    assert.equal([[
5 tasks at 2.500 s

task 'main loop' has waited 0.000 s in 'wait_until', since 2.500 s
	game.lua:10: in function <game.lua:1>
	spawned at game.lua:1

task 2 (game.lua:3) has waited 2.500 s in 'frames', since 0.000 s
	game.lua:3: in function <game.lua:3>
	spawned by 'main loop' at game.lua:3

task 'guard' has waited 2.500 s in 'join' on task 2 (game.lua:3), since 0.000 s; 17.500 s left
	game.lua:6: in function <game.lua:4>
	spawned by 'main loop' at game.lua:4

task 4 (in C) has waited 2.500 s to begin, since 0.000 s; 2.000 s left
	spawned by 'main loop' at game.lua:8

task 5 (in C) has waited 2.500 s to be spawned again, since 0.000 s
	[C]: in 'yield'
	spawned by 'main loop' at game.lua:9]], helper.bare(S.dump()))
    for _, t in ipairs(cfiber.list()) do
      pcall(S.cancel, t)
    end
    S.update(10)
  end))

  it("shows nothing of tasks that have ended", clean(function(S)
    S.spawn(tostring, "")
    assert.equal("0 tasks at 0.000 s", S.dump())
    S.spawn(S.wait)
    assert.match("^1 task at 0.000 s\n", S.dump())
    S.update(1)
    assert.equal("0 tasks at 1.000 s", S.dump())
  end))

  it("shows the innermost of generators and stock coroutines inside a task", clean(function(S)
    play(S, [[
      S.spawn(function()
        for _ in cfiber.iter(function()
          local f = stock.wrap(function()
            local g = function() S.wait() return nil end
            string.gsub("a", "a", g)
          end)
          f()
        end) do end
      end)
    ]])
    assert.equal([[
	game.lua:4: in function <game.lua:4>
	[C]: in 'gsub'
	game.lua:5: in function <game.lua:3>
	(...resumed by thread)
	[C]: in 'f'
	game.lua:7: in function <game.lua:2>
	(...resumed by thread)
	[C]: in for iterator 'for iterator'
	game.lua:2: in function <game.lua:1>
	spawned at game.lua:1]], (helper.bare(S.dump()):match "\n(\t.*)":gsub("thread: 0x%x+", "thread")))
    S.update(1)
  end))

  it("says of the task that was stopped by the budget where that was", clean(function(S)
    local stop = {}
    local t = play(S, [[
      local t = S.defer(function()
        local f = cfiber.wrap(function()
          while not stop[1] do end
        end)
        f()
      end)
      S.name(t, "guard")
      return t
    ]], {stop = stop})
    assert.match("\ntask 'guard' is ready\n\tspawned at game.lua:1$", S.dump())
    local left, stopped = S.update(1, {instructions = 5000})
    assert.equal(1, left)
    assert.same({t}, stopped)
    local text = S.dump()
    assert.match("\n\ntask 'guard' was stopped by the budget\n\tgame.lua:3: in function <game.lua:2>\n\t%(...resumed", text)
    assert.match("\n\tgame.lua:5: in function <game.lua:1>\n\tspawned at game.lua:1$", text)
    stop[1] = true
    S.update(1)
  end))

  it("shows the task that calls it, and one that closes, without the scheduler", clean(function(S)
    local text = {}
    play(S, [[
      local t = S.spawn(function()
        local _ <close> = setmetatable({}, {__close = function() text[1] = S.dump() end})
        S.wait()
      end)
      S.spawn(function()
        local f = cfiber.wrap(function()
          text[2] = S.dump()
          return nil
        end)
        f()
        S.cancel(t)
      end)
    ]], {text = text})
    assert.match("\ntask 2 %(game.lua:5%) runs\n\tgame.lua:7: in function <game.lua:6>\n\t%(...resumed by thread: 0x%x+%)\n"
      .. "\t%[C%]: in [^\n]+\n\tgame.lua:10: in function <game.lua:5>\n\tspawned at game.lua:5$", text[2])
    assert.match("\ntask 1 %(game.lua:1%) closes its variables\n\tgame.lua:2: in function <game.lua:2>\n"
      .. "\tspawned at game.lua:1\n", text[1])
    assert.match("\ntask 2 %(game.lua:5%) runs\n", text[1])
  end))

  it("is complete for many tasks", clean(function(S)
    local go = false
    local most = helper.mode == "collector" and 200 or 2000
    for _ = 1, most do
      S.spawn(S.wait_until, function() return go end)
    end
    S.update(1)
    local n = 0
    for id in S.dump():gmatch "\ntask (%d+) %([^\n]+%) has waited 0.000 s in 'wait_until', since 1.000 s\n" do
      n = n + 1
      assert.equal(n, tonumber(id))
    end
    assert.equal(most, n)
    go = true
    S.update(1)
  end))

  it("survives an error in the __tostring of an object", clean(function()
    local core = require("cfiber.task.core").new()
    local t = core:make(function()
      core.busy = true
      core:block("test", setmetatable({}, {__tostring = function() error "on purpose" end}))
    end, 1)
    core:spawn(t)
    assert.match(" in 'test' on table with an error in its __tostring, since ", core:describe(t))
    core:wake(t)
    core:update(1)
  end))
end)

describe("on_error", function()
  local failing = [[
    S.spawn(function()
      S.name "main loop"
      S.defer(function()
        local t = S.defer(function()
          S.wait()
          local function fail()
            error(value)
          end
          fail()
        end)
        S.name(t, "guard")
      end)
    end)
  ]]

  local function fail(S, value)
    play(S, failing, {value = value})
    S.update(1)
    S.update(1)
  end

  it("gets the error, the task and the story: who failed, where, and who spawned whom", clean(function(S)
    local seen = collect(S)
    fail(S, "boom")
    assert.equal(1, #seen)
    assert.equal("game.lua:7: boom", seen[1].err)
    assert.equal("guard", S.name(seen[1].thread))
    assert.equal([[
task 'guard' failed: game.lua:7: boom
stack traceback:
	[C]: in 'error'
	game.lua:7: in local 'fail'
	game.lua:9: in function <game.lua:4>
	spawned by task 2 (game.lua:3) at game.lua:4
	spawned by 'main loop' at game.lua:3
	spawned at game.lua:1]], helper.bare(seen[1].story))
  end))

  it("is by default, and as nil, a function that writes the story to stderr", clean(function(S)
    S.on_error = new().on_error
    local written = errors(fail, S, "boom")
    assert.match("^task 'guard' failed: game.lua:7: boom\nstack traceback:\n.*\tspawned at game.lua:1\n$", written)
    S.on_error = nil
    assert.equal(#written, #errors(fail, S, "boom"))
  end))

  it("gets values of all types as they are, and a message made of them", clean(function(S)
    local seen = collect(S)
    local object = setmetatable({}, {__tostring = function() return "an object" end})
    local broken = setmetatable({}, {__tostring = function() error "on purpose" end})
    local values = table.pack(nil, false, 12, object, broken)
    for i = 1, values.n do
      fail(S, values[i])
    end
    if _VERSION ~= "Lua 5.4" then  -- a message takes the place of nil
      assert.equal("<no error object>", seen[1].err)
      seen[1] = {err = nil, story = seen[1].story:gsub("<no error object>", "nil")}
    end
    for i, text in ipairs {"nil", "false", "12", "an object", "table with an error in its __tostring"} do
      assert.equal(values[i], seen[i].err)
      local story = helper.bare(seen[i].story)
      assert.equal(text, story:match "^task 'guard' failed: ([^\n]*)\nstack traceback:\n\t%[C%]: in 'error'\n")
    end
  end))

  it("may raise an error itself: both are reported, and the update goes on", clean(function(S)
    local after = 0
    play(S, "S.on_error = function() error 'worse' end")
    local written = errors(function()
      fail(S, "boom")
      S.defer(error, {})
      S.defer(function() after = after + 1 end)
      S.update(1)
    end)
    assert.equal(1, after)
    assert.match("^task 'guard' failed: game.lua:7: boom\n.*\non_error failed: game.lua:1: worse\nstack traceback:\n"
      .. "\t%[C%]: in 'error'\n.*\ntask 5 %(in C%) failed: table: 0x%x+\n.*\non_error failed: ", helper.bare(written))
    S.on_error = 12
    assert.match("\non_error failed: attempt to call a number value\n", errors(fail, S, "boom"))
  end))

  it("is called when a task has failed in its first steps, inside the task that spawned it", clean(function(S)
    local seen = collect(S)
    local after = 0
    S.spawn(function()
      S.spawn(error, "first")
      after = after + 1
    end)
    assert.equal("first", seen[1].err)
    assert.equal(1, after)
  end))

  it("hears of errors in variables that are closed, but not of a cancel", clean(function(S)
    local seen = collect(S)
    local t = S.spawn(function()
      local _ <close> = setmetatable({}, {__close = function() error("closing", 0) end})
      S.wait()
    end)
    S.cancel(t)
    assert.equal("closing", seen[1].err)
    assert.match("^task 1 %([^\n]+%) failed: closing\n\tspawned at [^\n]+$", seen[1].story)
    S.cancel(S.spawn(S.wait))
    assert.equal(1, #seen)
  end))

  it("does not hear of an error that a join has got", clean(function(S)
    local t = S.spawn(function()
      S.wait()
      error "boom"
    end)
    local got
    S.spawn(function() got = table.pack(S.join(t)) end)
    S.update(1)
    assert.is_false(got[1])
    assert.match("boom$", got[2])
  end))

  it("may spawn a task that waits", clean(function(S)
    local log = {}
    S.on_error = function(err)
      S.spawn(function()
        S.wait()
        log[#log + 1] = err
      end)
    end
    S.defer(error, "boom")
    S.update(1)
    assert.same({}, log)
    S.update(1)
    assert.same({"boom"}, log)
  end))

  it("gets the last levels of a long line of tasks", clean(function(S)
    local seen = collect(S)
    play(S, [[
      local function nest(n)
        if n == 0 then error "boom" end
        S.spawn(nest, n - 1)
      end
      S.spawn(nest, 40)
    ]])
    local n = select(2, seen[1].story:gsub("\n\tspawned by task %d+ %(game.lua:1%) at game.lua:3", ""))
    assert.is_true(n > 0 and n <= 16)
    assert.equal("\n\t...", seen[1].story:sub(-5))
  end))

  it("begins with the traceback that iter keeps", clean(function(S)
    local seen = collect(S)
    play(S, [[
      S.spawn(function()
        for _ in cfiber.iter(function() error "boom" end) do end
      end)
    ]])
    assert.match("^task 1 %(game.lua:1%) failed: game.lua:2: boom\nstack traceback:\n\t%[C%]: in 'error'\n"
      .. "\tgame.lua:2: in function <game.lua:2>\n", helper.bare(seen[1].story))
  end))
end)
