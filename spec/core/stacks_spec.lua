-- stacks_spec.lua: a stack size for each thread, trim, the ways of the guards

local child = require "child"
local helper = require "helper"
local cfiber, stock = helper.cfiber, helper.stock
local config, stats, trim = cfiber.config, cfiber.stats, cfiber.trim

local SEGV = 11
local pending = require "busted.core"().pending  -- skips the test that runs

local MIN, MAX = 64 << 10, string.packsize "T" > 4 and 1 << 30 or 1 << 27

-- Fibers that nobody holds give their stacks back, and the pools are emptied.
local function clear()
  for _ = 1, 3 do
    collectgarbage()
  end
  trim()
end

-- A test without a stack before and without a leak after it, which leaves the
-- limits as it finds them.
local function clean(f)
  return function()
    helper.leakless(helper.withconfig, {}, function()
      clear()
      assert.same({0, 0}, {stats().reserved, stats().pooled})
      f()
      clear()
      assert.equal(0, stats().reserved)
    end)
  end
end

-- Suspends itself below a C function, which keeps the stack.
local function deep()
  return (("x"):gsub("x", cfiber.yield))
end

local function suspended(size)
  local co = cfiber.create(deep, size)
  assert(cfiber.resume(co))
  return co
end

-- Bytes that the only stack of a given size takes.
local function reserved(size)
  clear()
  local co = suspended(size)
  local bytes = stats().reserved
  cfiber.close(co)
  trim()
  return bytes
end

for _, name in ipairs {"create", "wrap"} do
  local make = cfiber[name]

  describe("The second argument of " .. name, function()
    local function refuses(size, message)
      local ok, found = pcall(function() make(print, size) end)
      assert.is_false(ok)
      assert.equal(("bad argument #2 to 'make' (%s)"):format(message), found:match ": (.*)")
    end

    it("is refused out of range, which the message names", clean(function()
      for _, size in ipairs {0, -1, 1 << 40, MAX + 1, -MAX, math.mininteger, math.maxinteger, -0.0, 2.0^53} do
        refuses(size, ("stack size out of range (1 to %d)"):format(MAX))
      end
    end))

    it("is refused where it is no integer", clean(function()
      for _, size in ipairs {1.5, 0 / 0, 1 / 0, -1 / 0} do
        refuses(size, "number has no integer representation")
      end
    end))

    it("is refused where it is no number", clean(function()
      for _, size in ipairs {"x", "", true, {}, print, cfiber.create(print)} do
        refuses(size, "number expected, got " .. type(size))
      end
    end))

    it("is looked at after the first", clean(function()
      local ok, message = pcall(function() make(1, -1) end)
      assert.is_false(ok)
      assert.match("bad argument #1 to 'make' (function expected", message, 1, true)
    end))

    it("may be any number from 1 to the maximum, a string of digits, or nil", clean(function()
      for _, size in ipairs {1, 4095, 4096, MIN, MIN + 1, 1e6, "65536", MAX - 1, MAX} do
        make(print, size)
      end
      make(print, nil)
    end))

  end)
end

