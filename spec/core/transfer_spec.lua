-- transfer_spec.lua: another thread takes the place of the running fiber

local child = require "child"
local helper = require "helper"
local boundary = require "boundary"
local cfiber, stock = helper.cfiber, helper.stock
local finalize = helper.finalize

-- A test that leaves no stack behind.
local function clean(f)
  return function()
    helper.leakless(f)
  end
end

local function message(f, ...)
  local ok, err = pcall(f, ...)
  return not ok and err or "no error"
end

local function below_gsub(f, ...)
  local r
  local args = table.pack(...)
  string.gsub("x", "x", function() r = table.pack(f(table.unpack(args, 1, args.n))) end)
  return table.unpack(r, 1, r.n)
end

-- Threads that can take a place: each calls f with the values of the transfer.
local targets = {
  ["a fiber that is not started"] = function(f) return cfiber.create(f) end,
  ["a stock coroutine that is not started"] = function(f) return stock.create(f) end,
  ["a fiber that yielded"] = function(f)
    local co = cfiber.create(function() return f(cfiber.yield()) end)
    cfiber.resume(co)
    return co
  end,
  ["a fiber that yielded below a C frame"] = function(f)
    local co = cfiber.create(function() return f(below_gsub(cfiber.yield)) end)
    cfiber.resume(co)
    return co
  end,
  ["a stock coroutine that yielded"] = function(f)
    local co = stock.create(function() return f(stock.yield()) end)
    stock.resume(co)
    return co
  end,
  ["a fiber suspended with others inside"] = function(f)
    local co = cfiber.create(function()
      local me = cfiber.running()
      return select(2, assert(cfiber.resume(cfiber.create(function()
        return select(2, assert(stock.resume(stock.create(function()
          return f(cfiber.suspend(me))
        end))))
      end))))
    end)
    cfiber.resume(co)
    return co
  end,
  ["a fiber that transferred before"] = function(f)
    local co = cfiber.create(function() return f(cfiber.transfer(cfiber.create(function() end))) end)
    cfiber.resume(co)
    return co
  end,
}

-- Ways to call a function inside a fiber.
local ways = {
  ["directly"] = function(f, ...) return f(...) end,
  ["below gsub"] = below_gsub,
  ["from a stock coroutine"] = function(f, ...) return stock.wrap(f)(...) end,
  ["from a stock coroutine below gsub in another"] = function(f, ...)
    return stock.wrap(function(...) return below_gsub(stock.wrap(f), ...) end)(...)
  end,
}

for what, target in pairs(targets) do
  describe("transfer to " .. what, function()
    for how, call in pairs(ways) do
      it(how .. " passes values, and its end goes to the resumer", clean(function()
        local got
        local g = target(function(...)
          got = table.pack(...)
          return "end of g", nil
        end)
        local f = cfiber.create(function()
          return "end of f", call(cfiber.transfer, g, 1, nil)
        end)
        assert.same({true, "end of g", nil, n = 3}, table.pack(cfiber.resume(f)))
        assert.same({1, nil, n = 2}, got)
        assert.equal("dead", cfiber.status(g))
        assert.equal("suspended", cfiber.status(f))
        assert.same({true, "end of f", 2, nil, n = 4}, table.pack(cfiber.resume(f, 2, nil)))
      end))
    end

    it("and back makes both go on under the one resumer", clean(function()
      if what:find "others inside" then  -- there the innermost one transfers
        return
      end
      local f, g
      g = target(function(x)
        x = cfiber.transfer(f, x + 1)
        return "g", x
      end)
      f = cfiber.create(function(x)
        x = cfiber.transfer(g, x + 1)
        x = cfiber.transfer(g, x + 1)
        return "f", x
      end)
      assert.same({true, "g", 4}, {cfiber.resume(f, 1)})
      assert.same({true, "f", 9}, {cfiber.resume(f, 9)})
    end))

    it("passes its error to the resumer", clean(function()
      local g = target(function() error("bad", 0) end)
      local f = cfiber.create(function() return pcall(cfiber.transfer, g) end)
      local ok, err = cfiber.resume(f)
      assert.is_false(ok)
      assert.match("bad$", err)
      assert.equal("dead", cfiber.status(g))
      assert.same({true, true, "in"}, {cfiber.resume(f, "in")})
    end))

    it("passes its exit to the resumer", clean(function()
      local g = target(function() pcall(cfiber.exit, "x") end)
      local f = cfiber.create(function() cfiber.transfer(g) end)
      assert.is_true(cfiber.resume(f))
      assert.equal("suspended", cfiber.status(f))
      cfiber.close(f)
    end))

    it("survives collections on both sides", clean(function()
      local f = cfiber.create(function()
        local kept = {1}
        local got = cfiber.transfer(target(function(t)
          collectgarbage()
          return setmetatable({t[1]}, {})
        end), {5})
        return kept[1], got
      end)
      local _, t = cfiber.resume(f)
      collectgarbage()
      assert.same({5}, t)
      assert.same({true, 1, 2}, {cfiber.resume(f, 2)})
    end))
  end)
