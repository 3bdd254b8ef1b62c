-- slice_spec.lua: resuming for a number of VM instructions

local helper = require "helper"
local cfiber = helper.cfiber

-- Locals throughout: a global goes through functions of busted.
local coroutine, string, table, setmetatable, error, tostring = coroutine, string, table, setmetatable, error, tostring
local create, resume, yield, slice = cfiber.create, cfiber.resume, cfiber.yield, cfiber.slice

local function pack(...)
  return {n = select("#", ...), ...}
end

-- Runs f in slices and returns a record of everything but the budget's ends,
-- and how many of those there were. n is the budget or math.huge for a resume
-- without one; the k-th resume passes k.
local function record(f, n, prepare)
  local co = create(f)
  if prepare then
    prepare(co)
  end
  local log, k, spent = {}, 0, 0
  repeat
    k = k + 1
    local r
    if n == math.huge then
      r = pack(resume(co, k))
      table.insert(r, 2, cfiber.status(co) == "dead" and "return" or "yield")
    else
      r = pack(slice(co, n, k))
      while r[2] == "budget" do
        assert.equal(2, r.n)
        spent = spent + 1
        r = pack(slice(co, n, "dropped"))
      end
    end
    assert.is_true(r[1], r[2])
    log[k] = r
    r.n = nil
  until r[2] == "return"
  return log, spent
end

-- Asserts that f does the same in slices as in one run.
local function equalsliced(f, budgets)
  local expected = record(f, math.huge)
  for _, n in ipairs(budgets) do
    assert.same(expected, (record(f, n)))
  end
end

