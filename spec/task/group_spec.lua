-- group_spec.lua: groups of tasks and the blocks that wait for them

local helper = require "helper"
local tasks = require "tasks"

local clean, closing, crawl, fails, hog = tasks.clean, tasks.closing, tasks.crawl, tasks.fails, tasks.hog
local ways = tasks.ways
local cfiber = helper.cfiber

-- Logs its end in whatever way.
local function job(S, log, name, seconds)
  return function()
    local _ <close> = closing(log, name)
    S.wait(seconds)
  end
end

local function bad(S, seconds, err)
  return function()
    S.wait(seconds)
    error(err, 0)
  end
end

local function updates(S, n)
  for _ = 1, n do
    S.update(1)
  end
end

-- Runs body(g) with a group in a task and logs how the block is left.
local function block(S, log, body)
  return S.spawn(function()
    local ok, err = pcall(function()
      local g <close> = S.group()
      body(g)
      log "the end"
    end)
    log(ok and "left" or "raised " .. err)
  end)
end

describe("a group", function()
  for name, call in pairs(ways) do
    it("is left when its tasks have ended, " .. name, clean(function(S, log, seen)
      block(S, log, function(g)
        call(function()
          g:spawn(job(S, log, "a", 1))
          g:spawn(job(S, log, "b", 2))
        end)
      end)
      updates(S, 3)
      assert.same({"the end", "a", "b", "left"}, seen)
    end))

    it("raises an error of a task where its owner waits, and cancels the others, " .. name, clean(function(S, log, seen)
      local err, got = {}, nil
      block(S, log, function(g)
        g:spawn(bad(S, 2, err))
        g:spawn(job(S, log, "a", 9))
        for _, wait in ipairs {S.wait, S.frames, function() S.wait(9) end} do
          got = select(2, pcall(call, wait))
        end
        log "caught"
        error("of the body", 0)
      end)
      updates(S, 4)
      assert.equal(err, got)
      assert.same({"a", "caught", "raised of the body"}, seen)
    end))

    it("raises the first error in wait, when the others are cancelled, " .. name, clean(function(S, log, seen)
      local err, got = {}, nil
      block(S, log, function(g)
        g:spawn(job(S, log, "a", 9))
        g:spawn(bad(S, 1, err))
        g:spawn(bad(S, 1, "second"))
        got = select(2, pcall(call, function() g:wait() end))
        log "caught"
        error("of the body", 0)
      end)
      updates(S, 4)
      assert.equal(err, got)
      assert.same({"a", "caught", "raised of the body"}, seen)
    end))
  end

  it("interrupts every kind of wait", clean(function(S, log, seen)
    local other = S.spawn(function() S.wait(9) end)
    local waits = {
      function() S.wait() end,
      function() S.wait(5) end,
      function() S.frames(5) end,
      function() S.wait_until(function() return false end) end,
      function() S.join(other) end,
      function() S.join(other, 5) end,
      function() S.timeout(5, S.wait, 9) end,
      function() S.all(other) end,
      function() S.await(function() end) end,
    }
    for i, wait in ipairs(waits) do
      block(S, log, function(g)
        g:spawn(bad(S, 1, "bad " .. i))
        while true do
          wait()
        end
      end)
    end
    updates(S, 9)
    for i = 1, #waits do
      assert.equal("raised bad " .. i, seen[i])
    end
    assert.equal(#waits, #seen)
  end))

  it("leaves nothing of an interrupted wait behind", clean(function(S, log, seen)
    local waits = {S.wait, function() S.frames(2) end, function() S.wait(2) end}
    local function after(then_)
      for _, wait in ipairs(waits) do
        S.spawn(function()
          pcall(function()
            local g <close> = S.group()
            g:spawn(bad(S, 1, "bad"))
            wait() wait()
          end)
          log(then_())
        end)
      end
    end
    after(function() return S.frames(3), S.wait() end)
    after(function() return S.wait(5) end)
    updates(S, 11)
    assert.same({"3.0 1.0", "3.0 1.0", "3.0 1.0", "5.0", "5.0", "5.0"}, seen)
  end))

  it("interrupts the next wait where the owner does not wait", clean(function(S, log, seen)
    block(S, log, function(g)
      g:spawn(error, "at once", 0)
      log "goes on"
      S.wait(5)
    end)
    block(S, log, function(g)
      g:spawn(error, "now", 0)
      g:spawn(log, "not reached")
    end)
    updates(S, 1)
    assert.same({"goes on", "raised at once", "raised now"}, seen)
  end))

  it("keeps what its owner was woken with", clean(function(S, log, seen)
    local callback
    block(S, log, function(g)
      g:spawn(function()
        S.wait(1)
        callback "the value"
        error("bad", 0)
      end)
      log(S.await(function(f) callback = f end))
      S.wait(5)
    end)
    updates(S, 2)
    assert.same({"the value", "raised bad"}, seen)
  end))

  it("raises an error that the body swallowed when it is left", clean(function(S, log, seen)
    block(S, log, function(g)
      g:spawn(bad(S, 1, "bad"))
      log(select(2, pcall(S.wait, 5)))
      S.wait(1)
      log "waited"
    end)
    updates(S, 3)
    assert.same({"bad", "waited", "the end", "raised bad"}, seen)
  end))

  it("does not raise in later waits what was raised before", clean(function(S, log, seen)
    block(S, log, function(g)
      g:spawn(error, "old", 0)
      log(select(2, pcall(g.wait, g)))
      log(S.wait(0))
      error("new", 0)
    end)
    S.update(1)
    S.spawn(function()
      log(select(2, pcall(function()
        local g <close> = S.group()
        g:spawn(error, "bad", 0)
        g:wait()
      end)))
      log(S.wait(1))
      log(select(2, pcall(function()
        local g <close> = S.group()
        g:spawn(error, "worse", 0)
      end)))
      log(S.wait(1))
    end)
    updates(S, 3)
    assert.same({"old", "1.0", "raised new", "bad", "1.0", "worse", "1.0"}, seen)
  end))

  it("cancels its tasks when an error leaves the block", clean(function(S, log, seen)
    block(S, log, function(g)
      g:spawn(job(S, log, "a", 9))
      g:spawn(job(S, log, "b", 9))
      error("oops", 0)
    end)
    assert.same({"a", "b", "raised oops"}, seen)
  end))

  it("cancels its tasks when its owner fails or is cancelled, also as it waits for them", clean(function(S, log, seen, errors)
    local function owner(body)
      return S.spawn(function()
        local _ <close> = closing(log, "outer")
        local g <close> = S.group()
        g:spawn(job(S, log, "inner", 9))
        body(g)
      end)
    end
    owner(function() error("oops", 0) end)
    S.cancel(owner(function() S.wait(5) end))
    S.cancel(owner(function() end))
    S.cancel(owner(function(g) g:wait() end))
    assert.same({"inner", "outer", "inner", "outer", "inner", "outer", "inner", "outer"}, seen)
    assert.same({"oops"}, errors)
  end))

  it("cancels its tasks when its owner exits, or the generator that it is in is left", clean(function(S, log, seen)
    S.spawn(function()
      local generator = cfiber.create(function()
        local g <close> = S.group()
        g:spawn(job(S, log, "in a generator", 9))
        cfiber.yield()
      end)
      cfiber.resume(generator)
      cfiber.close(generator)
      log "goes on"
      local g <close> = S.group()
      g:spawn(job(S, log, "before the exit", 9))
      cfiber.exit()
    end)
    assert.same({"in a generator", "goes on", "before the exit"}, seen)
  end))

  it("lets a task cancel its owner, and run until it waits", clean(function(S, log, seen)
    local owner
    owner = block(S, log, function(g)
      g:spawn(job(S, log, "sibling", 9))
      g:spawn(function()
        local _ <close> = closing(log, "child")
        S.wait(1)
        S.cancel(owner)
        log "cancelled"
        S.wait(1)
        log "not reached"
      end)
    end)
    updates(S, 3)
    assert.same({"the end", "sibling", "cancelled", "child"}, seen)
    assert.same({false, "cancelled"}, {S.join(owner)})
  end))

  it("ends with an owner that was cancelled as it ran", clean(function(S, log, seen)
    local thread = S.defer(function()
      local g <close> = S.group()
      g:spawn(job(S, log, "a", 9))
      tasks.doom(S)
      log "goes on until it waits"
    end)
    S.update(1)
    assert.same({"goes on until it waits", "a"}, seen)
    assert.same({false, "cancelled"}, {S.join(thread)})
  end))

  it("nests: the tasks of the inner one end first", clean(function(S, log, seen)
    block(S, log, function(outer)
      outer:spawn(bad(S, 1, "bad"))
      outer:spawn(function()
        local inner <close> = S.group()
        inner:spawn(job(S, log, "inner", 9))
        local _ <close> = closing(log, "before")
        S.wait(9)
      end)
      local g <close> = S.group()
      g:spawn(job(S, log, "g", 9))
    end)
    updates(S, 1)
    assert.same({"before", "inner", "g", "raised bad"}, seen)
  end))

  it("goes on when others cancel one of its tasks", clean(function(S, log, seen)
    block(S, log, function(g)
      local thread = g:spawn(job(S, log, "a", 9))
      g:spawn(job(S, log, "b", 1))
      S.cancel(thread)
      g:wait()
    end)
    updates(S, 2)
    assert.same({"a", "b", "the end", "left"}, seen)
  end))

  it("is cancelled by anybody, also by one of its tasks", clean(function(S, log, seen)
    local group
    block(S, log, function(g)
      group = g
      g:spawn(job(S, log, "a", 9))
      g:wait()
      fails("the group was cancelled", g.spawn, g, print)
    end)
    group:cancel()
    updates(S, 1)
    block(S, log, function(g)
      g:spawn(job(S, log, "b", 9))
      g:spawn(function()
        local _ <close> = closing(log, "c")
        g:cancel()
        log "not reached"
      end)
    end)
    updates(S, 1)
    assert.same({"a", "the end", "left", "b", "c", "the end", "left"}, seen)
  end))

  it("waits in several tasks, several times", clean(function(S, log, seen)
    block(S, log, function(g)
      g:wait()
      g:spawn(job(S, log, "a", 1))
      S.spawn(function() g:wait() log "other" end)
      g:wait()
      log "again"
      g:spawn(job(S, log, "b", 1))
      g:wait()
    end)
    updates(S, 3)
    assert.same({"a", "other", "again", "b", "the end", "left"}, seen)
  end))

  it("takes tasks from others until it is left, with arguments", clean(function(S, log, seen)
    local group
    block(S, log, function(g)
      group = g
      g:spawn(function()
        S.wait(1)
        local thread = g:spawn(function(...)
          log(...)
          S.wait(1)
          log "ends"
        end, 1, 2)
        assert(type(thread) == "thread")
      end)
    end)
    updates(S, 3)
    fails("the group was left", group.spawn, group, print)
    assert.same({"the end", "1 2", "ends", "left"}, seen)
  end))

  it("reports errors that come as its tasks are cancelled", clean(function(S, log, seen, errors)
    block(S, log, function(g)
      g:spawn(function()
        local _ <close> = closing(function(text) error(text, 0) end, "in close")
        S.wait(9)
      end)
      error("oops", 0)
    end)
    assert.same({"raised oops"}, seen)
    assert.same({"in close"}, errors)
  end))

  it("waits for tasks that are stopped anywhere", clean(function(S, log, seen)
    local thread = S.defer(function()
      local g <close> = S.group()
      for _ = 1, 3 do
        g:spawn(hog(1e5))
      end
      g:spawn(function()
        S.wait(0.01)
        log "waited"
      end)
    end)
    crawl(S, thread)
    assert.same({"waited"}, seen)
  end))

  it("interrupts an owner that was stopped when it next waits", clean(function(S, log, seen)
    local thread = S.defer(function()
      log(select(2, pcall(function()
        local g <close> = S.group()
        g:spawn(bad(S, 0, "bad"))
        hog(3e5)()
        log "through"
        S.wait(5)
      end)))
    end)
    crawl(S, thread)
    assert.same({"through", "bad"}, seen)
  end))

  it("says what is wrong", clean(function(S, log, seen)
    fails("'group' outside of a task", S.group)
    block(S, log, function(g)
      fails("#1 to 'spawn' (function expected, got no value)", g.spawn, g)
      g:spawn(function() fails("a task cannot wait for its own group", g.wait, g) end)
    end)
    updates(S, 1)
    assert.same({"the end", "left"}, seen)
  end))
end)
