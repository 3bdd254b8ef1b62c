-- traceback_spec.lua: tracebacks that go on through the resumers

local helper = require "helper"
local cfiber = helper.cfiber

local create, resume, wrap, traceback = cfiber.create, cfiber.resume, cfiber.wrap, cfiber.traceback

-- What stock can do: compared are calls from the same line.
local function both(...)
  local texts = {}
  for i, f in ipairs {debug.traceback, traceback} do
    texts[i] = table.pack(f(...))
  end
  return table.unpack(texts)
end

local function equal(...)
  local stock, ours = both(...)
  assert.same(stock, ours)
end

-- The lines of a text that match a pattern.
local function lines(text, pattern)
  local found = {}
  for line in text:gmatch "[^\n]+" do
    found[#found + 1] = line:match(pattern)
  end
  return found
end

local separator = "^\t%(%.%.%.resumed by (.+)%)$"

describe("traceback is that of debug", function()
  it("in the main thread", function()
    equal()
    equal("message")
    equal("message", 2)
    equal(nil, 1)
    equal(12)
    equal("message", 100)
    equal("", 1)
  end)

  it("for messages that are neither strings nor nil, which it returns", function()
    local t = {}
    assert.equal(t, (traceback(t)))
    for _, message in ipairs {t, print, true, io.stdout} do
      equal(message)
      equal(message, "no level")
      equal(create(print), message)
    end
    assert.is_false((traceback(false)))
  end)

  it("for a thread that nobody resumed, or that is suspended or dead", function()
    local suspended = create(function()
      pcall(string.gsub, "a", "a", cfiber.yield)
    end)
    local compact = create(function() coroutine.yield() end)
    local failed = create(function() error "on purpose" end)
    for _, co in ipairs {suspended, compact, failed, create(print), coroutine.create(print)} do
      for _ = 1, 2 do
        for level = 0, 4 do
          equal(co, "message", level)
        end
        equal(co)
        equal(co, nil)
        equal(co, 3.5)
        resume(co)
      end
    end
  end)

  it("for a recursion too deep to show", function()
    local function recurse(n)
      if n == 0 then
        equal("deep")
      else
        recurse(n - 1)
      end
      return nil
    end
    recurse(100)
    local function deep(n)
      if n == 0 then
        cfiber.yield()
      else
        deep(n - 1)
      end
      return nil
    end
    local co = create(deep)
    resume(co, 100)
    equal(co, "deep")
  end)

  it("for a level that is no integer: the same error", function()
    for _, level in ipairs {"x", 1.5, {}, print} do
      local _, stock = pcall(debug.traceback, "message", level)
      local ok, ours = pcall(traceback, "message", level)
      assert.is_false(ok)
      assert.equal(stock, (ours:gsub("cfiber.traceback", "debug.traceback", 1):gsub("'traceback'", "'debug.traceback'")))
    end
  end)
end)

describe("traceback in a fiber", function()
  it("goes on with each resumer, out to the main thread", function()
    local threads, text = {}, nil
    local function innermost()
      threads[3] = coroutine.running()
      text = traceback("the message")
      return nil
    end
    local function middle()
      threads[2] = coroutine.running()
      string.gsub("a", "a", wrap(innermost))
      return nil
    end
    local function outermost()
      threads[1] = coroutine.running()
      assert(resume(create(middle)))
      return nil
    end
    assert(resume(create(outermost)))
    assert.same({tostring(threads[2]), tostring(threads[1]), "the main thread"}, lines(text, separator))
    local story = {"the message\nstack traceback:\n", "in function <", "resumed by thread: ",
      helper.called "string.gsub", "resumed by thread: ", helper.called "cfiber.resume", "resumed by the main thread",
      helper.called "cfiber.resume"}
    local at = 1
    for _, part in ipairs(story) do
      at = assert(select(2, text:find(part, at)), part)
    end
    assert.equal(1, #lines(text, "stack traceback:"))
    assert.equal("\t[C]: in ?", text:match "[^\n]+$")
  end)

  it("begins as the one of debug does, at each level", function()
    resume(create(function()
      local function nested()
        for level = 0, 4 do
          local stock, ours = both("message", level)
          assert.equal(stock[1], ours[1]:sub(1, #stock[1]))
          assert.equal(1, ours[1]:find(stock[1] .. "\n\t(...resumed by the main thread)\n\t", 1, true))
        end
      end
      nested()
    end))
  end)

  it("of a resumer begins there", function()
    local outer, text, stock
    outer = create(function()
      assert(resume(create(function()
        text, stock = traceback(outer, "outer"), debug.traceback(outer, "outer")
      end)))
    end)
    assert(resume(outer))
    assert.equal(1, text:find(stock .. "\n\t(...resumed by the main thread)\n", 1, true))
    assert.same({"the main thread"}, lines(text, separator))
  end)

  it("of the main thread ends there", function()
    local main = coroutine.running()
    assert(resume(create(function()
      equal(main, "main", 0)
    end)))
  end)

  it("of a fiber that is not around the call is that of debug", function()
    local other = create(function() string.gsub("a", "a", cfiber.yield) end)
    resume(other)
    assert(resume(create(function()
      equal(other, "other")
    end)))
    cfiber.close(other)
  end)

  it("passes through stock coroutines", function()
    local fiber, stock, text
    fiber = create(function()
      stock = coroutine.create(function()
        assert(resume(create(function()
          coroutine.wrap(function()
            text = traceback()
          end)()
        end)))
      end)
      assert(coroutine.resume(stock))
    end)
    assert(resume(fiber))
    local found = lines(text, separator)
    assert.equal(4, #found)
    assert.same({tostring(stock), tostring(fiber), "the main thread"}, {table.unpack(found, 2)})
  end)

  it("passes through a stock coroutine that the main thread resumed", function()
    local stock, text
    stock = coroutine.create(function()
      assert(resume(create(function() text = traceback() end)))
    end)
    assert(coroutine.resume(stock))
    assert.same({tostring(stock), "the main thread"}, lines(text, separator))
  end)

  it("shows who closes", function()
    local text
    local co = create(function()
      local _ <close> = setmetatable({}, {__close = function() text = traceback() end})
      string.gsub("a", "a", cfiber.yield)
    end)
    resume(co)
    cfiber.close(co)
    assert.same({"the main thread"}, lines(text, separator))
    assert.match(helper.called "cfiber.close", text)
  end)

  it("as a message handler shows the error's place and all resumers", function()
    local ok, handled
    resume(create(function()
      ok, handled = xpcall(error, traceback, "boom")
    end))
    assert.is_false(ok)
    assert.match("^boom\nstack traceback:\n\t%[C%]: in function 'error'\n", handled)
    assert.same({"the main thread"}, lines(handled, separator))
  end)

  it("shows the first and the last of many resumers", function()
    local function nest(n)
      if n == 0 then
        return traceback()
      end
      return (wrap(nest)(n - 1))
    end
    for n = 20, 23 do
      local text = nest(n)
      assert.equal(math.min(n, 21), #lines(text, separator))
      assert.same(n > 21 and {tostring(n - 21)} or {}, lines(text, "^\t%.%.%.\t%(skipping (%d+) threads%)$"))
      assert.equal("the main thread", lines(text, separator)[math.min(n, 21)])
    end
  end)
end)

describe("traceback of a fiber that was suspended with others inside", function()
  -- Suspended below gsub, in a stock coroutine, in a generator, in 'outer';
  -- returns the threads from the outermost inwards.
  local function suspended(leave)
    local threads = {}
    local function inside(f, ...)
      threads[#threads + 1] = coroutine.running()
      return f(...)
    end
    local function gsub() return (string.gsub("a", "a", leave)) end
    local function stock() return inside(gsub) end
    local function generator() return inside(coroutine.wrap(stock)) end
    local outer = create(function() return inside(wrap(generator)) end)
    return threads, outer
  end

  local function check(threads, outer, text)
    assert.same({tostring(threads[2]), tostring(threads[1])}, lines(text, separator))
    local stock = debug.traceback(threads[3], "message")
    assert.equal(stock .. "\n\t(...", text:sub(1, #stock + 6))
    assert.match(helper.called "string.gsub", stock)
    local last = debug.traceback(outer):match "\n.*"
    assert.equal(last, text:sub(-#last))
  end

  it("begins where it goes on and ends with it", function()
    local threads, outer
    threads, outer = suspended(function() cfiber.suspend(outer) end)
    assert(resume(outer))
    check(threads, outer, traceback(outer, "message"))
    local text
    assert(resume(create(function() text = traceback(outer, "message") end)))
    check(threads, outer, text)
    cfiber.close(outer)
  end)

  it("does so for one that a slice stopped", function()
    local threads, outer = suspended(function()
      while true do end
    end)
    assert.same({true, "budget"}, {cfiber.slice(outer, 1000)})
    check(threads, outer, traceback(outer, "message"))
    cfiber.close(outer)
  end)

  it("takes the level of the innermost", function()
    local threads, outer
    threads, outer = suspended(function() cfiber.suspend(outer) end)
    assert(resume(outer))
    local stock = debug.traceback(threads[3], nil, 2)
    assert.equal(stock .. "\n\t(...", traceback(outer, nil, 2):sub(1, #stock + 6))
    cfiber.close(outer)
  end)
end)