local function range(first, last, step)
  local list = {}
  for i = first, last, step or 1 do
    list[#list + 1] = i
  end
  return list
end

local rare = helper.mode == "collector" and 61 or 1  -- collections take time

-- How many instructions f executes on a coroutine.
local function instructions(f)
  local n = 0
  local co = create(f)
  debug.sethook(co, function() n = n + 1 end, "", 1)
  while cfiber.status(co) ~= "dead" do
    assert(resume(co))
  end
  return n
end

-- Endless loops where stock coroutines could not yield, or could.
local loops = {
  ["a Lua function"] = function(loop) loop() end,
  pcall = function(loop) pcall(loop) end,
  xpcall = function(loop) xpcall(loop, print) end,
  ["a message handler"] = function(loop) xpcall(error, loop) end,
  ["the comparator of sort"] = function(loop) table.sort({1, 2, 3}, loop) end,
  ["the function of gsub"] = function(loop) string.gsub("a", "a", loop) end,
  ["__index"] = function(loop) return setmetatable({}, {__index = loop}).x end,
  ["__lt in sort"] = function(loop)
    local t = setmetatable({}, {__lt = loop})
    table.sort {t, t}
  end,
  ["__tostring"] = function(loop) tostring(setmetatable({}, {__tostring = loop})) end,
  ["a load reader"] = function(loop) load(loop) end,
  ["__close"] = function(loop)
    local _ <close> = setmetatable({}, {__close = loop})
  end,
  ["gsub in sort in pcall in __add"] = function(loop)
    local t = setmetatable({}, {__add = function()
      pcall(table.sort, {1, 2, 3}, function()
        string.gsub("a", "a", loop)
      end)
    end})
    return t + t
  end,
}

local handler_it = require "since"("5.4.3", "calls a handler again that did not return")

describe("slice preempts a loop inside", function()
  for name, run in pairs(loops) do
    local test = name == "__close" and handler_it or it
    test(name, function()
      helper.leakless(function()
        local count = 0
        local co = create(function()
          run(function()
            while true do
              count = count + 1
            end
          end)
        end)
        for _ = 1, 20 do
          local before = count
          assert.same({true, "budget"}, {slice(co, 100)})
          assert.is_true(count - before <= 100)
        end
        assert.is_true(count > 100)
        assert.equal("suspended", cfiber.status(co))
        assert.equal("normal", coroutine.status(co))
        assert.is_true(cfiber.close(co))
      end)
    end)
  end
end)

-- A bit of everything, with yields in between.
local function mixture(seed)
  local list = {}
  for i = 1, 12 do
    list[i] = (i * 7 + seed) % 13
  end
  local function less(a, b)
    return a < b
  end
  table.sort(list, less)
  yield(table.concat(list, " "))
  local t = setmetatable({}, {
    __index = function(_, k) return k .. k end,
    __concat = function(_, b) return "c" .. b end,
    __lt = function() return seed > 0 end,
    __call = function(_, ...) return select("#", ...) end,
  })
  local text = ("some words"):gsub("%a+", function(word)
    if word == "words" then
      table.sort(list, function(a, b) return less(b, a) end)
      yield("in gsub", list[1])
    end
    return t[word]
  end)
  local ok, err = pcall(function()
    local _ <close> = setmetatable({}, {__close = function() text = text .. "!" end})
    error({text, t .. "x", t < t, t(1, nil, 3)})
  end)
  local got = yield(ok, table.unpack(err))
  local trace = select(2, xpcall(error, function(m) return m:upper() end, "handled"))
  return got, trace, text, load(coroutine.wrap(function()
    coroutine.yield "return 1, "
    coroutine.yield "2"
  end))()
end

describe("slice", function()
  it("gives the same results at every budget from 1 to 1,000 as one run", function()
    helper.leakless(equalsliced, mixture, range(1, 1000, rare))
  end)

  it("executes exactly the budget in a fiber that resumes no other", function()
    local function body()
      local t = {}
      for i = 1, 60 do
        t[i] = tostring(i) .. "x"
      end
      table.sort(t, function(a, b) return a > b end)
      return #t
    end
    helper.withcollector(function()
      collectgarbage "stop"  -- a finalizer shifts the count, those of other specs' objects, too
      local total = instructions(body)
      for _, n in ipairs {1, 2, 3, 7, 64, 255, 256, 257, 300, 513, total - 1, total, total + 1} do
        local _, spent = record(body, n)
        assert.equal((total - 1) // n, spent)
      end
    end)
  end)

  it("goes on counting where a yield interrupted", function()
    local co = create(function()
      while true do
        yield()
      end
    end)
    for _ = 1, 100 do
      assert.same({true, "yield"}, {slice(co, 5)})
    end
    assert.same({true, "budget"}, {slice(co, 1)})
  end)

  it("returns whole lists of values", function()
    local list = range(1, 3000)
    local co = create(function(...)
      return yield(...)
    end)
    local function check(how, ...)
      assert.same({true, how, n = 3002}, {select(1, ...), select(2, ...), n = select("#", ...)})
      assert.same(list, {select(3, ...)})
    end
    check("yield", slice(co, 100, table.unpack(list)))
    check("return", slice(co, 100, table.unpack(list)))
  end)

  it("returns eighteen to twenty values, about what a C function has room for", function()
    for n = 17, 21 do
      local r = pack(slice(create(table.unpack), 9, range(1, n)))
      assert.equal(n + 2, r.n)
      assert.equal(n, r[n + 2])
    end
  end)

  it("returns false and the error, and then that it is dead", function()
    local err = {}
    local co = create(error)
    assert.same({false, err}, {slice(co, 10, err)})
    assert.same({false, "cannot resume dead coroutine"}, {slice(co, 10)})
  end)

  it("returns the error of a body that the budget stops anywhere", function()
    local function fails()
      string.gsub("ab", "%a", function(c)
        if c == "b" then error("body", 0) end
      end)
    end
    for n = 1, 40 do
      local co = create(fails)
      local r
      repeat
        r = {slice(co, n)}
      until r[2] ~= "budget"
      assert.same({false, "body"}, r)
    end
  end)

  it("resumes a coroutine that stock functions made and resumed", function()
    local co = coroutine.create(function(a)
      local b = coroutine.yield(a)
      while b > 0 do
        b = b - 1
      end
      return "end"
    end)
    assert.same({true, 1}, {coroutine.resume(co, 1)})
    assert.same({true, "budget"}, {slice(co, 50, 100)})
    assert.same({true, "return", "end"}, {slice(co, 5000)})
  end)

  it("can be called in a fiber for another, in both directions of a yield", function()
    local inner = create(function()
      for i = 1, 3 do
        yield(i)
      end
    end)
    local co = cfiber.wrap(function()
      repeat
        local r = {slice(inner, 1000)}
        yield(table.unpack(r))
      until r[2] == "return"
    end)
    assert.same({true, "yield", 1}, {co()})
    assert.same({true, "yield", 2}, {co()})
    assert.same({true, "yield", 3}, {co()})
    assert.same({true, "return"}, {co()})
  end)
end)

describe("a fiber that its budget stopped", function()
  local function counting(log)
    return create(function()
      local _ <close> = setmetatable({}, {__close = function() log[1] = "closed" end})
      for _ = 1, 100 do end
      return yield("yielded")
    end)
  end

  it("goes on with resume, which passes it nothing", function()
    helper.leakless(function()
      local co = counting {}
      assert.same({true, "budget"}, {slice(co, 20)})
      assert.same({true, "yielded"}, {resume(co, "dropped", "dropped")})
      assert.same({true, "got"}, {resume(co, "got")})
    end)
  end)

  it("goes on with more values dropped than a C function has room for", function()
    local co = counting {}
    assert.same({true, "budget"}, {slice(co, 20)})
    assert.same({true, "budget"}, {slice(co, 20, table.unpack(range(1, 200)))})
    assert.same({true, "yielded"}, {resume(co, table.unpack(range(1, 200)))})
    assert.same({true, "got"}, {resume(co, "got")})
  end)

  it("is closed as any other", function()
    helper.leakless(function()
      local log = {}
      local co = counting(log)
      assert.same({true, "budget"}, {slice(co, 20)})
      assert.is_true(cfiber.close(co))
      assert.same({"closed"}, log)
      assert.same({false, "cannot resume dead coroutine"}, {slice(co, 20)})
    end)
  end)

  it("is collected as any other", function()
    helper.leakless(function()
      for _ = 1, 20 do
        slice(counting {}, 20)
      end
    end)
  end)

  it("shows where it stands", function()
    local co = counting {}
    slice(co, 20)
    assert.match("^stack traceback:\n\t[^\n]+slice_spec.lua:%d+: in function <[^\n]+$", debug.traceback(co))
  end)
end)

describe("fibers inside a slice", function()
  -- Calls 'step' again and again in a fiber of its own.
  local function forever(step)
    return cfiber.wrap(function()
      while true do
        step()
        yield()
      end
    end)
  end

  it("count towards its budget", function()
    local rounds = 0
    local co = create(function()
      local next = forever(function()
        for _ = 1, 100 do end
        rounds = rounds + 1
      end)
      while true do
        next()
      end
    end)
    for _ = 1, 50 do
      local before = rounds
      assert.same({true, "budget"}, {slice(co, 10000)})
      assert.is_true(rounds - before <= 100)
    end
    assert.is_true(rounds > 50 * 40, rounds)
  end)

  it("count when they switch all the time", function()
    local rounds = 0
    local co = create(function()
      local a, b = forever(function() rounds = rounds + 1 end), forever(function() end)
      while true do
        a()
        b()
      end
    end)
    for _ = 1, 50 do
      local before = rounds
      assert.same({true, "budget"}, {slice(co, 1000)})
      assert.is_true(rounds - before <= 70)
    end
    assert.is_true(rounds > 50 * 5)
  end)

  it("count when they are stock coroutines made inside", function()
    local rounds = 0
    local co = create(function()
      while true do
        coroutine.wrap(function()
          for _ = 1, 1000 do end
          rounds = rounds + 1
        end)()
      end
    end)
    for _ = 1, 20 do
      assert.same({true, "budget"}, {slice(co, 1000)})
    end
    assert.is_true(rounds <= 40, rounds)
  end)

  it("do the same at every budget as in one run", function()
    helper.leakless(equalsliced, function(seed)
      local log = {}
      local inner = create(function(a)
        for i = 1, 3 do
          a = yield(a + i)
        end
        error("inner", 0)
      end)
      local stock = coroutine.wrap(function()
        for i = 1, 9 do
          coroutine.yield(i)
        end
      end)
      for i = 1, 5 do
        log[#log + 1] = tostring(select(2, resume(inner, seed + i)))
        string.gsub("a", "a", function()
          log[#log + 1] = tostring(stock())
        end)
        for v in cfiber.iter(function() yield(i) end) do
          yield(v)
        end
      end
      return table.concat(log, " ")
    end, range(1, 300, rare))
  end)

  it("sliced there have a budget of their own", function()
    local ends = {}
    local co = create(function()
      local inner = create(function()
        while true do end
      end)
      while true do
        ends[#ends + 1] = select(2, slice(inner, 100))
      end
    end)
    for _ = 1, 20 do
      assert.same({true, "budget"}, {slice(co, 1000)})
    end
    assert.is_true(#ends >= 20 and #ends <= 200, #ends)
    for _, how in ipairs(ends) do
      assert.equal("budget", how)
    end
  end)

  it("keep no hook", function()
    local inner, made, ended
    local function body()
      yield()
    end
    local co = create(function()
      inner, made, ended = create(body), create(body), cfiber.iter(body)
      resume(inner)
      ended()
      ended()
      while true do end
    end)
    assert.same({true, "budget"}, {slice(co, 1000)})
    for _, thread in ipairs {co, inner, made, (coroutine.running())} do
      assert.is_nil((debug.gethook(thread)))
    end
    assert.equal("suspended", cfiber.status(inner))
    assert.equal("suspended", cfiber.status(made))
  end)

  it("are stopped in endless loops, with stock coroutines and C functions in between", function()
    helper.leakless(function()
      local rounds = 0
      local function loop()
        while true do
          rounds = rounds + 1
        end
      end
      local co = create(function()
        string.gsub("a", "a", cfiber.wrap(function()
          coroutine.wrap(function()
            table.sort({1, 2, 3}, cfiber.wrap(loop))
          end)()
        end))
      end)
      for _ = 1, 20 do
        local before = rounds
        assert.same({true, "budget"}, {slice(co, 1000)})
        assert.is_true(rounds - before <= 250)
      end
      assert.is_true(rounds > 20 * 100)
      assert.equal("suspended", cfiber.status(co))
      assert.is_nil((debug.gethook(co)))
      assert.is_true(cfiber.close(co))
    end)
  end)

  it("are not run on when the slice's first step is broken off late", function()
    local rounds = 0
    local co = create(function()
      for _ = 1, 150 do end
      cfiber.wrap(function()
        while true do
          rounds = rounds + 1
        end
      end)()
    end)
    assert.same({true, "budget"}, {slice(co, 256)})
    assert.is_true(rounds <= (256 - 150) // 4)
    cfiber.close(co)
  end)

  it("may try in vain to resume what is sliced around them", function()
    local outer
    outer = create(function()
      local inner = cfiber.wrap(function()
        assert.is_false((resume(outer)))
        assert.is_false((slice(outer, 1)))
      end)
      inner()
      while true do end
    end)
    local r
    for _ = 1, 20 do
      r = {slice(outer, 10000)}
    end
    assert.same({true, "budget"}, r)
    assert.is_nil((debug.gethook(outer)))
  end)

  it("leave the hook that the sliced one set alone", function()
    local function set() end
    local inner = create(function()
      while true do
        for _ = 1, 100 do end
        yield()
      end
    end)
    local co = create(function()
      debug.sethook(set, "r")
      for _ = 1, 20 do
        resume(inner)
      end
    end)
    repeat
      local _, how = slice(co, 100)
      assert.equal(set, (debug.gethook(co)))
    until how == "return"
  end)

  it("do not stop at the end of an earlier slice", function()
    local stock
    local co = create(function()
      stock = coroutine.create(function()
        coroutine.yield()
        for _ = 1, 1000 do end
        return "end"
      end)
      coroutine.resume(stock)
      yield()
    end)
    assert.same({true, "yield"}, {slice(co, 100)})
    assert.same({true, "end"}, {coroutine.resume(stock)})
    assert.is_nil((debug.gethook(stock)))
  end)
end)

describe("misuse of slice:", function()
  local function refuses(message, ...)
    local ok, err = pcall(slice, ...)
    assert.is_false(ok)
    assert.equal("bad argument " .. message, err)
  end

  it("something that is no thread", function()
    refuses("#1 to 'cfiber.slice' (thread expected, got no value)")
    refuses("#1 to 'cfiber.slice' (thread expected, got function)", print, 10)
  end)

  it("a budget that is no whole number from 1 to 2^31 - 1", function()
    local co = create(function() return "fresh" end)
    local range31 = "#2 to 'cfiber.slice' (budget out of range (1 to 2147483647))"
    for _, n in ipairs {0, -1, 2^31, math.mininteger, math.maxinteger} do
      refuses(range31, co, n)
    end
    refuses("#2 to 'cfiber.slice' (number has no integer representation)", co, 1.5)
    refuses("#2 to 'cfiber.slice' (number has no integer representation)", co, 0/0)
    refuses("#2 to 'cfiber.slice' (number expected, got no value)", co)
    refuses("#2 to 'cfiber.slice' (number expected, got string)", co, "x")
    assert.same({true, "return", "fresh"}, {slice(co, 2^31 - 1)})
  end)

  it("threads that cannot be resumed", function()
    local co
    co = create(function()
      return slice(co, 10)
    end)
    assert.same({true, false, "cannot resume non-suspended coroutine"}, {resume(co)})
    assert.same({false, "cannot resume dead coroutine"}, {slice(co, 10)})
    assert.same({false, "cannot resume non-suspended coroutine"}, {slice(coroutine.running(), 10)})
  end)

  it("a nesting deeper than max_depth", function()
    helper.withconfig({max_depth = 20}, function()
      local function nest(n)
        local _, how, err = slice(create(nest), 1000000, n + 1)
        return how == "return" and err or n
      end
      assert.equal(20, nest(0))
    end)
    assert.same({true, "yield"}, {slice(create(yield), 10)})
  end)
end)
