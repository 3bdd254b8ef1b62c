-- coroutines.lua: jobs on what Lua's coroutine library has

local boundary = require "boundary"
local cfiber = require "cfiber"
local passed = require "soak.tasks".passed
local stock = require "soak.stock"
local tells = require "soak.tells"

local random = math.random
local create, resume, yield, wrap = cfiber.create, cfiber.resume, cfiber.yield, cfiber.wrap
local jobs, job = require "soak.joblist"()

local wraps = {wrap, stock.wrap}

job("generators inside each other", function(pause, closer)
  local n, library = random(5, 40), wraps[random(2)]
  local numbers = library(function()
    local _ <close> = closer()
    for i = 1, n do
      if i % 7 == 0 then
        pause()
      end
      yield(i)
    end
  end)
  local sum = 0
  for x in wrap(function() for x in numbers do yield(2 * x) end end) do
    sum = sum + x
  end
  assert(sum == n * (n + 1), sum)
end)

job("gsub that yields and pauses", function(pause)
  local text = ("word "):rep(random(3, 12))
  local words = wrap(function()
    local result = string.gsub(text, "%a+", function(word)
      pause()
      return yield(word)
    end)
    return nil, result
  end)
  local word, result = words()
  while word do
    assert(word == "word")
    word, result = words "w"
  end
  assert(result == (text:gsub("word", "w")), result)
end)

local function below(depth, f)
  if depth == 0 then
    return f()
  end
  local r
  string.gsub("x", "x", function() r = below(depth - 1, f) end)
  return r
end

job("callbacks in callbacks", function(pause)
  local depth = random(20)
  local co = wrap(function() return below(depth, function() pause() return yield(depth) + 1 end) end, 512 << 10)
  assert(co() == depth)
  pause()
  assert(co(5) == 6)
end)

job("sort with a comparator that pauses", function(pause)
  local list = {}
  for i = 1, random(5, 30) do
    list[i] = random(1000)
  end
  table.sort(list, function(a, b)
    if random(10) == 1 then
      pause()
    end
    return a < b
  end)
  for i = 2, #list do
    assert(list[i - 1] <= list[i])
  end
end)

job("load with a reader that pauses", function(pause)
  local sum = 0
  local pieces = wrap(function()
    yield "return 0"
    for i = 1, random(10) do
      pause()
      sum = sum + i
      yield("+" .. i)
    end
  end)
  local f, err = passed(load(pieces))
  assert(f, err)
  assert(f() == sum)
end, {whole = true})

