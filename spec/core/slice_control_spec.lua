-- slice_control_spec.lua: slices together with throw, suspend, transfer, exit

local helper = require "helper"
local cfiber = helper.cfiber

-- Locals throughout: a global goes through functions of busted.
local coroutine, string, pcall = coroutine, string, pcall
local create, resume, slice, wrap = cfiber.create, cfiber.resume, cfiber.slice, cfiber.wrap

local function loop()
  while true do end
end

-- A fiber that its budget stopped inside another one, below a C function.
local function stopped(body)
  local co = create(function()
    return string.gsub("a", "a", wrap(body))
  end)
  for _ = 1, 3 do
    assert.same({true, "budget"}, {slice(co, 100)})
  end
  return co
end

-- Slices co until it does something else than to spend its budget.
local function finish(co, n)
  local r
  repeat
    r = {slice(co, n)}
  until r[2] ~= "budget"
  return r
end

-- A test that nothing stays mounted.
local function case(name, body)
  it(name, function()
    helper.leakless(body)
  end)
end

describe("A fiber that its budget stopped", function()
  case("raises what is thrown where it stands", function()
    local co = create(function()
      return pcall(loop)
    end)
    assert.same({true, "budget"}, {slice(co, 100)})
    assert.same({true, false, "thrown"}, {cfiber.throw(co, "thrown")})
  end)

  case("raises what is thrown in the innermost fiber inside", function()
    local caught
    local co = stopped(function()
      caught = {pcall(loop)}
      return "replaced"
    end)
    assert.same({true, "replaced", 1}, {cfiber.throw(co, "thrown")})
    assert.same({false, "thrown"}, caught)
  end)

  case("goes on inside with resume, which passes nothing", function()
    local co = stopped(function()
      for _ = 1, 1000 do end
      return "end"
    end)
    assert.same({true, "end", 1}, {resume(co, "dropped", "dropped")})
    assert.is_nil((debug.gethook(co)))
  end)

  case("closes what is inside, innermost first", function()
    local log, started = {}, false
    local function guard(name)
      return setmetatable({}, {__close = function() log[#log + 1] = name end})
    end
    local co = create(function()
      local _ <close> = guard "outer"
      wrap(function()
        local _ <close> = guard "inner"
        started = true
        loop()
      end)()
    end)
    repeat
      assert.same({true, "budget"}, {slice(co, 100)})
    until started
    assert.is_true(cfiber.close(co))
    assert.same({"inner", "outer"}, log)
  end)

  case("is collected with what is inside", function()
    for _ = 1, 20 do
      stopped(loop)
    end
  end)

  case("is listed with what is inside, which looks busy", function()
    local inner
    local co = stopped(function()
      inner = coroutine.running()
      loop()
    end)
    assert.equal(2, #cfiber.list())
    assert.same({"suspended", "normal"}, {cfiber.status(co), cfiber.info(inner).status})
    cfiber.close(co)
  end)
end)

describe("In a slice", function()
  case("suspend of the sliced fiber from inside is a yield", function()
    local co
    co = create(function()
      wrap(function()
        local got = cfiber.suspend(co, "first")
        for _ = 1, 500 do end
        cfiber.suspend(co, got)
        loop()
      end)()
    end)
    assert.same({true, "yield", "first"}, finish(co, 100))
    assert.same({true, "budget"}, {slice(co, 100, "passed")})
    assert.same({true, "yield", "passed"}, finish(co, 100))
    assert.same({true, "budget"}, {slice(co, 100)})
    cfiber.close(co)
  end)

  case("the thread that takes its place by a transfer returns or yields to slice", function()
    local second
    local first = create(function()
      cfiber.transfer(second, "passed")
      return "first ends"
    end)
    second = create(function(v)
      return "second ends", v
    end)
    assert.same({true, "return", "second ends", "passed"}, finish(first, 100))
    assert.is_nil((debug.gethook(first)))
    assert.is_nil((debug.gethook(second)))
    assert.same({true, "return", "first ends"}, finish(first, 100))
  end)

  case("exit is a return", function()
    local co = create(function()
      pcall(string.gsub, "a", "a", function()
        for _ = 1, 50 do end
        cfiber.exit("out", 2)
      end)
    end)
    assert.same({true, "return", "out", 2}, finish(co, 20))
    assert.equal("dead", cfiber.status(co))
  end)
end)

-- co, suspended with a fiber inside that began outside of slices and goes on
-- with 'body'; returns that fiber, too.
local function chain(body)
  local co, inner
  co = create(function()
    inner = create(function()
      cfiber.suspend(co)
      return body()
    end)
    local results = table.pack(resume(inner))
    return table.unpack(results, 1, results.n)
  end)
  assert.is_true(resume(co))
  return co, inner
end

describe("A fiber that began outside of the slice it goes on in", function()
  case("is stopped by the budget, also in a C function", function()
    local co = chain(function()
      return pcall(string.gsub, "a", "a", loop)
    end)
    for _ = 1, 5 do
      assert.same({true, "budget"}, {slice(co, 100)})
    end
    assert.is_true(cfiber.close(co))
  end)

  case("comes to the same end with any budget", function()
    for budget = 1, 200 do
      local co = chain(function()
        local sum = 0
        for i = 1, 50 do
          sum = sum + i
        end
        return sum
      end)
      assert.same({true, "return", true, 1275}, finish(co, budget))
    end
  end)

  case("yields inside the slice, and runs on outside without a budget", function()
    local co, inner = chain(function()
      cfiber.yield "inside"
      for _ = 1, 1000 do end
      return debug.gethook()
    end)
    assert.same({true, "return", true, "inside"}, finish(co, 100))
    assert.is_nil(debug.gethook(inner))
    assert.same({true, nil}, {resume(inner)})
  end)

  case("is stopped where it takes another along that it resumes", function()
    local co = chain(function()
      return wrap(loop)()
    end)
    for _ = 1, 5 do
      assert.same({true, "budget"}, {slice(co, 100)})
    end
    assert.is_true(cfiber.close(co))
  end)

  case("gives its place away with the budget", function()
    local other
    local co, inner = chain(function()
      cfiber.transfer(other)
    end)
    other = create(loop)
    for _ = 1, 5 do
      assert.same({true, "budget"}, {slice(co, 100)})
    end
    assert.is_nil(debug.gethook(inner))
    assert.is_true(cfiber.close(co))
    assert.is_true(cfiber.close(inner))
  end)

  case("has the user's hook called, and keeps it", function()
    local n = 0
    local function count()
      n = n + 1
    end
    local co, inner = chain(function()
      for _ = 1, 500 do end
      cfiber.yield()
    end)
    debug.sethook(inner, count, "", 10)
    finish(co, 100)
    assert.is_true(n >= 50)
    assert.equal(count, (debug.gethook(inner)))
  end)
end)
