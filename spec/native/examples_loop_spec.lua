-- examples_loop_spec.lua: libuv wakes fibers

local child = require "child"
local example = require "example"
local helper = require "helper"
local cfiber, stock = helper.cfiber, helper.stock

local loop, case = example.open("loop", "uv")

local function fails(message, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  assert.match(message, err)
end

-- A function that adds to a list, and the list as text.
local function logger()
  local log = {}
  return function(text)
    log[#log + 1] = text
  end, function()
    return table.concat(log, " ")
  end
end

-- Calls f with two connected sockets.
local function connected(f)
  local a, b = loop.pair()
  f(a, b)
  loop.run()
  loop.close(a)
  loop.close(b)
end

describe("The example loop", function()
  case("lets tasks take turns", function()
    local log, text = logger()
    for i = 1, 3 do
      loop.spawn(function()
        for j = 1, 3 do
          log(i .. ":" .. j)
          loop.sleep(0)
        end
      end)
    end
    assert.equal("", text())
    loop.run()
    assert.equal("1:1 2:1 3:1 1:2 2:2 3:2 1:3 2:3 3:3", text())
  end)

  case("passes a task its arguments, and returns it", function()
    local got
    local task = loop.spawn(function(...)
      got = {cfiber.running(), ...}
    end, 1, nil, 3)
    assert.equal("suspended", cfiber.status(task))
    loop.run()
    assert.same({task, 1, nil, 3}, got)
    assert.equal("dead", cfiber.status(task))
  end)

  case("wakes the shorter sleep first", function()
    local log, text = logger()
    local long = loop.spawn(function()
      loop.sleep(1 << 40)
      log "long"
    end)
    loop.spawn(function()
      loop.sleep(1)
      log "short"
      cfiber.close(long)
    end)
    loop.run()
    assert.equal("short", text())
  end)

  case("returns at once where nothing waits", function()
    loop.run()
  end)

  case("runs thousands of tasks, and tasks that tasks spawn", function()
    local n = 0
    local function task(depth)
      loop.sleep(0)
      n = n + 1
      if depth > 0 then
        loop.spawn(task, depth - 1)
        loop.spawn(task, depth - 1)
      end
    end
    loop.spawn(task, 9)
    loop.run()
    assert.equal(1023, n)
  end)

  case("lets a task wait inside generators, comparators and stock coroutines", function()
    local log, text = logger()
    loop.spawn(function()
      for i in cfiber.iter(function()
        for i = 1, 2 do
          loop.sleep(0)
          cfiber.yield(i)
        end
      end) do
        log(i)
      end
      local list = {2, 1}
      table.sort(list, function(a, b)
        loop.sleep(0)
        return a < b
      end)
      log(table.concat(list))
      stock.wrap(function()
        loop.sleep(0)
        log "stock"
      end)()
    end)
    loop.spawn(log, "other")
    loop.run()
    assert.equal("other 1 2 12 stock", text())
  end)

  case("wakes a reader when something was written", function()
    local log, text = logger()
    connected(function(a, b)
      loop.spawn(function()
        log "waits"
        log(loop.read(a))
        loop.write(a, "answer")
      end)
      loop.spawn(function()
        log "writes"
        loop.write(b, "question")
        log(loop.read(b))
      end)
    end)
    assert.equal("waits writes question answer", text())
  end)

  case("writes more than a socket holds, with the reader's help", function()
    local text, n = ("0123456789"):rep(200000), 0
    local a, b = loop.pair()
    loop.spawn(function()
      loop.write(a, text)
      loop.close(a)
    end)
    loop.spawn(function()
      for piece in loop.read, b do
        assert(piece == text:sub(n + 1, n + #piece))
        n = n + #piece
      end
      loop.close(b)
    end)
    loop.run()
    assert.equal(#text, n)
  end)

  case("raises the error of a task, with its traceback, and goes on in the next run", function()
    local log, text = logger()
    loop.spawn(function()
      loop.sleep(0)
      error "oops"
    end)
    loop.spawn(function()
      loop.sleep(0)
      loop.sleep(0)
      log "still"
    end)
    fails("^[^\n]*examples_loop_spec.lua:%d+: oops\nstack traceback:\n", loop.run)
    assert.equal("", text())
    loop.run()
    assert.equal("still", text())
  end)

  case("raises all errors, one in each run, other values as they are", function()
    local err = {}
    loop.spawn(error, err)
    loop.spawn(error, "second", 0)
    assert.equal(err, select(2, pcall(loop.run)))
    fails("^second\n", loop.run)
    loop.run()
  end)

  case("lets go of a task that is closed while it waits", function()
    connected(function(a)
      local task = loop.spawn(function()
        loop.read(a)
      end)
      loop.spawn(function()
        assert.is_true(cfiber.close(task))
      end)
      loop.spawn(function()
        assert.is_true(cfiber.close(loop.spawn(error)))
      end)
    end)
  end)

  case("lets go of a task that is closed in the turn that would wake it", function()
    local log, text = logger()
    local second
    loop.spawn(function()
      assert.is_true(cfiber.close(second))
      log "first"
    end)
    second = loop.spawn(log, "second")
    loop.run()
    assert.equal("first", text())
  end)

  case("keeps a task waiting that others resume", function()
    local log, text = logger()
    connected(function(a, b)
      local task = loop.spawn(function()
        log(loop.read(a))
      end)
      loop.spawn(function()
        cfiber.resume(task)
        cfiber.resume(task)
        loop.write(b, "now")
      end)
    end)
    assert.equal("now", text())
  end)

  case("raises in the task what others throw there", function()
    local raised
    connected(function(a)
      local task = loop.spawn(function()
        raised = select(2, pcall(loop.read, a))
      end)
      loop.spawn(function()
        cfiber.throw(task, "thrown")
      end)
    end)
    assert.equal("thrown", raised)
  end)

  case("forgets what a task was waiting for that dies of what others throw", function()
    local died
    connected(function(a)
      local task = loop.spawn(loop.read, a)
      loop.spawn(function()
        died = {cfiber.throw(task, "thrown")}
      end)
    end)
    assert.same({false, "thrown"}, died)
  end)

  case("runs in a task and in a fiber", function()
    local log, text = logger()
    loop.spawn(function()
      loop.spawn(function()
        loop.sleep(0)
        log "inner"
      end)
      loop.run()
      log "outer"
    end)
    assert(cfiber.resume(cfiber.create(loop.run)))
    assert.equal("inner outer", text())
  end)

  case("survives the end of a fiber that was running it", function()
    local runner = cfiber.create(loop.run)
    local task = loop.spawn(function()
      cfiber.suspend(runner)
    end)
    assert(cfiber.resume(runner))
    assert.is_true(cfiber.close(runner))
    assert.equal("dead", cfiber.status(task))
    fails("^no task runs that could wait$", loop.sleep, 0)
    loop.spawn(function()
      loop.sleep(0)
    end)
    loop.run()
    fails("^no task runs that could wait$", loop.sleep, 0)
  end)

  case("says so when a task yields to it", function()
    loop.spawn(cfiber.yield, 1)
    fails("^a task yielded to its loop, which has no answer$", loop.run)
    loop.spawn(cfiber.yield)
    fails("^a task yielded to its loop, which has no answer$", loop.run)
  end)

  case("lets nobody wait outside of tasks", function()
    fails("^no task runs that could wait$", loop.sleep, 0)
    assert.same({false, "no task runs that could wait"}, {cfiber.resume(cfiber.create(loop.sleep), 0)})
  end)

  case("spawns in a finalizer, where nothing can wait", function()
    local log, text = logger()
    loop.spawn(function()
      helper.finalize(function()
        loop.spawn(log, "spawned")
        log(select(2, pcall(loop.sleep, 0)))
      end)
    end)
    loop.run()
    assert.equal("attempt to yield from a finalizer spawned", text())
  end)

  case("lets one task wait for a descriptor at a time", function()
    connected(function(a, b)
      loop.spawn(function()
        loop.read(a)
      end)
      loop.spawn(function()
        fails("^file already exists$", loop.read, a)
        loop.write(b, "x")
      end)
    end)
  end)

  case("raises the errors of the system", function()
    fails("^Bad file descriptor$", loop.close, 1000000)
    local a, b = loop.pair()
    loop.close(b)
    loop.spawn(function()
      fails("^bad file descriptor$", loop.read, 1000000)
      fails("^Broken pipe$", loop.write, a, "x")
      assert.is_nil(loop.read(a))
      loop.close(a)
    end)
    loop.run()
  end)

  case("says what is wrong with its arguments", function()
    fails("bad argument #1 to '.-' %(negative%)", loop.sleep, -1)
    fails("number expected, got no value", loop.sleep)
    fails("number has no integer representation", loop.sleep, 0.5)
    fails("bad argument #1 to '.-' %(not a file descriptor%)", loop.read, -1)
    fails("bad argument #1 to '.-' %(not a file descriptor%)", loop.close, 1 << 31)
    fails("bad argument #2 to '.-' %(string expected, got no value%)", loop.write, 0)
    fails("bad argument #1 to '.-' %(value expected%)", loop.spawn)
    loop.spawn(loop.sleep, 0)
    loop.spawn(1)
    fails("^attempt to call a number value", loop.run)
    loop.run()
  end)

  case("ends with its Lua state while tasks wait", function()
    local r = child.run [[
      local loop = require "loop"
      local a = loop.pair()
      loop.spawn(loop.read, a)
      loop.spawn(loop.sleep, 1 << 40)
      loop.spawn(function()
        print "over"
        os.exit(true, true)
      end)
      loop.run()]]
    assert.same({output = "over\n", errors = "", status = 0}, r)
    r = child.run [[
      local loop = require "loop"
      loop.spawn(loop.sleep, 1 << 40)
      loop.spawn(error, "over", 0)
      print((pcall(loop.run)))]]
    assert.same({output = "false\n", errors = "", status = 0}, r)
  end)

  case("comes with a program that shows it", function()
    local lines = {}
    for line in example.output("loop"):gmatch "[^\n]+" do  -- in an order that time decides
      lines[#lines + 1] = line
    end
    table.sort(lines)
    assert.same({"slept\t10", "slept\t20", "slept\t30", "the server says\tHELLO!", "the server says\tWORLD!"}, lines)
  end)
end)
