-- nesting_spec.lua: coroutines that resume coroutines

local same = require "helper".same

local function nested(co, n, body)
  local c = co.create(body)
  for i = 1, n do
    local inner = c
    c = co.create(function(...)
      local r = table.pack(co.resume(inner, ...))
      while co.status(inner) ~= "dead" do
        r = table.pack(co.resume(inner, co.yield(i, table.unpack(r, 1, r.n))))
      end
      return i, table.unpack(r, 1, r.n)
    end)
  end
  return c
end

describe("nesting", function()
  for _, depth in ipairs {1, 10, 100} do
    it(("%d deep passes values both ways"):format(depth), same(function(co, log)
      local c = nested(co, depth, function(a)
        local b = co.yield(a)
        return co.yield(b)
      end)
      log(co.resume(c, "in"))
      log(co.resume(c, "again"))
      log(co.resume(c, "last"))
      log(co.resume(c, "dead"))
    end))

    it(("%d deep passes an error to each resumer as a value"):format(depth), same(function(co, log)
      local c = nested(co, depth, function()
        co.yield "before"
        error "deepest"
      end)
      log(co.resume(c))
      log(co.resume(c))
      log(co.status(c))
    end))
  end

  it("of wraps passes an error up, with a position for each", same(function(co, log)
    local function nest(n)
      if n == 0 then
        error "deepest"
      end
      co.wrap(nest)(n - 1)
    end
    log(pcall(nest, 5))
    log(pcall(co.wrap(nest), 5))
    log(co.resume(co.create(nest), 3))
  end))

  it("of wraps passes a table up as it is", same(function(co, log)
    local e = {}
    local function nest(n)
      if n == 0 then
        error(e)
      end
      co.wrap(nest)(n - 1)
    end
    log(e, pcall(nest, 5))
  end))

  it("made from inside, each level yielding once", same(function(co, log)
    local function level(n)
      return co.wrap(function()
        co.yield("enter " .. n)
        if n > 0 then
          for s in level(n - 1) do
            co.yield(n .. ":" .. s)
          end
        end
        co.yield("leave " .. n)
      end)
    end
    for s in level(6) do
      log(s)
    end
  end))

  it("walks a tree with a generator at every node", same(function(co, log)
    local function tree(lo, hi)
      if lo <= hi then
        local mid = (lo + hi) // 2
        return {tree(lo, mid - 1) or false, mid, tree(mid + 1, hi) or false}
      end
    end
    local function walk(node)
      return co.wrap(function()
        if node then
          for v in walk(node[1]) do co.yield(v) end
          co.yield(node[2])
          for v in walk(node[3]) do co.yield(v) end
        end
      end)
    end
    for v in walk(tree(1, 31)) do
      log(v)
    end
  end))
end)

describe("the outer one", function()
  it("ends while the inner is suspended; another goes on with it", same(function(co, log)
    local inner
    local outer = co.create(function()
      inner = co.create(function()
        log(co.yield "inner 1")
        log(co.yield "inner 2")
        return "inner end"
      end)
      log(co.resume(inner))
      return "outer end"
    end)
    log(co.resume(outer))
    log(co.status(outer), co.status(inner))
    log(co.resume(inner, "from main"))
    co.wrap(function()
      log(co.resume(inner, "from another"))
    end)()
    log(co.status(inner))
  end))

  it("dies by an error while the inner is suspended", same(function(co, log)
    local inner = co.create(function() co.yield() return "inner end" end)
    local outer = co.create(function()
      co.resume(inner)
      error "outer"
    end)
    log(co.resume(outer))
    log(co.status(inner))
    log(co.resume(inner))
  end))

  it("yields with the inner suspended and comes back to it", same(function(co, log)
    local outer = co.wrap(function()
      local inner = co.wrap(function()
        for i = 1, 3 do
          co.yield("inner", i)
        end
      end)
      for _ = 1, 3 do
        co.yield("outer")
        co.yield(inner())
      end
    end)
    for _ = 1, 6 do
      log(outer())
    end
  end))
end)

describe("a chain", function()
  it("whose middle dies goes on without it", same(function(co, log)
    local last = co.create(function()
      co.yield "last 1"
      return "last 2"
    end)
    local middle = co.create(function()
      log(co.resume(last))
      error "middle"
    end)
    local first = co.create(function()
      log(co.resume(middle))
      co.yield "first"
      log(co.resume(middle))
      log(co.resume(last))
      return "first end"
    end)
    log(co.resume(first))
    log(co.resume(first))
    log(co.status(first), co.status(middle), co.status(last))
  end))

  it("whose middle is replaced", same(function(co, log)
    local tail = co.create(function()
      for i = 1, 4 do
        co.yield(i)
      end
    end)
    local function middle(name)
      return co.create(function()
        for _ = 1, 2 do
          co.yield(name, co.resume(tail))
        end
      end)
    end
    local a, b = middle "a", middle "b"
    for _ = 1, 3 do
      log(co.resume(a))
      log(co.resume(b))
    end
  end))

  it("hands one thread down and up", same(function(co, log)
    local passed = co.create(function(...)
      while true do
        log("passed", ...)
        co.yield(...)
      end
    end)
    local function hop(n, c)
      log(n, co.resume(c, n))
      if n > 0 then
        co.wrap(hop)(n - 1, c)
        log(n, co.resume(c, -n))
      end
    end
    hop(4, passed)
  end))
end)

