-- iter_spec.lua: the yields of a function as the iterations of a generic for

local helper = require "helper"
local cfiber = helper.cfiber

local iter, yield = cfiber.iter, cfiber.yield
local here = debug.getinfo(1, "S").short_src

-- Yields 1 to n; 'log' gets "closed" when it ends in whatever way.
local function counter(n, log)
  local _ <close> = setmetatable({}, {__close = function()
    log[#log + 1] = "closed"
  end})
  for i = 1, n do
    yield(i)
  end
end

-- The same, below a C function.
local function below(n, log)
  string.gsub("a", "a", function()
    counter(n, log)
  end)
end

-- Both kinds of generators, each in a test that nothing leaks.
local function both(name, body)
  it(name, function()
    helper.leakless(body, counter)
  end)
  it(name .. ", below a C function", function()
    helper.leakless(body, below)
  end)
end

describe("iter", function()
  it("makes one iteration of each yield, with all its values", function()
    local seen = {}
    for a, b, c in iter(function()
      yield(1, "x")
      yield(2, nil, "z")
      yield(false)
    end) do
      seen[#seen + 1] = table.pack(a, b, c)
    end
    assert.same({{1, "x", nil, n = 3}, {2, nil, "z", n = 3}, {false, nil, nil, n = 3}}, seen)
  end)

  it("calls the function with the further arguments", function()
    local seen = {}
    for a, b, n in iter(function(...)
      yield(..., select("#", ...))
      yield(select(3, ...))
    end, 1, nil, nil) do
      seen[#seen + 1] = table.pack(a, b, n)
    end
    assert.same({{1, 3, nil, n = 3}}, seen)
  end)

  it("passes two hundred arguments and yields as many values", function()
    local list = {}
    for i = 1, 200 do
      list[i] = i
    end
    for f in iter(function(...)
      yield(function(...) return select("#", ...) end, ...)
    end, table.unpack(list)) do
      assert.equal(1, f(1))
    end
    local step = iter(yield, table.unpack(list))
    assert.same(list, {step()})
  end)

  it("calls a C function", function()
    local seen = {}
    for word in iter(string.gsub, "one two", "%a+", yield) do
      seen[#seen + 1] = word
    end
    assert.same({"one", "two"}, seen)
  end)

  it("starts nothing before the loop asks for a value", function()
    local started = false
    local step = iter(function() started = true end)
    assert.is_false(started)
    step()
    assert.is_true(started)
  end)

  it("drops what the loop passes: a yield returns nothing", function()
    local got = {}
    for _ in iter(function(...)
      got[1] = select("#", ...)
      got[2] = select("#", yield(1))
      got[3] = select("#", yield(2))
    end) do end
    assert.same({0, 0, 0}, got)
  end)

  it("returns an iterator, two nils and a closing value", function()
    local values = table.pack(iter(print))
    assert.equal(4, values.n)
    assert.is_function(values[1])
    assert.is_nil(values[2])
    assert.is_nil(values[3])
    assert.is_function(getmetatable(values[4]).__close)
  end)

  both("ends with the function, whose results are dropped", function(f)
    local log, n = {}, 0
    for i in iter(function()
      f(2, log)
      return "result"
    end) do
      n = n + i
    end
    assert.equal(3, n)
    assert.same({"closed"}, log)
  end)

  it("ends with a yield whose first value is nil, and closes the fiber", function()
    for _, first in ipairs {"nothing", "nil"} do
      helper.leakless(function()
        local log, n = {}, 0
        for _ in iter(function()
          local _ <close> = setmetatable({}, {__close = function() log[1] = "closed" end})
          yield(1)
          if first == "nothing" then
            yield()
          else
            yield(nil, 2)
          end
          yield(3)
        end) do
          n = n + 1
        end
        assert.equal(1, n)
        assert.same({"closed"}, log)
      end)
    end
  end)

  both("is closed by break", function(f)
    local log = {}
    for i in iter(f, 9, log) do
      log[#log + 1] = i
      if i == 2 then break end
    end
    assert.same({1, 2, "closed"}, log)
  end)

  both("is closed by goto", function(f)
    local log = {}
    for i in iter(f, 9, log) do
      log[#log + 1] = i
      if i == 2 then goto out end
    end
    ::out::
    assert.same({1, 2, "closed"}, log)
  end)

  both("is closed by return", function(f)
    local log = {}
    local function find(wanted)
      for i in iter(f, 9, log) do
        if i == wanted then return i end
      end
    end
    assert.equal(2, find(2))
    assert.same({"closed"}, log)
  end)

  both("is closed by an error in the loop, which passes on", function(f)
    local log, err = {}, {}
    local ok, got = pcall(function()
      for _ in iter(f, 9, log) do
        error(err)
      end
    end)
    assert.is_false(ok)
    assert.equal(err, got)
    assert.same({"closed"}, log)
  end)

  both("is closed when the fiber that loops is closed", function(f)
    local log = {}
    local co = cfiber.create(function()
      for i in iter(f, 9, log) do
        yield(i)
      end
    end)
    assert.same({true, 1}, {cfiber.resume(co)})
    assert.is_true(cfiber.close(co))
    assert.same({"closed"}, log)
  end)

  it("closes nested loops innermost first", function()
    helper.leakless(function()
      local log = {}
      local function walk(depth)
        local _ <close> = setmetatable({}, {__close = function()
          log[#log + 1] = depth
        end})
        if depth == 0 then
          yield "leaf"
        else
          for v in iter(walk, depth - 1) do
            yield(v)
          end
        end
      end
      for v in iter(walk, 5) do
        log[#log + 1] = v
        if v == "leaf" then break end
      end
      assert.same({"leaf", 0, 1, 2, 3, 4, 5}, log)
    end)
  end)

  it("raises what a closing raises", function()
    local err = {}
    local function bad()
      local _ <close> = setmetatable({}, {__close = function() error(err) end})
      yield(1)
      error "lost"
    end
    local function loop(stop)
      for _ in iter(bad) do
        if stop then break end
      end
    end
    assert.equal(err, select(2, pcall(loop, true)))
    assert.equal(err, select(2, pcall(loop, false)))
  end)

  it("leaves nothing behind when a loop is never run", function()
    helper.leakless(function()
      for _ = 1, 10 do
        iter(counter, 1, {})
      end
    end)
  end)
end)

describe("an error of the function", function()
  local function inner(err)
    error(err)
  end

  local function failing(err)
    yield(1)
    inner(err)
    return "no tail call"
  end

  local function loop(err)
    for _ in iter(failing, err) do end
  end

  it("that is a string shows the lines of the function, in any handler", function()
    local function handled(handler)
      local ok, trace = xpcall(loop, handler, "boom")
      assert.is_false(ok)
      return trace
    end
    for _, handler in ipairs {debug.traceback, function(m) return m end} do
      local trace = handled(handler)
      assert.equal(1, trace:find(here .. ":%d+: boom\nstack traceback:\n"))
      assert.match("%[C%]: " .. helper.called "error" .. "\n\t" .. here .. ":%d+: in upvalue 'inner'\n", trace)
      assert.match("\n\t" .. here .. ":%d+: in function <", trace)
    end
    local _, last = handled(debug.traceback):find("in upvalue 'inner'", 1, true)
    assert.match("in for iterator 'for iterator'", handled(debug.traceback):sub(last))
  end)

  it("of any other kind passes on as it is", function()
    for _, err in ipairs {{}, print, true, 12, io.stdout, coroutine.create(print)} do
      assert.equal(err, select(2, pcall(loop, err)))
    end
    local ok, err = pcall(loop, nil)
    assert.is_false(ok)
    if _VERSION == "Lua 5.4" then
      assert.is_nil(err)
    else  -- a message takes the place of nil
      assert.match("^<no error object>\nstack traceback:", err)
    end
  end)

  it("through nested loops shows the lines of each", function()
    local ok, err = pcall(function()
      for v in iter(function()
        for w in iter(failing, "deep") do
          yield(w)
        end
      end) do
        assert.equal(1, v)
      end
    end)
    assert.is_false(ok)
    assert.equal(2, select(2, err:gsub("stack traceback:", "")))
  end)

  it("closes the fiber, whoever calls the iterator", function()
    helper.leakless(function()
      local log = {}
      local step = iter(function()
        local _ <close> = setmetatable({}, {__close = function() log[1] = "closed" end})
        error "boom"
      end)
      assert.is_false(pcall(step))
      assert.same({"closed"}, log)
    end)
  end)
end)

describe("misuse of iter:", function()
  local function refuses(message, f, ...)
    local ok, err = pcall(f, ...)
    assert.is_false(ok)
    assert.equal(message, err)
  end

  it("something that is no function", function()
    refuses("bad argument #1 to 'cfiber.iter' (function expected, got no value)", iter)
    refuses("bad argument #1 to 'cfiber.iter' (function expected, got nil)", iter, nil)
    refuses("bad argument #1 to 'cfiber.iter' (function expected, got table)", iter, setmetatable({}, {__call = print}))
  end)

  it("a call after the end says that the coroutine is dead, as wrap does", function()
    local step = iter(function() return print, 1 end)
    assert.equal(0, select("#", step()))
    refuses("cannot resume dead coroutine", step)
    refuses(here .. ":" .. debug.getinfo(1, "l").currentline + 1 .. ": cannot resume dead coroutine", function()
      local v = step()
      return v
    end)
  end)

  it("an iterator that calls itself", function()
    local step
    step = iter(function()
      yield(pcall(step))
    end)
    assert.same({false, "cannot resume non-suspended coroutine"}, {step()})
  end)

  it("an argument that resumes the iterator before it starts", function()
    local step, inner
    step = iter(function(a)
      yield(a)
      yield(a + 1)
    end, 1)
    inner = step()
    assert.same({1, 2}, {inner, step()})
  end)

  it("the closing value's function on other values, and twice", function()
    local step, _, _, closing = iter(counter, 9, {})
    local close = getmetatable(closing).__close
    refuses("bad argument #1 to '?' (cfiber.iter expected, got no value)", close)
    refuses("bad argument #1 to '?' (cfiber.iter expected, got light userdata)", close, debug.upvalueid(counter, 1))
    refuses("bad argument #1 to '?' (cfiber.iter expected, got FILE*)", close, io.stdout)
    assert.equal(1, step())
    close(closing)
    close(closing)
    refuses("cannot resume dead coroutine", step)
  end)

  it("the closing value's function inside the loop's own function", function()
    local step, close, closing, _
    step, _, _, closing = iter(function()
      yield(pcall(close, closing))
    end)
    close = getmetatable(closing).__close
    assert.same({false, "cannot close a running coroutine"}, {step()})
    close(closing)
  end)
end)
