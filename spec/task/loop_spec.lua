-- loop_spec.lua: run, on luv, on luasystem and on neither

local child = require "child"
local helper = require "helper"
local tasks = require "tasks"

local clean, fails, hog = tasks.clean, tasks.fails, tasks.hog
local pending = require "busted.core"().pending

-- Calls f where these modules are the ones that are loaded.
local function loaded(modules, f, ...)
  local present = package.loaded
  local before = {luv = present.luv, system = present.system}
  present.luv, present.system = modules.luv, modules.system
  local result = table.pack(pcall(f, ...))
  present.luv, present.system = before.luv, before.system
  return table.unpack(result, 1, result.n)
end

-- A luasystem in which only sleeping takes time, and that is counted.
local function clock()
  local now, self = 100, {sleeps = 0}
  function self.monotime()
    return now
  end
  function self.sleep(seconds)
    assert(seconds > 0)
    self.sleeps = self.sleeps + 1
    now = now + seconds
  end
  return self
end

-- S.run with such a clock, which it returns.
local function run(S, limits)
  local system = clock()
  local ok, err = loaded({system = system}, S.run, limits)
  assert(ok, err)
  return system
end

-- Child processes in which luv, luasystem or neither can be had.
local hosts = {
  luv = "require 'luv' ",
  luasystem = "",
  neither = "local function no() error 'no' end package.preload.luv, package.preload.system = no, no "
    .. "package.loaded.system = nil ",
}
local modules = {luv = "luv", luasystem = "system"}

-- Tests with each of the hosts, where they are installed.
local function each(names, name, body)
  for _, host in ipairs(names) do
    it(name .. ", with " .. host, function()
      if modules[host] and not pcall(require, modules[host]) then
        pending(host .. " is not installed")
      end
      body(hosts[host] .. "local S = require 'cfiber.task' ", host)
    end)
  end
end

local sleepers = {"luv", "luasystem"}
local all = {"luv", "luasystem", "neither"}

-- Runs a script, which says "ready", and sends it a SIGINT then; all that it
-- wrote.
local function interrupt(script)
  return child.shell([[
    exec 2>&1
    DIR=$(mktemp -d)
    mkfifo "$DIR/fifo"
    $LUA $SCRIPT >"$DIR/fifo" 2>&1 &
    exec 3<"$DIR/fifo"
    read -r line <&3
    echo "$line"
    kill -INT $!
    cat <&3
    wait $!
    echo "status $?"
    rm -r "$DIR"
  ]], ("package.path, package.cpath = %q, %q "):format(package.path, package.cpath) .. script).output
end

local ready = [[
  local function closing(text)
    return setmetatable({}, {__close = function() print(text) end})
  end
  local function ready()
    print "ready"
    io.flush()
  end
]]

