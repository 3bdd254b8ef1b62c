-- slice_hooks_spec.lua: the user's debug hooks in slices

local helper = require "helper"
local cfiber = helper.cfiber

-- Locals throughout: a global goes through functions of busted.
local debug, string, setmetatable, error, pcall = debug, string, setmetatable, error, pcall
local create, resume, yield, slice = cfiber.create, cfiber.resume, cfiber.yield, cfiber.slice

local here = debug.getinfo(1, "S").source

-- Resumes co to its end, in slices of n instructions or at once.
local function finish(co, n)
  while cfiber.status(co) ~= "dead" do
    if n then
      assert(slice(co, n))
    else
      assert(resume(co))
    end
  end
end

local function leaf(n)
  return n + 1
end

local function tail(n)
  return leaf(n)
end

-- What is hooked: calls, tail calls, C functions, errors, yields.
local function body()
  local a = 1
  for i = 1, 3 do
    a = a + tail(i)
    yield(a)
  end
  string.gsub("ab", "%a", function(c)
    leaf(a)
    return c
  end)
  pcall(error, "caught")
  local _ <close> = setmetatable({}, {__close = function() leaf(2) end})
  return leaf(1)
end

-- The events that a hook sees of body. A finalizer between two instructions of
-- it may make a second event of a line, in stock Lua too.
local function events(mask, count, n)
  local log = {}
  for _ = 1, 3 do
    collectgarbage()
  end
  local co = create(body)
  debug.sethook(co, function(event, line)
    local info = debug.getinfo(2, "Slt")
    if info.source == here then
      log[#log + 1] = ("%s %s %d %s"):format(event, line, info.currentline, info.istailcall)
    elseif event == "call" or event == "return" then
      log[#log + 1] = event .. " " .. info.what
    end
  end, mask, count)
  finish(co, n)
  return log
end

local budgets = {1, 2, 3, 4, 5, 7, 10, 20, 33, 100, 1000}

-- Each n-th of a list. Stock Lua counts what a hook in Lua itself executes, so
-- that it does not see each n-th instruction; slices do not count that.
local function eachnth(log, n)
  local list = {}
  for i = n, #log, n do
    list[#list + 1] = log[i]
  end
  return list
end

describe("In slices a hook sees the same as without:", function()
  for _, case in ipairs {{"lines", "l"}, {"calls", "c"}, {"returns", "r"}} do
    local name, mask = table.unpack(case)
    it(name, function()
      local expected = events(mask, 0)
      assert.is_true(#expected > 0)
      for _, n in ipairs(budgets) do
        assert.same(expected, events(mask, 0, n))
      end
    end)
  end

  it("instructions, each time and each n-th time", function()
    local expected = events("", 1)
    assert.is_true(#expected > 0)
    for _, count in ipairs {1, 2, 3, 7, 50} do
      for _, n in ipairs(budgets) do
        assert.same(eachnth(expected, count), events("", count, n))
      end
    end
  end)

  it("everything", function()
    local expected = events("crl", 1)
    assert.is_true(#expected > 0)
    for _, n in ipairs(budgets) do
      assert.same(expected, events("crl", 1, n))
    end
  end)

  it("each hundredth instruction of a fiber that yields more often", function()
    local function count(each, n)
      local calls = 0
      local co = create(function()
        for _ = 1, 1000 do
          yield()
        end
      end)
      debug.sethook(co, function() calls = calls + 1 end, "", each)
      finish(co, n)
      return calls
    end
    local expected = count(1) // 100
    assert.equal(30, expected)
    for _, n in ipairs {3, 50, 1000} do
      assert.equal(expected, count(100, n))
    end
  end)

  it("those of a fiber inside", function()
    local function inside(mask, count, n)
      local log = {}
      local co = create(function()
        local inner = create(body)
        debug.sethook(inner, function(event, line)
          if debug.getinfo(2, "S").source == here then
            log[#log + 1] = event .. " " .. (line or "")
          end
        end, mask, count)
        while resume(inner) do end
      end)
      finish(co, n)
      return log
    end
    -- A finalizer that runs in a hook has Lua tell a line once more (rethook in ldo.c).
    helper.withcollector(function()
      collectgarbage "stop"
      local expected = {inside("crl", 0), inside("", 1)}
      assert.is_true(#expected[1] > 0)
      for _, n in ipairs(budgets) do
        assert.same(expected[1], inside("crl", 0, n))
        assert.same(eachnth(expected[2], 3), inside("", 3, n))
      end
    end)
  end)

  it("lines, while the budget counts the hooked code alone", function()
    local lines, rounds = 0, 0
    local co = create(function()
      while true do
        rounds = rounds + 1
      end
    end)
    debug.sethook(co, function()
      for _ = 1, 100 do end
      lines = lines + 1
    end, "l")
    for _ = 1, 50 do
      local before = rounds
      assert.same({true, "budget"}, {slice(co, 40)})
      assert.equal(10, rounds - before)
    end
    assert.is_true(lines >= rounds)
  end)
end)

describe("A hook", function()
  it("is the user's again between slices", function()
    local function hook() end
    local co = create(body)
    debug.sethook(co, hook, "rl", 77)
    repeat
      local _, how = slice(co, 10)
      assert.same({hook, "rl", 77}, {debug.gethook(co)})
    until how == "return"
  end)

  it("is none between slices where there was none, also after an error", function()
    local co = create(function()
      yield()
      error "on purpose"
    end)
    for _ = 1, 4 do
      slice(co, 2)
      assert.is_nil((debug.gethook(co)))
    end
    assert.is_false((slice(co, 100)))
    assert.is_nil((debug.gethook(co)))
  end)

  it("shows as an external one inside", function()
    local seen
    slice(create(function() seen = debug.gethook() end), 100)
    assert.equal("external hook", seen)
  end)

  it("set or removed between slices counts from the next one on", function()
    local lines = 0
    local co = create(function()
      while true do
        leaf(1)
      end
    end)
    slice(co, 50)
    debug.sethook(co, function() lines = lines + 1 end, "l")
    slice(co, 50)
    assert.is_true(lines > 5)
    debug.sethook(co)
    local before = lines
    assert.same({true, "budget"}, {slice(co, 50)})
    assert.equal(before, lines)
  end)

  it("set inside works at once and stays, and the budget holds from the next slice on", function()
    local lines = 0
    local function hook()
      lines = lines + 1
    end
    local co = create(function()
      debug.sethook(hook, "l")
      for _ = 1, 100 do
        leaf(1)
      end
      yield()
      while true do
        leaf(1)
      end
    end)
    assert.same({true, "yield"}, {slice(co, 50)})
    assert.is_true(lines > 100)
    assert.equal(hook, (debug.gethook(co)))
    local before = lines
    assert.same({true, "budget"}, {slice(co, 50)})
    assert.is_true(lines > before)
    assert.equal(hook, (debug.gethook(co)))
  end)

  it("that another hook sets works at once, and the budget holds", function()
    for _, mask in ipairs {"c", "r", "l", ""} do
      local first, second = 0, 0
      local co = create(function()
        while true do
          leaf(1)
        end
      end)
      debug.sethook(co, function()
        first = first + 1
        debug.sethook(function() second = second + 1 end, "l")
      end, mask, mask == "" and 5 or 0)
      assert.same({true, "budget"}, {slice(co, 100)})
      assert.equal(1, first)
      assert.is_true(second > 10)
      assert.same({true, "budget"}, {slice(co, 100)})
      assert.equal(1, first)
    end
  end)

  it("that removes itself is gone, and the budget holds", function()
    local calls = 0
    local co = create(function()
      while true do end
    end)
    debug.sethook(co, function()
      calls = calls + 1
      debug.sethook()
    end, "", 10)
    assert.same({true, "budget"}, {slice(co, 100)})
    assert.equal(1, calls)
    assert.is_nil((debug.gethook(co)))
  end)

  it("that raises an error raises it in the fiber", function()
    local co = create(function()
      return pcall(function()
        while true do end
      end)
    end)
    debug.sethook(co, function()
      debug.sethook()
      error("from the hook", 0)
    end, "", 30)
    local r
    repeat
      r = {slice(co, 7)}
    until r[2] ~= "budget"
    assert.same({true, "return", false, "from the hook"}, r)
  end)

  it("may yield itself, with values, at the end of the budget too", function()
    for count = 1, 6 do
      for n = 1, 13 do
        local co = create(function()
          for _ = 1, 30 do end
          return "end"
        end)
        debug.sethook(co, function() yield("hook", count) end, "", count)
        local r, yields
        yields = 0
        repeat
          r = {slice(co, n)}
          if r[2] == "yield" then
            assert.same({true, "yield", "hook", count}, r)
            yields = yields + 1
          end
        until r[2] == "return"
        assert.equal("end", r[3])
        local plain = 0
        co = create(function()
          for _ = 1, 30 do end
          return "end"
        end)
        debug.sethook(co, function() plain = plain + 1 end, "", 1)
        resume(co)
        assert.equal(plain // count, yields)
      end
    end
  end)

  it("of the thread that slices stays there", function()
    local log = {}
    local co = create(function()
      slice(create(function() leaf(1) end), 100)
      leaf(2)
    end)
    debug.sethook(co, function(_, line) log[#log + 1] = line end, "l")
    resume(co)
    assert.equal(4, #log)
  end)

  it("is not left on a coroutine that stock code makes and that runs later", function()
    local made
    local co = create(function()
      made = coroutine.create(function()
        for _ = 1, 1000 do end
        return debug.gethook()
      end)
    end)
    slice(co, 100)
    assert.same({true}, {coroutine.resume(made)})
  end)
end)
