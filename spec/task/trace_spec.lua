-- trace_spec.lua: timelines that Perfetto and chrome://tracing can open

local helper = require "helper"
local child = require "child"
local json = require "dkjson"
local cfiber = helper.cfiber
local new = require("cfiber.task").new

-- The events of a file, whose "]" may be missing: one in each line. dkjson does
-- not miss commas.
local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  local body = file:read "a":gsub("\n%]\n$", "")
  local events, at, err = json.decode(body .. "]")
  assert(events, err)
  assert.equal(#body + 2, at)
  assert.equal("[\n", body:sub(1, 2))
  assert.equal(#events - 1, select(2, body:gsub("},\n{", "")))
  return events
end

-- Checks that what begins on a track ends there before the next one, that the
-- times of a track do not fall, and that it has a name.
local function check(events)
  local open, times, names = {}, {}, {}
  for _, e in ipairs(events) do
    assert.equal(1, e.pid)
    assert.is_true(e.ts >= (times[e.tid] or 0))
    times[e.tid] = e.ts
    if e.ph == "B" then
      assert.is_nil(open[e.tid])
      open[e.tid] = e
    elseif e.ph == "E" then
      assert.is_not_nil(open[e.tid])
      open[e.tid] = nil
    elseif e.name == "thread_name" then
      names[e.tid] = e.args.name
    end
    assert(e.ph == "M" or names[e.tid], "a track has no name")
  end
  assert.is_nil(next(open))
  return names
end

-- What happened on each track, in words: "<name" is a begin, ">reason" an end,
-- "!name" an instant.
local function tracks(events)
  local seen = {}
  for _, e in ipairs(events) do
    local list = seen[e.tid] or {}
    seen[e.tid] = list
    if e.ph == "B" then
      list[#list + 1] = "<" .. e.name
    elseif e.ph == "E" then
      list[#list + 1] = ">" .. (e.args["then"] or e.args.tasks)
    elseif e.ph == "i" then
      list[#list + 1] = "!" .. e.name
    end
  end
  return seen
end

-- A test of a scheduler of its own that leaves no stack and no file behind.
local function clean(f)
  return function()
    local path = os.tmpname()
    local ok, err = xpcall(helper.leakless, debug.traceback, function()
      local S = new()
      S.on_error = function() end
      f(S, path)
    end)
    os.remove(path)
    assert(ok, err)
  end
end

-- Records f(S); returns the events, checked, by tracks, and names of tracks.
local function record(S, path, f)
  S.trace(path)
  f(S)
  S.trace()
  local events = read(path)
  local names = check(events)
  return tracks(events), names, events
end

describe("trace", function()
  it("shows when each task ran and for what it waited then", clean(function(S, path)
    local other
    local seen, names = record(S, path, function()
      S.spawn(function()
        S.name "guard"
        other = S.spawn(function()
          S.name "child"
          S.wait(2)
        end)
        cfiber.wrap(function() S.join(other) end)()
        coroutine.yield()
      end)
      S.update(1)
      S.update(1)
    end)
    assert.same({[0] = "updates", "guard", "child"}, names)
    assert.equal("!spawn, <task 1, >goes on after the task that it spawned, <guard, >waits in 'join' on task 'child', "
      .. "<guard, >waits to be spawned again", (table.concat(seen[1], ", "):gsub(" %([^)]+%)", "")))
    assert.equal("!spawn, <task 2, >waits in 'wait', <child, >has ended, !end",
      (table.concat(seen[2], ", "):gsub(" %([^)]+%)", "")))
    assert.same({"<update", ">2", "<update", ">1"}, seen[0])
  end))

  it("shows ends, errors and cancels", clean(function(S, path)
    local seen, names, events = record(S, path, function()
      for _, f in ipairs {tostring, error, S.wait, S.wait} do
        local t = S.defer(f, f == tostring and "" or nil)
        S.name(t, "task")
        if f == S.wait then
          S.update(1)
          S.cancel(t)
        end
      end
      S.defer(error, "boom \"\n\255")
      S.update(1)
      S.spawn(function() S.cancel(coroutine.running()) end)
    end)
    local last = {}
    for i, list in ipairs(seen) do
      if names[i] ~= "close" then
        last[#last + 1] = table.concat(list, " ", math.max(1, #list - 1))
      end
    end
    assert.same({">has ended !end", ">has ended !error", ">waits in 'wait' !cancel", ">waits in 'wait' !cancel",
      ">has ended !error", ">is cancelled !cancel"}, last)
    local messages = {}
    for _, e in ipairs(events) do
      messages[#messages + 1] = e.name == "error" and e.args.message or nil
    end
    if _VERSION ~= "Lua 5.4" then  -- a message takes the place of nil
      messages[1] = messages[1]:gsub("<no error object>", "nil")
    end
    assert.same({"nil", "boom \"\n?"}, messages)
  end))

  it("says who was stopped by the budget", clean(function(S, path)
    local stop = false
    local seen = record(S, path, function()
      S.name(S.defer(function()
        while not stop do end
      end), "loop")
      S.update(1, {instructions = 5000})
      stop = true
      S.update(1)
    end)
    assert.same({"!spawn", "<loop", ">was stopped by the budget"}, {table.unpack(seen[1], 1, 3)})
    assert.same({"<loop", ">has ended", "!end"}, {table.unpack(seen[1], #seen[1] - 2)})
  end))

  it("says who spawned a task, where", clean(function(S, path)
    local _, _, events = record(S, path, function()
      assert(load("S = ... S.name(S.defer(tostring, ''), 'a \\\\ \"b\"') ", "@game.lua"))(S)
      S.update(1)
    end)
    local e = events[5]
    assert.same({"i", "spawn", "t", 1, {by = "spawned at game.lua:1"}}, {e.ph, e.name, e.s, e.tid, e.args})
    assert.equal('a \\ "b"', events[6].args.name)
  end))

  it("may begin and end anywhere, in the middle of a task that others resumed", clean(function(S, path)
    S.spawn(function()
      S.spawn(function()
        S.trace(path)
        S.wait()
        S.spawn(function() S.trace() end)
      end)
    end)
    S.update(1)
    S.update(1)
    local seen = tracks(read(path))
    check(read(path))
    assert.equal(">waits in 'wait'", seen[2][2])
    S.spawn(function()
      helper.finalize(function()
        S.spawn(function() S.trace(path) end)
      end)
      S.wait()
    end)
    S.spawn(function()
      S.wait()
      S.trace()
    end)
    S.update(1)
    check(read(path))
    assert.match("^>goes on after the trace$", tracks(read(path))[6][5])
  end))

  it("ends one that goes on when another begins", clean(function(S, path)
    local other = os.tmpname()
    S.trace(other)
    S.spawn(tostring, "")
    S.trace(path)
    S.spawn(tostring, "")
    S.trace()
    S.trace()
    assert.same({"!spawn", "!end"}, {tracks(read(other))[1][1], tracks(read(other))[1][4]})
    assert.is_nil(tracks(read(path))[1])
    check(read(other))
    check(read(path))
    os.remove(other)
  end))

  it("gives a file that can be read where the process dies in the middle", clean(function(_, path)
    local r = child.run([[
      local task = require "cfiber.task"
      task.trace(...)
      task.spawn(function()
        task.name "guard"
        task.wait()
        os.execute("kill -9 " .. io.open("/proc/self/stat"):read "n")
      end)
      task.update(1)
    ]], path)
    assert.equal(9, r.signal)
    local events = read(path)
    local seen = tracks(events)
    assert.same({"!spawn", "<guard"}, {seen[1][1], seen[1][4]})
    assert.equal("B", events[#events].ph)
  end))

  it("takes the clock of luv or luasystem where one is loaded", clean(function(_, path)
    for _, name in ipairs {"luv", "system"} do
      local r = child.run([[
        local name, path = ...
        local ticks = 0
        package.loaded[name] = {
          hrtime = function() ticks = ticks + 1500.0 return ticks end,
          monotime = function() ticks = ticks + 0.0000015 return ticks end,
        }
        local task = require "cfiber.task"
        task.trace(path)
        task.update(1)
        task.trace()
      ]], name, path)
      assert.equal("", r.errors)
      local times = {}
      for i, e in ipairs(read(path)) do
        times[i] = math.floor(e.ts * 10 + 0.5)
      end
      assert.same({15, 30, 45, 60}, times)
    end
  end))

  it("says what it cannot do", clean(function(S, path)
    local function refusal(...)
      local ok, err = pcall(load("(...)(select(2, ...)) return", "@game.lua"), S.trace, ...)
      assert.is_false(ok)
      return err
    end
    assert.match("^game.lua:1: cannot record a trace: " .. path .. "/none: ", refusal(path .. "/none"))
    assert.equal("game.lua:1: bad argument #1 to 'trace' (string expected, got table)", refusal {})
    local loaded, preload = package.loaded.dkjson, package.preload.dkjson
    package.loaded.dkjson, package.preload.dkjson = nil, function() error "not installed" end
    local err = refusal(path)
    package.loaded.dkjson, package.preload.dkjson = loaded, preload
    assert.equal("game.lua:1: trace needs dkjson (luarocks install dkjson)", err)
    S.spawn(tostring, "")
  end))

  local full = io.open("/dev/full", "rb") and it or pending
  full("stops when the disk is full, and says so at the end", clean(function(S)
    S.trace "/dev/full"
    S.spawn(tostring, "")
    S.update(1)
    local ok, err = pcall(S.trace)
    assert.is_false(ok)
    assert.match("cannot write the trace: .*No space left on device$", err)
    S.trace()
  end))
end)