describe("run", function()
  it("lets the time pass that tasks wait for", clean(function(S, log, seen)
    S.spawn(function()
      for _, seconds in ipairs {0.25, 2, 0.5} do
        local since = S.wait(seconds)
        log(seconds, since >= seconds and since < seconds + 0.002)
      end
    end)
    S.spawn(function()
      S.wait(1)
      log "between"
    end)
    local system = run(S)
    assert.same({"0.25 true", "between", "2 true", "0.5 true"}, seen)
    assert.is_true(system.sleeps < 40, system.sleeps .. " sleeps")
  end))

  it("has sixty frames a second, however many timers come between", clean(function(S)
    local passed
    S.spawn(function() passed = S.frames(60) end)
    S.spawn(function()
      while not passed do
        S.wait(0.003)
      end
    end)
    run(S)
    assert.is_true(passed > 0.99 and passed < 1.01, passed)
  end))

  it("begins no frame for tasks that wait no more", clean(function(S)
    S.cancel(S.spawn(S.frames, 1000))
    S.cancel(S.spawn(S.wait))
    S.spawn(S.wait, 0.0625)
    assert.equal(1, run(S).sleeps)
  end))

  it("sleeps no more than needed between frames", clean(function(S)
    S.spawn(function()
      for _ = 1, 60 do
        S.wait()
      end
    end)
    assert.is_true(run(S).sleeps <= 70)
  end))

  it("returns at once where there are no tasks", clean(function(S)
    assert.equal(0, run(S).sleeps)
  end))

  it("runs tasks that do not wait in turn, and all at once where it has no limits", clean(function(S, log, seen)
    local function hogs(name)
      return function()
        hog(1e6)()
        log(name)
      end
    end
    S.defer(hogs "long")
    S.defer(log, "short")
    run(S, {seconds = 0.001})
    S.defer(hogs "long")
    S.defer(log, "short")
    run(S, false)
    assert.same({"short", "long", "long", "short"}, seen)
  end))

  it("reports errors of tasks and goes on", clean(function(S, log, seen, errors)
    S.spawn(function() S.wait(1) error("oops", 0) end)
    S.spawn(function() S.wait(2) log "on" end)
    run(S)
    assert.same({"on"}, seen)
    assert.same({"oops"}, errors)
  end))

  it("raises 'deadlock' and what each task waits for, when nothing can wake them", clean(function(S)
    S.spawn(function()
      S.join(S.spawn(function() S.wait(math.huge) end))
    end)
    S.spawn(function() helper.cfiber.yield() end)
    local _, err = loaded({system = clock()}, S.run)
    assert.matches("^deadlock\n", err)
    for _, text in ipairs {
      "'join' on task 2 ", "'wait'", "to be spawned again", "since 0.000 s\n\t%S+loop_spec.lua:%d+: in function <",
    } do
      assert.matches(text, err)
    end
    S.defer(function()
      for _, thread in ipairs(tasks.living(S)) do
        if thread ~= helper.cfiber.running() then
          S.cancel(thread)
        end
      end
    end)
    run(S)
  end))

  it("is refused inside of itself", clean(function(S, log, seen)
    S.spawn(function()
      log(select(2, pcall(function() S.run() end)))
      S.wait(1)
      log(select(2, pcall(function() S.run() end)))
    end)
    run(S)
    assert.matches("^%S+loop_spec.lua:%d+: run inside of an update of the same scheduler$", seen[1])
    assert.equal(2, #seen)
  end))

  it("says what is wrong with its limits", clean(function(S)
    fails("#1 to 'run' (table expected, got number)", S.run, 1)
    fails("#1 to 'run' (unknown limit 'second')", S.run, {second = 1})
    run(S)
  end))

  each(all, "needs nothing to run tasks that do not sleep", function(script)
    assert.same({output = "1\n2\n", errors = "", status = 0}, child.bare(script .. [[
      S.defer(function()
        print(1)
        S.defer(print, 2)
      end)
      S.run()]]))
  end)

  each({"neither"}, "says what it needs to sleep", function(script)
    local r = child.bare(script .. "S.spawn(S.wait, 1) S.run()")
    assert.matches("to sleep, run needs luv or luasystem", r.errors)
    r = child.bare(script .. "S.spawn(S.wait) S.run()")
    assert.matches("to sleep, run needs luv or luasystem", r.errors)
    r = child.bare(script .. "S.spawn(S.wait, 1) S.defer(function() while true do end end) S.run()")
    assert.matches("to sleep, run needs luv or luasystem", r.errors)
  end)

  each(all, "raises 'deadlock'", function(script)
    local r = child.bare(script .. "S.spawn(S.wait, math.huge) S.run()")
    assert.matches("deadlock\n.*wait", r.errors)
    assert.equal(1, r.status)
  end)

  each(sleepers, "sleeps", function(script)
    assert.same({output = "true\ntrue\n", errors = "", status = 0}, child.bare(script .. [[
      S.spawn(function()
        print(S.wait(0.01) >= 0.01)
        print(S.frames(2) > 0)
      end)
      S.run()]]))
  end)

  each({"luv"}, "wakes tasks from callbacks, and waits for these alone", function(script)
    assert.same({output = "called\tx\nasync\nended\n", errors = "", status = 0}, child.bare(script .. [[
      local uv = require "luv"
      S.spawn(function()
        local timer = uv.new_timer()
        print("called", S.await(function(callback)
          uv.timer_start(timer, 5, 0, function() callback "x" end)
        end))
        local async
        async = uv.new_async(function() async:close() S.spawn(print, "async") end)
        async:send()
        S.await(function(callback) timer:close(callback) end)
        S.wait(0.001)
        print "ended"
      end)
      S.run()]]))
  end)

  each({"luv"}, "runs inside a task of another scheduler", function(script)
    assert.same({output = "inner\nouter\n", errors = "", status = 0}, child.bare(script .. [[
      S.spawn(function()
        local T = S.new()
        T.spawn(function() T.wait(0.001) print "inner" end)
        T.run()
        S.wait(0.001)
        print "outer"
      end)
      S.run()
      S.spawn(S.wait)
      S.run()]]))
  end)

  each({"luv"}, "lets callbacks come in while a task does not wait", function(script)
    assert.same({output = "done\n", errors = "", status = 0}, child.bare(script .. [[
      local uv = require "luv"
      local done
      local timer = uv.new_timer()
      uv.timer_start(timer, 5, 0, function() done = true timer:close() end)
      S.defer(function()
        while not done do end
        print "done"
      end)
      S.run()]]))
  end)

  each(sleepers, "ends on Ctrl-C with the tasks' tracebacks; their variables are closed", function(script)
    local output = interrupt(script .. ready .. [[
      S.spawn(function()
        local _ <close> = closing "closed"
        S.wait(1000)
      end)
      S.spawn(function()
        local _ <close> = closing "as well"
        S.wait(0.001)
        ready()
        S.wait(math.huge)
      end)
      S.run()]])
    assert.matches("^ready\n.*closed\nas well\n.*status 1\n$", (output:gsub("(.*)(closed\nas well\n)", "%1%2")))
    assert.matches("interrupted!\n.*\n.*wait.*SCRIPT:%d+.*\n.*wait.*SCRIPT:%d+", output)
  end)

  each(sleepers, "ends a task on Ctrl-C that never waits", function(script)
    local output = interrupt(script .. ready .. [[
      S.defer(function()
        local _ <close> = closing "closed"
        ready()
        string.gsub("x", "x", function() pcall(function() while true do end end) end)
      end)
      S.run()]])
    assert.matches("interrupted!\n.*task 1 .*" .. helper.called "string.gsub", output)
    assert.matches("closed\n", output)
    assert.matches("status 1\n$", output)
  end)
end)
