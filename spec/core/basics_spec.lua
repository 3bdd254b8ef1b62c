-- basics_spec.lua: values, statuses and order, as in stock Lua

local same = require "helper".same

describe("values", function()
  it("go in as the body's arguments", same(function(co, log)
    log(co.resume(co.create(function(...)
      log(select("#", ...), ...)
    end), 1, nil, "three", false, nil))
  end))

  it("come out of yield's arguments and go in as its results", same(function(co, log)
    local c = co.create(function(a)
      local b, d = co.yield(a, "first")
      local e = co.yield(b, d, nil)
      return e, "last", nil
    end)
    log(co.resume(c, 1))
    log(co.resume(c, 2, 3))
    log(co.resume(c, 4, "ignored"))
    log(co.resume(c))
  end))

  it("can be none", same(function(co, log)
    local c = co.create(function(...)
      log("arguments", select("#", ...))
      log("results", select("#", co.yield()))
    end)
    log(select("#", co.resume(c)))
    log(select("#", co.resume(c)))
    log(co.status(c))
  end))

  for _, n in ipairs {1, 20, 21, 250, 5000} do
    it(("can be %d each way, with holes"):format(n), same(function(co, log)
      local values = {}
      for i = 1, n, 3 do
        values[i] = i
      end
      local c = co.create(function(...)
        log("in", select("#", ...), ...)
        log("again", select("#", co.yield(...)))
        return ...
      end)
      log("out", co.resume(c, table.unpack(values, 1, n)))
      log("end", co.resume(c, table.unpack(values, 1, n)))
    end))
  end

  it("can be fewer or more on the way back", same(function(co, log)
    local c = co.create(function()
      local n = 0
      for i = 0, 40, 5 do
        n = n + select("#", co.yield(table.unpack({}, 1, i)))
      end
      return n
    end)
    for i = 40, 0, -4 do
      log(select("#", co.resume(c, table.unpack({}, 1, i))))
    end
  end))

  it("keep type and identity", same(function(co, log)
    local t, f, u = {}, function() end, io.stdout
    local c = co.create(function(...)
      local values = {...}
      while true do
        values = {co.yield(table.unpack(values))}
      end
    end)
    log(t, f, u, c)
    log(co.resume(c, c, f, t, u, 1, 1.0, -0.0, "1", math.maxinteger, 1 / 0))
    log(co.resume(c, false, true, "", "a\0b", u, c))
  end))

  it("that are too many for the resumed stack are refused", same(function(co, log)
    local c = co.create(function(...)
      return co.yield(), (...)
    end)
    co.resume(c, table.unpack({}, 1, 700000))
    log(co.resume(c, table.unpack({}, 1, 400000)))
    log(co.status(c))
    log(co.resume(c))
  end))

  it("that are too many for the resumer are dropped", same(function(co, log)
    local c = co.create(function()
      co.yield(table.unpack({}, 1, 400000))
      return "still there"
    end)
    local function large(...)
      local ok, message = co.resume(c)
      return ok, message, (...)
    end
    log(large(table.unpack({}, 1, 700000)))
    log(co.status(c))
    log(co.resume(c))
  end))

  it("that are returned and too many for the resumer leave it dead", same(function(co, log)
    local c = co.create(function()
      return table.unpack({}, 1, 400000)
    end)
    local function large(...)
      local ok, message = co.resume(c)
      return ok, message, (...)
    end
    log(large(table.unpack({}, 1, 700000)))
    log(co.status(c))
    log(co.resume(c))
  end))
end)

describe("a generator", function()
  it("yields in order", same(function(co, log)
    local function numbers(n)
      return co.wrap(function()
        for i = 1, n do
          co.yield(i)
        end
      end)
    end
    for i in numbers(10) do
      log(i)
    end
  end))

  it("of 100,000 values", same(function(co, log)
    local yield, sum = co.yield, 0
    for i in co.wrap(function() for i = 1, 100000 do yield(i) end end) do
      sum = sum + i
    end
    log(sum)
  end))

  it("of permutations recurses in Lua", same(function(co, log)
    local function permute(a, n)
      if n == 0 then
        co.yield(a)
      else
        for i = 1, n do
          a[i], a[n] = a[n], a[i]
          permute(a, n - 1)
          a[i], a[n] = a[n], a[i]
        end
      end
    end
    for p in co.wrap(function() permute({1, 2, 3, 4}, 4) end) do
      log(table.concat(p, " "))
    end
  end))

  it("of primes filters through a chain of others", same(function(co, log)
    local function from(n)
      return co.wrap(function()
        for i = n, math.huge do
          co.yield(i)
        end
      end)
    end
    local function filter(p, g)
      return co.wrap(function()
        for n in g do
          if n % p ~= 0 then
            co.yield(n)
          end
        end
      end)
    end
    local g = from(2)
    for _ = 1, 20 do
      local p = g()
      log(p)
      g = filter(p, g)
    end
  end))

  it("yields below 10,000 calls of Lua functions", same(function(co, log)
    local function down(n)
      if n == 0 then
        return co.yield "bottom"
      end
      return (down(n - 1))
    end
    local c = co.create(function() return down(10000) end)
    log(co.resume(c))
    log(co.resume(c, "up"))
  end))
end)