end

describe("transfer", function()
  for _, n in ipairs {0, 1, 20, 250, 5000} do
    it(("passes %d values"):format(n), clean(function()
      local list = {}
      for i = 1, n do
        list[i] = i
      end
      for _, call in pairs(ways) do
        local a, b
        local function body()
          local other = cfiber.running() == a and b or a
          for _ = 1, 3 do
            local r = {call(cfiber.transfer, other, table.unpack(list))}
            assert(#r == n and r[n] == list[n])
          end
        end
        a, b = cfiber.create(body), cfiber.create(body)
        assert(cfiber.resume(a))
        assert.is_true(cfiber.close(a))
        assert.is_true(cfiber.close(b))
      end
    end))
  end

  it("to the running fiber itself returns its arguments", clean(function()
    for _, call in pairs(ways) do
      local co = cfiber.create(function()
        return call(cfiber.transfer, cfiber.running(), 1, nil)
      end)
      if call == ways["directly"] or call == below_gsub then
        assert.same({true, 1, nil, n = 3}, table.pack(cfiber.resume(co)))
      end
    end
    assert.same({true, 1, 2}, {cfiber.resume(cfiber.create(function()
      local me = cfiber.running()
      return stock.wrap(function() return cfiber.transfer(me, 1, 2) end)()
    end))})
  end))

  it("leaves the one that left suspended, and makes the other run", clean(function()
    local f, seen
    local g = cfiber.create(function()
      seen = {cfiber.status(f), cfiber.running(), cfiber.isyieldable()}
    end)
    f = cfiber.create(function() cfiber.transfer(g) end)
    cfiber.resume(f)
    assert.same({"suspended", g, true}, seen)
    cfiber.close(f)
  end))

  it("lets the one in place yield to the resumer, again and again", clean(function()
    local g = cfiber.create(function()
      for i = 1, 3 do
        below_gsub(cfiber.yield, i)
      end
    end)
    local f = cfiber.create(function() cfiber.transfer(g) end)
    assert.same({true, 1}, {cfiber.resume(f)})
    assert.same({true, 2}, {cfiber.resume(g)})
    assert.same({true, 3}, {cfiber.resume(g)})
    assert.is_true(cfiber.resume(g))
    assert.is_true(cfiber.resume(f))
  end))

  it("lets the one in place yield compactly", clean(function()
    helper.withconfig({native_limit = 0}, function()
      local g = stock.create(function() return stock.yield(1, 2) end)
      local f = cfiber.create(function() cfiber.transfer(g) end)
      assert.same({true, 1, 2}, {cfiber.resume(f)})
      assert.same({true, "in"}, {stock.resume(g, "in")})
      assert.is_true(cfiber.resume(f))
    end)
  end))

  it("lets anybody resume the one that left", clean(function()
    local f
    local log = {}
    local g = cfiber.create(function()
      log[1] = select(2, cfiber.resume(f, "by g"))
      return "end of g"
    end)
    f = cfiber.create(function() return cfiber.transfer(g) end)
    assert.same({true, "end of g"}, {cfiber.resume(f)})
    assert.same({"by g"}, log)
    assert.equal("dead", cfiber.status(f))
  end))

  it("lets a new fiber on the stack of the first take its place", clean(function()
    local f
    local g = cfiber.create(function()
      assert(cfiber.resume(f))  -- ends: its stack is free
      return cfiber.transfer(cfiber.create(function() return "third" end))
    end)
    f = cfiber.create(function() cfiber.transfer(g) end)
    assert.same({true, "third"}, {cfiber.resume(f)})
    cfiber.close(g)
  end))

  it("passes an error to throw into the one that left", clean(function()
    local f = cfiber.create(function()
      return pcall(cfiber.transfer, cfiber.create(function() end))
    end)
    cfiber.resume(f)
    assert.same({true, false, "e"}, {cfiber.throw(f, "e")})
  end))

  it("to a thread with an error to come leaves that to throw", clean(function()
    local f, g
    g = cfiber.create(function() return pcall(cfiber.yield) end)
    cfiber.resume(g)
    f = cfiber.create(function() return cfiber.throw(g, "e") end)
    assert.same({true, true, false, "e"}, {cfiber.resume(f)})
  end))

  it("runs 1,000 in a ring, 20 times round", clean(function()
    local ring = {}
    local count = 0
    for i = 1, 1000 do
      ring[i] = cfiber.create(function()
        while count < 20000 do
          count = count + 1
          cfiber.transfer(ring[i % 1000 + 1])
        end
        return i
      end)
    end
    assert.same({true, 1}, {cfiber.resume(ring[1])})
    assert.equal(20000, count)
    for i = 1, 1000 do
      cfiber.close(ring[i])
    end
  end))

  it("needs no further depth", clean(function()
    helper.withconfig({max_depth = 2}, function()
      local function hop(n)
        if n == 0 then
          return cfiber.resume(cfiber.create(print))
        end
        return cfiber.transfer(cfiber.create(hop), n - 1)
      end
      local outer = cfiber.create(function() return cfiber.resume(cfiber.create(hop), 10) end)
      assert.same({true, true, false, "C stack overflow"}, {cfiber.resume(outer)})
    end)
    for _ = 1, 3 do collectgarbage() end
  end))

  it("happens inside a fiber that is suspended later", clean(function()
    local log = {}
    local outer = cfiber.create(function()
      local me = cfiber.running()
      local function hop(n)
        log[#log + 1] = cfiber.suspend(me, n)
        if n > 0 then
          return cfiber.transfer(cfiber.create(hop), n - 1)
        end
        return "end"
      end
      return stock.wrap(function() return cfiber.resume(cfiber.create(hop), 3) end)()
    end)
    for n = 3, 0, -1 do
      assert.same({true, n}, {cfiber.resume(outer, n)})
    end
    assert.same({true, true, "end"}, {cfiber.resume(outer, "last")})
    assert.same({2, 1, 0, "last"}, log)
    for _ = 1, 3 do collectgarbage() end
  end))

  it("takes the place of a fiber below others, which are suspended with it", clean(function()
    local f, g
    local log = {}
    g = cfiber.create(function()
      log[1] = select(2, cfiber.resume(cfiber.create(function()
        return cfiber.suspend(g, "g out")
      end)))
      return "g"
    end)
    f = cfiber.create(function() return cfiber.transfer(g) end)
    assert.same({true, "g out"}, {cfiber.resume(f)})
    assert.same({true, "g"}, {cfiber.resume(g, "g in")})
    assert.same({"g in"}, log)
    assert.same({true, "f in"}, {cfiber.resume(f, "f in")})
  end))
end)

describe("wrap after a transfer", function()
  it("returns what the other yields and then goes on itself", clean(function()
    local g = cfiber.create(function() below_gsub(cfiber.yield, "from g") end)
    local f = cfiber.wrap(function() return cfiber.transfer(g) end)
    assert.equal("from g", f())
    assert.equal("from main", f "from main")
    cfiber.close(g)
  end))

  it("closes the variables of the one that failed and raises its error", clean(function()
    local log = {}
    local g = cfiber.create(function()
      local _ <close> = setmetatable({}, {__close = function(_, e) log[1] = {e} end})
      error({"bad"}, 0)
    end)
    local f = cfiber.wrap(function() return cfiber.transfer(g) end)
    local ok, err = pcall(f)
    assert.is_false(ok)
    assert.same({"bad"}, err)
    assert.same(child.release() >= "5.4.3" and {{{"bad"}}} or {{}}, log)  -- as stock Lua
    assert.equal("f goes on", f "f goes on")
  end))
end)

describe("the collector", function()
  -- Collects in a fiber inside the one that calls it.
  local function collect_inside()
    return cfiber.wrap(function()
      for _ = 1, 3 do collectgarbage() end
      local list = {}
      for i = 1, 1000 do
        list[i] = {i}
      end
      return #list
    end)()
  end

  it("keeps a thread that only its place holds", clean(function()
    local f
    local weak = setmetatable({}, {__mode = "v"})
    f = cfiber.create(function()
      weak[1] = cfiber.create(function()
        assert(cfiber.resume(f))  -- f forgets this one
        return collect_inside(), weak[1] == cfiber.running()
      end)
      cfiber.transfer(weak[1])
    end)
    assert.same({true, 1000, true}, {cfiber.resume(f)})
    for _ = 1, 3 do collectgarbage() end
    assert.is_nil(weak[1])
  end))

  it("keeps one that comes back in another's place", clean(function()
    local strong = {}
    local weak = setmetatable({}, {__mode = "v"})
    local g = cfiber.create(function()
      below_gsub(cfiber.yield)
      local o = strong[1]
      strong[1] = nil
      return cfiber.transfer((function()
        local p = o
        o = nil
        return p
      end)())
    end)
    strong[1] = cfiber.create(function()
      cfiber.transfer(g)
      return collect_inside(), weak[1] == cfiber.running()
    end)
    weak[1] = strong[1]
    assert.is_true(cfiber.resume(strong[1]))
    assert.same({true, 1000, true}, {cfiber.resume(g)})
    cfiber.close(g)
  end))

  it("takes those that left and that nobody holds", clean(function()
    local weak = setmetatable({}, {__mode = "k"})
    local function hop(n)
      weak[cfiber.running()] = true
      if n == 0 then
        for _ = 1, 3 do collectgarbage() end
        local left = 0
        for _ in pairs(weak) do left = left + 1 end
        return left
      end
      return cfiber.transfer(cfiber.create(hop), n - 1)
    end
    assert.same({true, 2}, {cfiber.resume(cfiber.create(hop), 20)})  -- the first, in the resumer's call, and the last
  end))

  it("never sees more on the resumer's stack than one thread", clean(function()
    local a, b
    local function body()
      for _ = 1, 5000 do
        cfiber.transfer(cfiber.running() == a and b or a)
      end
    end
    a, b = cfiber.create(body), cfiber.create(body)
    local r = table.pack("x", cfiber.resume(a))
    assert.same({"x", true, n = 2}, r)
    cfiber.close(a)
    cfiber.close(b)
  end))
end)

describe("transfer is refused", function()
  local function in_fiber(f)
    local co = cfiber.create(function()
      local r = table.pack(f())
      assert(cfiber.transfer(cfiber.create(function() return "works" end)) == "as ever")
      return table.unpack(r, 1, r.n)
    end)
    assert.same({true, "works"}, {cfiber.resume(co)})
    local r = table.pack(cfiber.resume(co, "as ever"))
    assert(r[1], r[2])
    return table.unpack(r, 2, r.n)
  end

  it("with anything but a thread", clean(function()
    for _, value in ipairs {1, "x", {}, print, true} do
      assert.match("bad argument #1 to '.-' %(thread expected, got " .. type(value) .. "%)",
        message(cfiber.transfer, value))
    end
    assert.match("thread expected, got no value", message(cfiber.transfer))
  end))

  it("outside of fibers", clean(function()
    local co = cfiber.create(print)
    assert.equal("attempt to transfer from outside a fiber", message(cfiber.transfer, co))
    assert.equal("attempt to transfer from outside a fiber", stock.wrap(message)(cfiber.transfer, co))
    assert.equal("suspended", cfiber.status(co))
  end))

  it("to a dead thread", clean(function()
    local ended, failed = cfiber.create(function() end), cfiber.create(error)
    cfiber.resume(ended)
    cfiber.resume(failed)
    for _, co in ipairs {ended, failed} do
      assert.equal("cannot transfer to a dead coroutine", in_fiber(function()
        return message(cfiber.transfer, co, 1)
      end))
    end
  end))

  it("to a resumer, the main thread included", clean(function()
    local main = cfiber.running()
    assert.equal("cannot transfer to a normal coroutine", in_fiber(function()
      local me = cfiber.running()
      return cfiber.wrap(function()
        assert(message(cfiber.transfer, main) == "cannot transfer to a normal coroutine")
        return message(cfiber.transfer, me)
      end)()
    end))
  end))

  it("to the stock coroutine that calls it", clean(function()
    assert.equal("cannot transfer to a running coroutine", in_fiber(function()
      return stock.wrap(function() return message(cfiber.transfer, cfiber.running()) end)()
    end))
  end))

  it("to a fiber inside one that is suspended", clean(function()
    local inner
    local co = cfiber.create(function()
      local me = cfiber.running()
      inner = cfiber.create(function() return cfiber.suspend(me) end)
      return select(2, cfiber.resume(inner))
    end)
    cfiber.resume(co)
    assert.equal("cannot transfer to a normal coroutine", in_fiber(function()
      return message(cfiber.transfer, inner)
    end))
    assert.same({true, "in"}, {cfiber.resume(co, "in")})
  end))

  it("from a finalizer", clean(function()
    for _, call in pairs(ways) do
      local result
      local co = cfiber.create(print)
      in_fiber(function()
        finalize(function() result = call(message, cfiber.transfer, co) end)
      end)
      assert.equal("attempt to yield from a finalizer", result)
      assert.equal("suspended", cfiber.status(co))
    end
  end))

  it("not inside a fiber that a finalizer resumes", clean(function()
    local result
    finalize(function()
      local f = cfiber.create(function() cfiber.transfer(cfiber.create(function() return "g" end)) end)
      result = {cfiber.resume(f)}
      cfiber.close(f)
    end)
    assert.same({true, "g"}, result)
  end))

  it("from a fiber that is being closed", clean(function()
    local result
    local co = cfiber.create(function()
      local _ <close> = setmetatable({}, {__close = function()
        result = message(cfiber.transfer, cfiber.create(print))
      end})
      cfiber.yield()
    end)
    cfiber.resume(co)
    assert.is_true(cfiber.close(co))
    assert.equal("cannot transfer from a coroutine that is being closed", result)
  end))

  it("on a state that is not the running one", clean(function()
    local co = cfiber.create(print)
    local status, err = in_fiber(function() return boundary.on(nil, cfiber.transfer, co) end)
    assert.equal(2, status)
    assert.equal("attempt to yield from outside a coroutine", err)
    assert.equal("suspended", cfiber.status(co))
  end))
end)