describe("The size of a thread's stack", function()
  it("is rounded up to the minimum", clean(function()
    for _, size in ipairs {1, 4095, MIN - 1, "65536"} do
      assert.equal(reserved(MIN), reserved(size))
    end
  end))

  it("is rounded up to whole pages", clean(function()
    local page = reserved(MIN + 1) - reserved(MIN)
    assert.is_true(page >= 4096 and page % 4096 == 0)
    assert.equal(reserved(MIN + page), reserved(MIN + 1))
    assert.equal(reserved(MIN + page), reserved(MIN + page - 1))
    assert.equal(reserved(MIN + page) + page, reserved(MIN + page + 1))
  end))

  it("is what its stack takes, beside the guard", clean(function()
    for _, size in ipairs {MIN, 1 << 20, 10 << 20, MAX} do
      local more = reserved(size) - size
      assert.is_true(more > 0 and more <= 192 << 10)
    end
  end))

  it("that is nil is the usual one", clean(function()
    assert.equal(reserved(config().stack_size), reserved(nil))
  end))

  it("is less than the usual one where it is small", clean(function()
    assert.is_true(reserved(MIN) < reserved())
  end))

  -- The bytes of stacks in use whenever the thread of that size runs.
  local function sizes(size)
    local seen = {}
    local function see()
      seen[#seen + 1] = stats().reserved
    end
    local co = cfiber.create(function()
      local _ <close> = setmetatable({}, {__close = see})
      see()
      deep()
      see()
      for _ = 1, 5 do
        cfiber.yield()
        see()
      end
    end, size)
    for _ = 1, 5 do
      cfiber.resume(co)
    end
    cfiber.close(co)
    return seen
  end

  for mode, limit in pairs {compact = 0, native = 1024} do
    it("holds for every resume of the thread, and for its close, with yields that are " .. mode, clean(function()
      config {pool_limit = 0, native_limit = limit}
      local large, usual = reserved(3 << 20), reserved()
      local seen = sizes(3 << 20)
      assert.equal(6, #seen)
      for _, bytes in ipairs(seen) do
        assert.equal(large, bytes)
      end
      for _, bytes in ipairs(sizes()) do
        assert.equal(usual, bytes)
      end
    end))
  end

  it("holds for the function that wrap returns", clean(function()
    local large = reserved(3 << 20)
    local f = cfiber.wrap(function()
      while true do
        cfiber.yield(stats().reserved)
      end
    end, 3 << 20)
    for _ = 1, 3 do
      assert.equal(large, f())
    end
  end))

  it("holds for no thread that it makes or resumes", clean(function()
    local large, usual = reserved(3 << 20), reserved()
    local outer, inner = cfiber.wrap(function()
      local before = stats().reserved
      return before, cfiber.wrap(function() return stats().reserved end)() - before
    end, 3 << 20)()
    assert.same({large, usual}, {outer, inner})
  end))

  it("holds in a stock coroutine that becomes a fiber, and not for a coroutine of the stock library", clean(function()
    local usual = reserved()
    local co = stock.create(function() return stats().reserved end)
    assert.same({true, usual}, {cfiber.resume(co)})
  end))

  it("is ignored under install, as by stock Lua", clean(function()
    local coroutine = cfiber.install {}
    local usual = reserved()
    for _, size in ipairs {"x", -1, 3 << 20, {}} do
      assert.equal("thread", type(stock.create(print, size)))
      assert.same({true, usual}, {coroutine.resume(coroutine.create(function() return stats().reserved end, size))})
      assert.equal(usual, coroutine.wrap(function() return stats().reserved end, size)())
      trim()
    end
  end))

  it("goes with the thread, and its pool too", clean(function()
    do
      local a, b = suspended(MIN), suspended(2 << 20)
      assert.equal("suspended", cfiber.status(a), cfiber.status(b))
      a, b = nil, nil  -- luacheck: ignore
    end
    for _ = 1, 3 do
      collectgarbage()
    end
    assert.same({0, 0}, {stats().reserved, stats().pooled})
  end))

  it("stays for the next thread of that size as long as another one has it", clean(function()
    local keeper = cfiber.create(print, 2 << 20)
    cfiber.close(suspended(2 << 20))
    assert.equal(1, stats().pooled)
    local made = stats().stacks_made
    cfiber.close(suspended(2 << 20))
    assert.equal(made, stats().stacks_made)
    assert.equal("suspended", cfiber.status(keeper))
  end))

  it("does not outlive a thread that never ran", clean(function()
    for i = 1, 200 do
      cfiber.create(print, MIN + i * 8192)
    end
    assert.equal(0, stats().reserved)
  end))

  it("may be another one for each of 1,000 threads", clean(function()
    local count = helper.mode == "collector" and 100 or 1000
    local all = {}
    for i = 1, count do
      all[i] = suspended(MIN + i * 4096)
    end
    assert.equal(count, stats().mounted)
    for i = 1, count do
      assert.same({true, "y"}, {cfiber.resume(all[i], "y")})
    end
    assert.equal(count, stats().pooled)
    assert.is_true(trim() > count * MIN)
  end))

  it("is told from that of a thread at the same address before", clean(function()
    local usual = reserved()
    for _ = 1, 50 do
      cfiber.create(print, 2 << 20)
      collectgarbage()
      assert.equal(usual, cfiber.wrap(function() return stats().reserved end)())
      trim()
    end
  end))
  it("is given or is not, whichever allocation of create fails", function()
    assert.equal("true\n", child.output [[
      local starve = require "starve"
      local function see()
        return cfiber.stats().reserved
      end
      local fails
      local wait = 0
      repeat
        collectgarbage()
        starve(wait, 2)
        local ok, co = pcall(cfiber.create, see, 2 << 20)
        fails = select(2, starve(0, 0))
        assert(ok or co == "not enough memory", co)
        if ok then
          local _, reserved = assert(cfiber.resume(co))
          assert(reserved > 2 << 20, reserved)
        end
        co = nil
        for _ = 1, 3 do
          collectgarbage()
        end
        cfiber.trim()
        assert(cfiber.stats().reserved == 0)
        wait = wait + 1
      until fails > 0
      print(wait > 2)
    ]])
  end)
end)

describe("C code", function()
  local function dig(size, bytes)
    return child.run(([[
      local overrun = require "overrun"
      print(cfiber.resume(cfiber.create(overrun.reach, %s), %d))
    ]]):format(size, bytes))
  end

  local usual = config().stack_size
  local good = {output = "true\ttrue\n", errors = "", status = 0}

  it("goes deeper on a large stack than on the usual one", function()
    assert.same(good, dig("nil", usual - (64 << 10)))
    assert.same(good, dig(2 * usual, 2 * usual - (64 << 10)))
    local r = dig("nil", usual + (8 << 10))
    assert.equal(SEGV, r.signal)
    assert.match("its stack has " .. (usual >> 10) .. " KB", r.errors, 1, true)
  end)

  it("goes less deep on a small one", function()
    assert.same(good, dig(MIN, 48 << 10))
    local r = dig(MIN, 72 << 10)
    assert.equal(SEGV, r.signal)
    assert.match("its stack has 64 KB", r.errors, 1, true)
  end)

  it("nested 150 times by gsub needs more than a small one", function()
    local script = [[
      local function nest(n)
        return n == 0 and "" or (("x"):gsub("x", function() return nest(n - 1) end))
      end
      print(cfiber.resume(cfiber.create(nest, ...), 150))
    ]]
    assert.same({output = "true\t\n", errors = "", status = 0}, child.run(script))
    local r = child.run(script, MIN)
    assert.same({SEGV, ""}, {r.signal, r.output})
  end)
end)

describe("stack_size set while fibers are suspended", function()
  it("leaves them the stacks that they have, which go when they end", clean(function()
    local usual = reserved()
    local old = {}
    for i = 1, 20 do
      old[i] = suspended()
    end
    local before = stats().reserved
    config {stack_size = 2 << 20}
    assert.equal(before, stats().reserved)
    local new = suspended()
    assert.is_true(stats().reserved > before + (2 << 20))
    for i = 1, 20 do
      assert.same({true, "y"}, {cfiber.resume(old[i], "y")})
    end
    assert.equal(0, stats().pooled)
    cfiber.close(new)
    assert.equal(1, stats().pooled)
    trim()
    config {stack_size = config().stack_size}
    assert.is_true(reserved() > usual)
  end))

  it("leaves threads their own size", clean(function()
    local large = reserved(3 << 20)
    local co = cfiber.create(function() return stats().reserved end, 3 << 20)
    config {stack_size = 1 << 20}
    assert.same({true, large}, {cfiber.resume(co)})
  end))

  it("is taken back by setting the former one, whose stacks are found again", clean(function()
    local before = config().stack_size
    local old = suspended()
    config {stack_size = 2 << 20}
    config {stack_size = before}
    cfiber.close(old)
    assert.equal(1, stats().pooled)
  end))

  it("may be set again and again", clean(function()
    local all = {}
    for i = 1, 50 do
      config {stack_size = MIN + i * MIN}  -- whole pages, of 64 KB too
      all[i] = suspended()
    end
    for i = 1, 50 do
      assert.same({true, "y"}, {cfiber.resume(all[i], "y")})
    end
    assert.equal(1, stats().pooled)
  end))
end)

describe("trim", function()
  it("gives back the cached stacks and returns their bytes", clean(function()
    local all = {}
    for i = 1, 30 do
      all[i] = suspended()
    end
    for i = 1, 30 do
      cfiber.close(all[i])
    end
    assert.equal(30, stats().pooled)
    local bytes = trim()
    assert.is_true(bytes >= 30 * config().stack_size and bytes <= 30 * (config().stack_size + (64 << 10)))
    assert.same({0, 0}, {stats().pooled, stats().reserved})
  end))

  it("returns 0 where there are none, and after itself", clean(function()
    assert.equal(0, trim())
    cfiber.close(suspended())
    assert.is_true(trim() > 0)
    assert.equal(0, trim())
    assert.equal("integer", math.type(trim()))
  end))

  it("takes stacks of all sizes", clean(function()
    local all = {}
    for i = 1, 10 do
      all[i] = suspended(i << 20)
    end
    for i = 1, 10 do
      cfiber.resume(all[i])
    end
    assert.equal(10, stats().pooled)
    assert.is_true(trim() >= 55 << 20)
    assert.same({0, 0}, {stats().pooled, stats().reserved})
  end))

  it("inside a fiber leaves it its stack", clean(function()
    local result = cfiber.wrap(function()
      cfiber.close(suspended())
      local bytes = trim()
      return bytes > 0 and stats().mounted == 1 and deep
    end)()
    assert.equal(deep, result)
  end))

  it("leaves suspended fibers as they are", clean(function()
    local all = {}
    for i = 1, 60 do
      all[i] = suspended()
    end
    for i = 1, 60, 2 do
      cfiber.close(all[i])
    end
    trim()
    assert.same({30, 0}, {stats().mounted, stats().pooled})
    for i = 2, 60, 2 do
      assert.same({true, "y"}, {cfiber.resume(all[i], "y")})
    end
  end))

  it("takes no arguments into account", clean(function()
    assert.equal(0, trim("x", {}))
  end))
end)

describe("config{guard}", function()
  it("takes two words", clean(function()
    for _, word in ipairs {"mprotect", "advice"} do
      assert.equal(word, config {guard = word}.guard)
      assert.equal(word, config().guard)
      assert.equal(word, stats().guard)
      assert.equal(word, cfiber.wrap(function() return config().guard end)())
    end
  end))

  it("refuses other words", clean(function()
    local before = config()
    for _, word in ipairs {"", "x", "ADVICE", "advice ", "none"} do
      local ok, message = pcall(function() config {guard = word, max_depth = 5} end)
      assert.is_false(ok)
      assert.equal(("bad argument #1 to 'config' (guard: 'advice' or 'mprotect' expected, got '%s')"):format(word),
        message:match ": (.*)")
    end
    assert.same(before, config())
  end))

  it("refuses other types", clean(function()
    for _, bad in ipairs {1, true, {}, print} do
      local ok, message = pcall(function() config {guard = bad} end)
      assert.is_false(ok)
      assert.equal(("bad argument #1 to 'config' (guard: string expected, got %s)"):format(type(bad)),
        message:match ": (.*)")
    end
  end))

  it("changed between stacks of one slab leaves all of them good", clean(function()
    local all = {}
    for i = 1, 40 do
      config {guard = i % 2 == 0 and "advice" or "mprotect"}
      all[i] = suspended()
    end
    for i = 1, 40 do
      assert.same({true, "y"}, {cfiber.resume(all[i], "y")})
    end
  end))
end)

describe("The environment variable CFIBER_GUARD", function()
  local function found(word)
    return child.after("export CFIBER_GUARD=" .. word, [[
      local cfiber = require "cfiber"
      print(cfiber.config().guard, cfiber.stats().guard)
    ]])
  end

  for _, word in ipairs {"advice", "mprotect"} do
    it("sets the way of the guards to " .. word, function()
      assert.same({output = word .. "\t" .. word .. "\n", errors = "", status = 0}, found(word))
    end)
  end

  for _, word in ipairs {"", "none", "Advice"} do
    it(("with the word '%s' is an error that names it"):format(word), function()
      local r = found("'" .. word .. "'")
      assert.equal(1, r.status)
      assert.match(("environment variable CFIBER_GUARD is '%s' ('advice' or 'mprotect' expected)"):format(word),
        r.errors, 1, true)
    end)
  end

  it("with a wrong word leaves a module that can be loaded once it is right", function()
    local r = child.after("export CFIBER_GUARD=none", [[
      for _ = 1, 3 do
        print(pcall(require, "cfiber"))
      end
      local universe = require "boundary".universe
      print(universe(("package.cpath = %q require 'cfiber'"):format(package.cpath)))
    ]])
    assert.equal(0, r.status)
    local _, times = r.output:gsub("CFIBER_GUARD is 'none'", "")
    assert.equal(4, times)
  end)
end)

describe("A guard", function()
  local overflow = [[
    local n = math.tointeger(tonumber(...))
    cfiber.config {guard = %q}
    local overrun = require "overrun"
    local all = {}
    for i = 1, 20 do
      all[i] = cfiber.create(function()
        ("x"):gsub("x", cfiber.yield)
        overrun.overflow(n * 208)
      end, 128 << 10)
      cfiber.resume(all[i])
    end
    print(cfiber.stats().guard)
    cfiber.resume(all[n %% 20 + 1])
  ]]

  for _, way in ipairs {"advice", "mprotect"} do
    it("made by " .. way .. " stops C code at each of 20 alignments", function()
      for i = 0, 38, 2 do
        local r = child.run(overflow:format(way), i)
        if way == "advice" and r.output == "mprotect\n" then
          pending "this kernel has no advice for guards (Linux 6.13)"
        end
        assert.equal(way .. "\n", r.output)
        assert.equal(SEGV, r.signal)
        assert.match("^cfiber: C stack overflow in fiber 0x%x+ at SCRIPT:8: its stack has 128 KB.-\n$", r.errors)
      end
    end)
  end

  it("is still there when its stack is used again", function()
    for _, way in ipairs {"advice", "mprotect"} do
      local r = child.run(([[
        cfiber.config {guard = %q, pool_limit = 0}
        local all = {}
        local function use(f)
          for i = 1, 20 do
            all[i] = cfiber.create(function() ("x"):gsub("x", cfiber.yield) f() end)
            cfiber.resume(all[i])
          end
          for i = 1, 20 do
            cfiber.resume(all[i])
          end
        end
        use(math.random)
        use(require "overrun".overflow)
      ]]):format(way))
      assert.equal(SEGV, r.signal)
      assert.match("^cfiber: C stack overflow in fiber", r.errors)
    end
  end)
end)