describe("status", function()
  it("is seen in each state by the resumer", same(function(co, log)
    local c = co.create(function() co.yield() end)
    log(co.status(c))
    co.resume(c)
    log(co.status(c))
    co.resume(c)
    log(co.status(c))
    local failing = co.create(error)
    co.resume(failing)
    log(co.status(failing))
  end))

  it("is 'running' from inside and 'normal' for the resumers", same(function(co, log)
    local main = co.running()
    local outer, inner
    inner = co.create(function()
      log(co.status(main), co.status(outer), co.status(inner))
    end)
    outer = co.create(function()
      log(co.status(main), co.status(outer), co.status(inner))
      co.resume(inner)
      log(co.status(main), co.status(outer), co.status(inner))
    end)
    log(co.status(main))
    co.resume(outer)
    log(co.status(main), co.status(outer))
  end))

  it("is seen by a sibling", same(function(co, log)
    local a = co.create(function() co.yield() end)
    local b = co.create(function()
      log(co.status(a))
      co.yield()
      log(co.status(a))
    end)
    co.resume(b)
    co.resume(a)
    co.resume(b)
    co.resume(a)
    log(co.status(a), co.status(b))
  end))

  it("of a coroutine that reset its own function is 'dead' at the end", same(function(co, log)
    local c
    c = co.create(function() c = nil end)
    local keep = c
    log(co.resume(c))
    log(co.status(keep))
  end))
end)

describe("running", function()
  it("tells main from the others", same(function(co, log)
    local main, ismain = co.running()
    log(main, ismain)
    local c
    c = co.create(function()
      local me, itis = co.running()
      log(me == c, itis)
      co.yield(co.running())
      log(co.running())
    end)
    log(co.resume(c))
    log(co.resume(c))
    log(co.running())
  end))
end)

describe("isyieldable", function()
  it("is false in main and true in a coroutine", same(function(co, log)
    log(co.isyieldable())
    co.wrap(function()
      log(co.isyieldable())
      log(pcall(co.isyieldable))
    end)()
    log(co.isyieldable())
  end))

  it("of another thread, in each state", same(function(co, log)
    local main = co.running()
    local c
    c = co.create(function()
      log("inside", co.isyieldable(main), co.isyieldable(c))
      co.wrap(function() log("normal", co.isyieldable(c)) end)()
      co.yield()
      error "e"
    end)
    log("fresh", co.isyieldable(c))
    co.resume(c)
    log("suspended", co.isyieldable(c))
    co.resume(c)
    log("dead", co.isyieldable(c), co.isyieldable(main))
  end))
end)

