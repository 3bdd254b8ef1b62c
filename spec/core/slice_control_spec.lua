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
