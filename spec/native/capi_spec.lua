-- capi_spec.lua: cfiber.h, through a C module that includes nothing else of it

local child = require "child"
local helper = require "helper"
local capi = require "capi"
local cfiber, stock, leakless = helper.cfiber, helper.stock, helper.leakless

local OK, YIELD, ERRRUN = 0, 1, 2

-- A test that leaves no fiber behind.
local function case(name, body)
  it(name, function()
    leakless(body)
  end)
end

local function suspended(f, ...)
  local co = cfiber.create(f)
  assert(cfiber.resume(co, ...))
  return co
end

local function fails(message, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  assert.equal(message, err)
end

-- Calls f in a fiber, where it fails with that message.
local function failsinside(message, f, ...)
  assert.same({false, message}, {cfiber.resume(cfiber.create(f), ...)})
end

describe("cfiber_yield", function()
  case("passes values out and in, and returns", function()
    local co = cfiber.create(function(...)
      return "end", capi.yield(...)
    end)
    assert.same({true, 1, nil, 3}, {cfiber.resume(co, 1, nil, 3)})
    assert.same({true, "end", 4, nil, 6}, {cfiber.resume(co, 4, nil, 6)})
  end)

  case("stands in a loop, with locals and a buffer that go on", function()
    local co, text = cfiber.create(capi.produce), {}
    local r = {cfiber.resume(co, 200)}
    for i = 1, 200 do
      assert.same({true, i}, r)
      text[i] = ("%d;"):format(i):rep(20)
      if i % 50 == 0 then
        collectgarbage()
      end
      r = {cfiber.resume(co, text[i], "ignored", nil)}
    end
    assert.same({true, table.concat(text), 20100}, r)
  end)

  case("lets several producers take turns", function()
    local all = {}
    for i = 1, 20 do
      all[i] = suspended(capi.produce, i)
    end
    for step = 1, 20 do
      for i = step, 20 do
        local r = {cfiber.resume(all[i], tostring(step % 10))}
        assert.same(step < i and {true, step + 1}
          or {true, ("12345678901234567890"):sub(1, i), i * (i + 1) // 2}, r)
      end
    end
  end)

  case("yields where a wrap function or stock code called the C function", function()
    local f = cfiber.wrap(function()
      return (select(2, pcall(string.gsub, "ab", "%a", capi.yield)))
    end)
    assert.same({"a", "b", "12"}, {f(), f "1", f "2"})
  end)

  case("keeps what lies below the values", function()
    local co = cfiber.create(capi.keep)
    assert.same({true, "c"}, {cfiber.resume(co, "a", "b", "c")})
    assert.same({true, "a", "b", 1, 2}, {cfiber.resume(co, 1, 2)})
  end)

  case("takes many values both ways", function()
    local co = cfiber.create(capi.yield)
    local many = table.pack(table.unpack({}, 1, 5000))
    assert.equal(5001, select("#", cfiber.resume(co, table.unpack(many, 1, 5000))))
    assert.equal(7001, select("#", cfiber.resume(co, table.unpack(many, 1, 7000))))
  end)

  case("raises what is thrown in", function()
    local co = suspended(function()
      return pcall(capi.yield)
    end)
    local err = {}
    assert.same({true, false, err}, {cfiber.throw(co, err)})
  end)

  case("leaves its fiber to close and to the collector", function()
    local closed
    local co = suspended(function()
      local _ <close> = setmetatable({}, {__close = function()
        closed = true
      end})
      capi.produce(3)
    end)
    assert.is_nil(closed)
    assert.is_true(cfiber.close(co))
    assert.is_true(closed)
    suspended(capi.produce, 3)
  end)

  case("counts for slice and transfer as any yield does", function()
    local co = cfiber.create(capi.produce)
    assert.same({true, "yield", 1}, {cfiber.slice(co, 1000, 2)})
    local other = cfiber.create(cfiber.transfer)
    assert.same({true, 2}, {cfiber.resume(other, co, "a")})
    assert.same({true, "return", "ab", 3}, {cfiber.slice(co, 1000, "b")})
    cfiber.close(other)
  end)

  case("is left by exit below it", function()
    local co = cfiber.create(capi.sort)
    cfiber.resume(co, {2, 1}, function()
      capi.yield()
      cfiber.exit("out")
    end)
    assert.same({true, "out"}, {cfiber.resume(co)})
    assert.equal("dead", cfiber.status(co))
  end)

  case("is a native yield in every case", function()
    local before = cfiber.stats().native_yields
    local co = suspended(capi.yield)
    assert.equal(before + 1, cfiber.stats().native_yields)
    cfiber.close(co)
  end)

  case("works inside a comparator of C's qsort", function()
    for _, compare in ipairs {capi.yield, cfiber.yield, function(a, b)
      return (cfiber.yield(a, b))
    end} do
      local keys = {}
      for i = 1, 100 do
        keys[i] = i * 37 % 101
      end
      local co, asked = cfiber.create(capi.sort), 0
      local _, a, b = cfiber.resume(co, keys, compare)
      while cfiber.status(co) == "suspended" do
        asked = asked + 1
        _, a, b = cfiber.resume(co, a - b)
      end
      assert.equal(keys, a)
      for i = 1, 100 do
        assert.equal(i, keys[i])
      end
      assert.is_true(asked > 100)
    end
  end)

  it("is refused outside of coroutines", function()
    fails("attempt to yield from outside a coroutine", capi.yield)
  end)

  case("is refused in a coroutine that stock code resumed", function()
    local message = "attempt to yield from C code in a coroutine that is not a fiber"
    local co = stock.create(capi.yield)
    assert.same({false, message}, {stock.resume(co)})
    failsinside(message, function()
      error(select(2, stock.resume(stock.create(capi.yield))), 0)
    end)
  end)

  case("is refused on a state that does not run", function()
    local message = "attempt to yield from outside a coroutine"
    local co = suspended(capi.yield)
    fails(message, capi.yieldon, co)
    failsinside(message, capi.yieldon, co)
    assert.same({true, 1}, {cfiber.resume(co, 1)})
  end)

  -- In children: Lua may be built so that it aborts where an error jumps off
  -- a stack.
  for _, state in ipairs {"nil", "outer"} do
    it("is refused on a state that resumes the running one: " .. state, function()
      local r = child.run([[
        local capi = require "capi"
        local outer, inner
        outer = cfiber.create(function()
          inner = cfiber.create(function(state)
            capi.yield()
            capi.yieldon(state)
          end)
          cfiber.resume(inner, ]] .. state .. [[)
          print(pcall(cfiber.resume, inner))
        end)
        print(select("#", pcall(cfiber.resume, outer)))
        print(cfiber.status(inner), cfiber.stats().mounted)]])
      if not child.refusesjump(r.errors) then
        assert.equal("", r.errors)
        assert.match("dead\t0\n$", r.output)
      end
    end)
  end

  case("is refused in a finalizer", function()
    failsinside("attempt to yield from a finalizer", function()
      local err
      setmetatable({}, {__gc = function()
        err = select(2, pcall(capi.yield))
      end})
      collectgarbage()
      error(err, 0)
    end)
  end)

  case("is refused in a coroutine that is being closed, as in stock Lua", function()
    local errors = {}
    for i, yield in ipairs {capi.yield, stock.yield} do
      local lib = i == 1 and cfiber or stock
      local co = lib.create(function()
        local _ <close> = setmetatable({}, {__close = function()
          errors[i] = select(2, pcall(yield))
        end})
        lib.yield()
      end)
      lib.resume(co)
      lib.close(co)
    end
    assert.equal(errors[2], errors[1])
  end)

  case("is refused with more values than there are, or fewer than none", function()
    failsinside("cfiber_yield: 2 values of 1", capi.yieldcount, 2)
    failsinside("cfiber_yield: -1 values of 1", capi.yieldcount, -1)
    failsinside("cfiber_yield: 2147483647 values of 1", capi.yieldcount, 2147483647)
  end)

  case("is refused where no room is left for what comes back", function()
    local function body(left)
      capi.yield()
      return capi.full(left, "yield")
    end
    local co = suspended(body, 5)
    assert.same({false, "stack overflow"}, {cfiber.resume(co)})
    co = suspended(body, 30)
    cfiber.resume(co)
    assert.same({false, "too many arguments to resume"}, {cfiber.resume(co, table.unpack({}, 1, 100))})
    assert.same({true, 19}, {cfiber.resume(co, table.unpack({}, 1, 19))})
  end)
end)

describe("cfiber_resume", function()
  case("starts and continues any thread", function()
    for _, lib in ipairs {cfiber, stock} do
      local co = lib.create(function(...)
        return "end", lib.yield(...)
      end)
      assert.same({YIELD, 2, 1, 2}, {capi.resume(co, 1, 2)})
      assert.same({OK, 3, "end", 3, 4}, {capi.resume(co, 3, 4)})
      assert.equal("dead", cfiber.status(co))
    end
  end)

  case("goes on in a loop of C, with C functions on both sides", function()
    local co = cfiber.create(function()
      for i = 1, 1000 do
        capi.yield(i)
      end
    end)
    assert.equal(500500, capi.collect(co))
  end)

  case("returns the status and the value of an error", function()
    local co = cfiber.create(error)
    local err = {}
    assert.same({ERRRUN, 1, err}, {capi.resume(co, err)})
    assert.same({ERRRUN, 1, "cannot resume dead coroutine"}, {capi.resume(co, 1, 2)})
  end)

  case("passes more values than a C function has slots", function()
    local co = cfiber.create(capi.yield)
    local r = table.pack(capi.resume(co, table.unpack({}, 1, 1000)))
    assert.same({YIELD, 1000}, {r[1], r[2]})
    assert.equal(1002, r.n)
    r = table.pack(capi.resume(co, table.unpack({}, 1, 2000)))
    assert.same({OK, 2000, n = 2002}, r)
  end)

  case("passes values that the state it is called on has no room for yet", function()
    local co = cfiber.create(select)
    capi.push(co, "#", table.unpack({}, 1, 20000))
    assert.same({true, OK}, {cfiber.resume(cfiber.create(capi.resumeonly), co, 20001)})
    capi.drop(co, 1)
  end)

  case("refuses where that state has no room left", function()
    local co = cfiber.create(print)
    local r = {cfiber.resume(cfiber.create(capi.full), 5, "resume", co)}
    assert.same({true, ERRRUN}, r)
    assert.equal("suspended", cfiber.status(co))
    capi.drop(co, 1)
    assert.same({true}, {cfiber.resume(co)})
  end)

  case("refuses the running thread and one that resumes another", function()
    local message = "cannot resume non-suspended coroutine"
    assert.same({ERRRUN, 1, message}, {capi.resume(stock.running())})
    local outer
    outer = cfiber.create(function()
      local inner = cfiber.create(capi.resume)
      local a = {capi.resume(outer, 1, 2)}
      return a, {cfiber.resume(inner, outer, 3)}
    end)
    local r = {cfiber.resume(outer)}
    assert.same({true, {ERRRUN, 1, message}, {true, ERRRUN, 1, message}}, r)
  end)

  case("refuses to nest too deeply", function()
    local function nest()
      return select(3, capi.resume(cfiber.create(nest)))
    end
    local _, text = helper.withconfig({max_depth = 50}, cfiber.resume, cfiber.create(nest))
    assert.equal("C stack overflow", text)
  end)

  case("has the results on the thread that was resumed after a transfer", function()
    local a, b, c
    b = cfiber.create(function(...)
      cfiber.yield(...)
      error "x"
    end)
    a = cfiber.create(function()
      return "a", cfiber.transfer(b, 1, 2, 3)
    end)
    assert.same({YIELD, 3, 1, 2, 3}, {capi.resume(a)})
    assert.equal("suspended", cfiber.status(a))
    c = cfiber.create(function()
      cfiber.transfer(b)
    end)
    local r = {capi.resume(c)}
    assert.same({ERRRUN, 1}, {r[1], r[2]})
    assert.match("x$", r[3])
    assert.same({OK, 2, "a", 4}, {capi.resume(a, 4)})
    cfiber.close(c)
  end)

  case("keeps a thread that nobody else holds", function()
    local r = {capi.resume(cfiber.create(function()
      collectgarbage()
      collectgarbage()
      return capi.running()
    end))}
    assert.equal("thread", type(r[3]))
  end)

  case("goes on where the results of the last one were left", function()
    local co = cfiber.create(capi.keep)
    cfiber.resume(co, "a", "b")
    cfiber.close(co)
    co = cfiber.create(function()
      return capi.keep("a", capi.keep("b", 1))
    end)
    assert.equal(YIELD, capi.resumeonly(co, 0))
    assert.equal(YIELD, capi.resumeonly(co, 0))
    assert.same({OK, 2, "a", "c"}, {capi.resume(co, "c")})
  end)

  case("raises in a fiber whose values were taken away", function()
    local co = suspended(function()
      return pcall(capi.keep, "a", "b", "c")
    end)
    capi.drop(co, 2)
    assert.same({OK, 2, false, "resumed with values missing that were not yielded"}, {capi.resume(co)})
  end)

  case("refuses to resume on a suspended state", function()
    local co, other = suspended(capi.yield), cfiber.create(print)
    fails("cfiber_resume: the state does not run", capi.resumeon, co, other)
    failsinside("cfiber_resume: the state does not run", capi.resumeon, co, other)
    assert.equal("suspended", cfiber.status(other))
    cfiber.close(co)
  end)

  case("refuses more values than there are, NULL and other states' threads", function()
    local co = cfiber.create(print)
    fails("cfiber_resume: 2 values of 1", capi.resumeonly, co, 2)
    fails("cfiber_resume: -1 values of 1", capi.resumeonly, co, -1)
    assert.equal(ERRRUN, capi.resumeonly(co, 1))
    fails("cfiber_resume: the thread is NULL", capi.null, "resume")
    fails("cfiber_resume: the place for the number of results is NULL", capi.nocount, co)
    fails("cfiber_resume: the thread is of another Lua state", capi.foreign, "resume")
  end)
end)

describe("cfiber_throw", function()
  case("raises at the yield, and returns what comes then", function()
    local co = suspended(function()
      local _, err = pcall(capi.yield)
      _, err = pcall(cfiber.yield, err)
      return err
    end)
    assert.same({YIELD, 1, 1}, {capi.throw(co, 1)})
    assert.same({OK, 1, 2}, {capi.throw(co, 2)})
    assert.same({ERRRUN, 1, "cannot resume dead coroutine"}, {capi.throw(co, 3)})
  end)

  case("kills a thread that was not started", function()
    local co = cfiber.create(print)
    assert.same({ERRRUN, 1, "x"}, {capi.throw(co, "x")})
    assert.equal("dead", cfiber.status(co))
  end)

  case("refuses the running thread, NULL and other states' threads", function()
    assert.same({ERRRUN, 1, "cannot resume non-suspended coroutine"}, {capi.throw(stock.running(), "x")})
    fails("cfiber_throw: the thread is NULL", capi.null, "throw")
    fails("cfiber_throw: the thread is of another Lua state", capi.foreign, "throw")
  end)
end)

describe("cfiber_suspend", function()
  case("suspends a fiber around the call, and returns what comes back", function()
    local outer
    outer = cfiber.create(function(...)
      return cfiber.wrap(function(...)
        return capi.suspend(outer, ...)
      end)(...)
    end)
    assert.same({true, 1, nil, 3}, {cfiber.resume(outer, 1, nil, 3)})
    assert.same({true, 4, nil, 6}, {cfiber.resume(outer, 4, nil, 6)})
  end)

  case("suspends the running fiber", function()
    local co
    co = cfiber.create(function(...)
      return capi.suspend(co, ...)
    end)
    assert.same({YIELD, 1, 1}, {capi.resume(co, 1)})
    assert.same({OK, 2, 2, 3}, {capi.resume(co, 2, 3)})
  end)

  case("goes through a stock coroutine, whose call keeps its values", function()
    local outer
    outer = cfiber.create(function()
      return stock.wrap(function()
        return capi.suspend(outer, 1)
      end)()
    end)
    assert.same({YIELD, 1, 1}, {capi.resume(outer)})
    local r = table.pack(capi.resume(outer, table.unpack({}, 1, 300)))
    assert.same({OK, 300, n = 302}, r)
  end)

  case("is refused where no room is left for what comes back", function()
    local co
    co = suspended(function()
      capi.yield()
      return pcall(capi.full, 5, "suspend", co)
    end)
    assert.same({true, false, "stack overflow"}, {cfiber.resume(co)})
  end)

  case("refuses what is not around the call, NULL and other states' threads", function()
    local message = "cannot suspend a coroutine that is not a fiber around the call"
    fails(message, capi.suspend, stock.running())
    failsinside("cannot suspend a suspended coroutine", capi.suspend, cfiber.create(print))
    fails("cfiber_suspend: the thread is NULL", capi.null, "suspend")
    fails("cfiber_suspend: the thread is of another Lua state", capi.foreign, "suspend")
  end)
end)

describe("cfiber_close", function()
  case("closes what is suspended", function()
    local co = suspended(capi.sort, {2, 1}, capi.yield)
    assert.same({OK, 0}, {capi.close(co)})
    assert.equal("dead", cfiber.status(co))
  end)

  case("returns the status and the value of an error", function()
    local co = suspended(function()
      local _ <close> = setmetatable({}, {__close = function()
        error "x"
      end})
      capi.yield()
    end)
    local r = {capi.close(co)}
    assert.same({ERRRUN, 1}, {r[1], r[2]})
    assert.match("x$", r[3])
  end)

  case("refuses what is not suspended or dead, NULL and other states' threads", function()
    fails("cannot close a running coroutine", capi.close, stock.running())
    local outer
    outer = cfiber.create(function()
      failsinside("cannot close a normal coroutine", capi.close, outer)
    end)
    assert.is_true(cfiber.resume(outer))
    fails("cfiber_close: the thread is NULL", capi.null, "close")
    fails("cfiber_close: the thread is of another Lua state", capi.foreign, "close")
  end)
end)

describe("cfiber_status", function()
  case("tells what cfiber.status tells", function()
    local co, inside
    co = cfiber.create(function()
      inside = {capi.status(co), cfiber.wrap(capi.status)(co)}
      capi.yield()
    end)
    assert.equal("suspended", capi.status(co))
    cfiber.resume(co)
    assert.same({"running", "normal"}, inside)
    assert.equal("suspended", capi.status(co))
    cfiber.close(co)
    assert.equal("dead", capi.status(co))
  end)

  it("refuses NULL and other states' threads", function()
    fails("cfiber_status: the thread is NULL", capi.null, "status")
    fails("cfiber_status: the thread is of another Lua state", capi.foreign, "status")
  end)
end)

describe("cfiber_isyieldable", function()
  case("tells whether cfiber_yield is accepted", function()
    assert.is_false(capi.isyieldable())
    assert.is_true(cfiber.wrap(capi.isyieldable)())
    assert.is_false(stock.wrap(capi.isyieldable)())
    assert.is_false(cfiber.wrap(function()
      return stock.wrap(capi.isyieldable)()
    end)())
    assert.is_true(cfiber.wrap(function()
      local answer
      string.gsub("a", "a", function()
        answer = capi.isyieldable()
      end)
      return answer
    end)())
  end)
end)

describe("cfiber_running", function()
  case("tells the innermost fiber, whichever state it is asked on", function()
    assert.is_nil(capi.running())
    local outer, inner
    inner = cfiber.create(capi.running)
    outer = cfiber.create(function()
      assert.equal(outer, capi.running())
      return cfiber.resume(inner)
    end)
    assert.same({true, true, inner}, {cfiber.resume(outer)})
  end)
end)