describe("a switch keeps", function()
  it("local variables and loops", same(function(co, log)
    local c = co.wrap(function(a, b)
      local t = {a, b}
      for i = 1, 3 do
        for k, v in ipairs(t) do
          co.yield(i, k, v)
        end
      end
      return a, b, #t
    end)
    for _ = 1, 7 do
      log(c("x", "y"))
    end
  end))

  it("upvalues shared with others", same(function(co, log)
    local n = 0
    local function counter()
      local own = 0
      return co.wrap(function()
        while true do
          n, own = n + 1, own + 1
          co.yield(n, own, function() n = n + 10 return own end)
        end
      end)
    end
    local a, b = counter(), counter()
    for _ = 1, 3 do
      local _, _, bump = a()
      log(bump())
      log(b())
    end
    log(n)
  end))

  it("open upvalues of a suspended frame", same(function(co, log)
    local get, set
    local c = co.wrap(function()
      local v = 1
      get, set = function() return v end, function(x) v = x end
      co.yield()
      log(v)
      v = v + 1
      co.yield()
    end)
    c()
    set(10)
    log(get())
    c()
    log(get())
  end))

  it("varargs", same(function(co, log)
    local c = co.wrap(function(...)
      while true do
        co.yield(select("#", ...), ...)
      end
    end)
    log(c(1, nil, nil))
    log(c "ignored")
    log(c())
  end))

  it("loops made with goto", same(function(co, log)
    local c = co.wrap(function(n)
      ::again::
      if n > 0 then
        n = n - (co.yield(n) or 1)
        goto again
      end
      return "done"
    end)
    log(c(5))
    log(c())
    log(c(2))
    log(c())
    log(c())
  end))

  it("tail calls", same(function(co, log)
    local function last(...)
      return co.yield(...)
    end
    local c = co.create(function(...)
      return last(...)
    end)
    log(co.resume(c, 1, 2))
    log(co.resume(c, 3, 4))
    log(co.resume(co.create(co.yield), 5))
  end))

  it("to-be-closed variables open until their block ends", same(function(co, log)
    local c = co.wrap(function()
      for i = 1, 2 do
        local _ <close> = setmetatable({}, {__close = function(_, err)
          log("close", i, err)
        end})
        co.yield("in", i)
      end
      co.yield "after"
    end)
    log(c())
    log(c())
    log(c())
  end))
end)

describe("a thread", function()
  it("has type and name in each state", same(function(co, log)
    local c
    c = co.create(function()
      log(type(c), tostring(c), c)
      co.yield()
    end)
    log(type(c), tostring(c), c)
    co.resume(c)
    log(type(c), tostring(c), c)
    co.resume(c)
    log(type(c), tostring(c), c)
  end))

  it("is a key and a value of tables", same(function(co, log)
    local c = co.create(function() co.yield() end)
    local t = {[c] = 1, c = c}
    co.resume(c)
    log(t[c], t.c == c)
    co.resume(c)
    log(t[c], t.c == c, rawequal(c, t.c))
  end))

  it("goes from weak tables when it is dropped, in each state", same(function(co, log)
    local keys = setmetatable({}, {__mode = "k"})
    local values = setmetatable({}, {__mode = "v"})
    local function fill(name, resumes)
      local c = co.create(function() co.yield() end)
      for _ = 1, resumes do
        co.resume(c)
      end
      keys[c], values[name] = name, c
    end
    fill("fresh", 0)
    fill("suspended", 1)
    fill("dead", 2)
    collectgarbage()
    collectgarbage()
    log(next(keys), values.fresh, values.suspended, values.dead)
  end))

  it("stays in weak tables while it is held", same(function(co, log)
    local keys = setmetatable({}, {__mode = "k"})
    local c = co.create(function() co.yield() end)
    co.resume(c)
    keys[c] = "held"
    collectgarbage()
    log(keys[c])
    co.resume(c)
    collectgarbage()
    log(keys[c])
  end))

  it("holds what its frames hold", same(function(co, log)
    local weak = setmetatable({}, {__mode = "v"})
    local c = co.create(function()
      local t = {}
      weak[1] = t
      co.yield()
      return t ~= nil
    end)
    co.resume(c)
    collectgarbage()
    log(weak[1] ~= nil)
    log(co.resume(c))
    collectgarbage()
    log(weak[1])
  end))
end)

describe("two coroutines", function()
  it("resume in turn", same(function(co, log)
    local function player(name)
      return co.create(function(n)
        while true do
          log(name, n)
          n = co.yield(n + 1)
        end
      end)
    end
    local a, b, n = player "a", player "b", 0
    for _ = 1, 5 do
      n = select(2, co.resume(a, n))
      n = select(2, co.resume(b, n))
    end
    log(n)
  end))

  it("share one body", same(function(co, log)
    local function body(x)
      while true do
        x = x + co.yield(x)
      end
    end
    local a, b = co.wrap(body), co.wrap(body)
    log(a(1), b(100))
    log(a(2), b(200))
    log(a(3), b(300))
  end))

  it("hand work over, producer to consumer", same(function(co, log)
    local producer = co.create(function()
      for _, word in ipairs {"one", "two", "three"} do
        co.yield(word)
      end
    end)
    local consumer = co.create(function()
      while true do
        local _, word = co.resume(producer)
        if not word then
          return "dry"
        end
        co.yield(word:upper())
      end
    end)
    for _ = 1, 4 do
      log(co.resume(consumer))
    end
    log(co.status(producer), co.status(consumer))
  end))
end)