job("metamethods that yield", function(pause)
  local function reach(...)
    pause()
    return yield(...)
  end
  local t = setmetatable({}, {
    __index = function(_, key) return reach(key) end, __call = function(_, x) return reach(x) end,
    __concat = function(_, x) return reach(x) end, __lt = function() return reach(true) end,
    __len = function() return reach(3) end, __tostring = function() return reach "s" end,
  })
  local co = create(function() return t.x, t(1), t .. "c", t < t, #t, tostring(t) end)
  local n, ok, value = 0, passed(resume(co))
  while cfiber.status(co) == "suspended" do
    n = n + 1
    ok, value = passed(resume(co, value))
  end
  assert(ok and value == "x" and n == 6, value)
end)

job("permutations", function(pause)
  local function permute(list, n)
    if n == 0 then
      yield(table.concat(list))
    end
    for i = 1, n do
      list[i], list[n] = list[n], list[i]
      permute(list, n - 1)
      list[i], list[n] = list[n], list[i]
    end
  end
  local seen, n = {}, 0
  for p in wrap(function() permute({1, 2, 3, 4}, 4) end) do
    assert(not seen[p])
    seen[p], n = true, n + 1
    if n % 8 == 0 then
      pause()
    end
  end
  assert(n == 24)
end)

job("a sieve of filters", function(pause)
  local function filter(p, source)
    return wraps[random(2)](function()
      for x in source do
        if x % p ~= 0 then
          yield(x)
        end
      end
    end)
  end
  local source, primes = wrap(function() for i = 2, 60 do yield(i) end end), {}
  for p in function() return source() end do
    primes[#primes + 1] = p
    source = filter(p, source)
    pause()
  end
  assert(table.concat(primes, " ") == "2 3 5 7 11 13 17 19 23 29 31 37 41 43 47 53 59")
end)

job("resumes in resumes", function(pause)
  local function nest(n)
    if n == 0 then
      pause()
      return 0
    end
    local _, depth = passed(resume(create(nest), n - 1))
    return depth + 1
  end
  local n = random(100)
  assert(nest(n) == n)
end)

job("errors of all types, with and without handlers", function(pause)
  for _, value in ipairs {"text", 7, {}, false} do
    local co = create(function()
      pause()
      local ok, err = passed(pcall(function() string.gsub("x", "x", function() error(value, 0) end) end))
      assert(not ok and err == value)
      yield()
      error(value, 0)
    end)
    assert(passed(resume(co)))
    local ok, err = passed(resume(co))
    assert(not ok and err == value and cfiber.status(co) == "dead")
    assert(debug.traceback(co):find "%[C%]: in %l+ 'error'")
    ok, err = cfiber.close(co)
    assert(ok == not tells and (ok or err == value))
  end
end)

job("message handlers that yield", function()
  local co = wrap(function()
    return xpcall(error, function(m) return yield(m) .. "!" end, "handled")
  end)
  assert(co() == "handled")
  local ok, err = co "m"
  assert(not ok and err == "m!")
end, {uncaught = true})

job("closings, their order and their errors", function(pause)
  local log = {}
  local function closable(name, err)
    return setmetatable({}, {__close = function(_, e)
      log[#log + 1] = name .. tostring(e)
      if err then
        error(err, 0)
      end
    end})
  end
  local co = create(function()
    local _ <close> = closable "a"
    local _ <close> = closable("b", "B")
    local _ <close> = closable "c"
    pause()
    string.gsub("x", "x", yield)
    error("E", 0)
  end)
  assert(passed(resume(co)))
  local ok, err
  if random(2) == 1 then
    ok, err = cfiber.close(co)
    assert(table.concat(log, " ") == "cnil bnil aB", table.concat(log, " "))
  else
    ok, err = passed(resume(co))
    assert(not ok and err == "E" and #log == 0)
    ok, err = cfiber.close(co)
    assert(table.concat(log, " ") == "cE bE aB", table.concat(log, " "))
  end
  assert(not ok and err == "B", err)
end, {failing = "B", uncaught = true})  -- a slice may stop it in a handler

job("stock functions and cfiber's in turn", function(pause)
  local co = (random(2) == 1 and stock or cfiber).create(function()
    for i = 1, 10 do
      (random(2) == 1 and stock.yield or yield)(i)
    end
  end)
  for i = 1, 10 do
    local library = stock.status(co) == "suspended" and random(2) == 1 and stock or cfiber
    local ok, n = passed(library.resume(co))
    assert(ok and n == i, n)
    pause()
  end
  assert(passed(resume(co)) and cfiber.status(co) == "dead")
end)

-- Resumes each, in an order of chance; some are dropped.
local function mingle(threads, each)
  while #threads > 0 do
    local i = random(#threads)
    local co = threads[i]
    threads[i] = threads[#threads]
    threads[#threads] = nil
    each(co)
  end
end

job("hundreds suspended at once", function(pause)
  local threads, sum, expected = {}, 0, 0
  for i = 1, random(400) do
    threads[i] = create(function(x) string.gsub("x", "x", yield) sum = sum + x end)
    assert(resume(threads[i], i))
    expected = expected + i
  end
  pause()
  mingle(threads, function(co) assert(passed(resume(co))) end)
  assert(sum == expected)
end)

job("hundreds suspended and dropped", function(pause)
  local threads = {}
  for i = 1, random(400) do
    threads[i] = create(function() for _ = 1, 3 do string.gsub("x", "x", yield) yield() end end)
  end
  local n = 0
  mingle(threads, function(co)
    n = n + 1
    if n % 100 == 0 then
      pause()
    end
    for _ = 1, random(0, 5) do
      assert(passed(resume(co)))
    end
  end)
end)

local default = cfiber.config().stack_size

-- Without collections: Lua loses the call of a finalizer that has no C stack.
job("recursion until the C stack overflows", function()
  local function dig() string.gsub("x", "x", dig) end
  collectgarbage "stop"
  local ok, err = resume(create(dig, default))
  collectgarbage "restart"
  assert(not ok and tostring(err):find "C stack overflow", err)
end, {whole = true, uncaught = true, unsliced = true})

job("C functions that call Lua", function(pause)
  local n = random(30)
  local sum, changed = boundary.loop(function(i)
    if i % 5 == 0 then
      pause()
    end
    return i
  end, n)
  assert(sum == n * (n + 1) // 2 and changed == 0)
  assert(boundary.nest(function() pause() return 0 end, 5) == 6)
  assert(#boundary.buffer(function() pause() return "x" end, 3, 2000) == 6003)
end)

job("install into a table and into the global one", function(pause)
  local t = {}
  cfiber.install(t)
  local co = t.wrap(function() string.gsub("ab", "%a", t.yield) end)
  assert(co() == "a")
  cfiber.install()
  assert(coroutine.wrap(string.gsub)("a", "a", coroutine.yield) == "a")
  cfiber.uninstall()
  pause()
  assert(co() == "b")
  cfiber.uninstall(t)
  assert(t.wrap == nil)
end, {whole = true, uncaught = true, unsliced = true})

return jobs