describe("two", function()
  it("resume each other's children", same(function(co, log)
    local function child(name)
      return co.create(function()
        for i = 1, 3 do
          co.yield(name .. i)
        end
        return name .. " end"
      end)
    end
    local x, y
    local a = co.wrap(function()
      x = child "x"
      co.yield(co.resume(x))
      while true do
        co.yield(co.resume(y))
      end
    end)
    local b = co.wrap(function()
      y = child "y"
      co.yield(co.resume(y))
      while true do
        co.yield(co.resume(x))
      end
    end)
    for _ = 1, 5 do
      log(a())
      log(b())
    end
  end))

  it("cannot resume each other at once", same(function(co, log)
    local a, b
    a = co.create(function()
      log("a", co.resume(b))
      return "a end"
    end)
    b = co.create(function()
      log("b resumes a", co.resume(a))
      log("b closes a", pcall(co.close, a))
      log("b resumes b", co.resume(b))
      return "b end"
    end)
    log(co.resume(a))
    log(co.status(a), co.status(b))
  end))

  it("exchange roles of resumer and resumed", same(function(co, log)
    local a, b
    a = co.create(function(by)
      log("a by", by)
      if by == "main" then
        log(co.resume(b, "a"))
      end
      co.yield "a yields"
      return "a end"
    end)
    b = co.create(function(by)
      log("b by", by)
      by = co.yield "b yields"
      log("b by", by)
      log(co.resume(a, "b"))
      return "b end"
    end)
    log(co.resume(a, "main"))
    log(co.resume(b, "main"))
  end))
end)

describe("wrap iterators inside coroutines", function()
  it("merge sorted sequences", same(function(co, log)
    local function sequence(...)
      local values = table.pack(...)
      return co.wrap(function()
        for i = 1, values.n do
          co.yield(values[i])
        end
      end)
    end
    local function merge(f, g)
      return co.wrap(function()
        local a, b = f(), g()
        while a or b do
          if not b or a and a <= b then
            co.yield(a)
            a = f()
          else
            co.yield(b)
            b = g()
          end
        end
      end)
    end
    local m = merge(merge(sequence(1, 4, 9), sequence(2, 3)), merge(sequence(5), sequence(0, 7, 8)))
    for v in m do
      log(v)
    end
  end))

  it("are abandoned by break and by error", same(function(co, log)
    local function endless(name)
      return co.wrap(function()
        local i = 0
        while true do
          i = i + 1
          co.yield(name, i)
        end
      end)
    end
    local c = co.wrap(function()
      for name, i in endless "a" do
        if i > 2 then
          break
        end
        co.yield(name, i)
      end
      log(pcall(function()
        for _, i in endless "b" do
          if i > 1 then
            error "enough"
          end
          co.yield(i)
        end
      end))
      return "end"
    end)
    local v
    repeat
      v = c()
      log(v)
    until v == "end"
  end))
end)

describe("a yield belongs to the coroutine it is called in", function()
  it("whatever was resumed in between", same(function(co, log)
    local outer = co.wrap(function()
      local inner = co.wrap(function()
        co.yield "inner's"
        co.yield "inner's second"
      end)
      log("outer got", inner())
      co.yield "outer's"
      log("outer got", inner())
      co.yield "outer's second"
    end)
    log("main got", outer())
    log("main got", outer())
  end))

  it("also when the function was made elsewhere", same(function(co, log)
    local function give(v)
      return co.yield(v)
    end
    local lend = co.wrap(function()
      co.yield(function(v) return give(v .. " lent") end)
    end)()
    local a = co.wrap(function() lend "a" lend "a again" end)
    local b = co.wrap(function() lend "b" end)
    log(a(), b(), a())
  end))
end)

it("a coroutine made in one and first resumed in another", same(function(co, log)
  local made = co.wrap(function()
    return co.create(function(...)
      log("runs", ...)
      co.yield "first"
      return "second"
    end)
  end)()
  co.wrap(function() log(co.resume(made, 1)) end)()
  co.wrap(function() log(co.resume(made)) end)()
  log(co.resume(made))
end))

it("a scheduler of twenty, of which some make more and some fail", same(function(co, log)
  local queue = {}
  local function spawn(name, f, ...)
    queue[#queue + 1] = {name = name, c = co.create(f), args = table.pack(...)}
  end
  local function worker(n, kids)
    for i = 1, n % 4 do
      co.yield(i)
    end
    if n % 5 == 0 then
      error({n = n})
    end
    for k = 1, kids do
      spawn(n .. "." .. k, worker, n + k, 0)
    end
    return "done", n
  end
  for n = 1, 20 do
    spawn(tostring(n), worker, n, n % 3)
  end
  while #queue > 0 do
    local task = table.remove(queue, 1)
    local ok, a, b = co.resume(task.c, table.unpack(task.args, 1, task.args.n))
    log(task.name, ok, type(a) == "table" and a.n or a, b, co.status(task.c))
    if co.status(task.c) == "suspended" then
      task.args = {n = 0}
      queue[#queue + 1] = task
    end
  end
end))
