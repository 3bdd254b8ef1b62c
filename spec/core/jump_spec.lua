-- jump_spec.lua: an error that C code raises on an outer state jumps out of
-- fibers; those are dead, also where others are suspended in them

local child = require "child"

-- In children: Lua may be built so that it aborts at such a jump.
local function output(script)
  local r = child.run("local raise = require 'control'.raise " .. script)
  if r.errors:find "longjmp causes uninitialized stack frame" then
    return nil
  end
  assert.equal("", r.errors)
  assert.equal(0, r.status)
  return r.output
end

local function prints(expected, script)
  return function()
    local found = output(script)
    if found then
      assert.equal(expected, found)
    end
  end
end

describe("A fiber that was jumped out of", function()
  it("is dead, and stays so", prints("false\tx\ndead\tdead\n0\ndead\tdead\nfalse\tcannot resume dead coroutine\n", [[
    local a, b
    a = cfiber.create(function()
      cfiber.suspend(a)
      b = cfiber.create(function()
        cfiber.suspend(b)
        string.gsub("x", "x", function() raise(nil, "x") end)
      end)
      cfiber.resume(b)
      cfiber.resume(b)
    end)
    cfiber.resume(a)
    print(pcall(cfiber.resume, a))
    print(cfiber.status(a), cfiber.status(b))
    print(cfiber.stats().mounted)
    for _ = 1, 3 do collectgarbage() end
    print(cfiber.status(a), cfiber.status(b))
    print(cfiber.resume(b))
  ]]))

  it("may have carried others when it was suspended", prints("false\tx\ndead\tdead\tdead\n0\n", [[
    local a, b, c
    a = cfiber.create(function()
      b = cfiber.create(function()
        c = cfiber.create(function()
          cfiber.suspend(a)
          cfiber.suspend(b)
          raise(nil, "x")
        end)
        cfiber.resume(c)
      end)
      cfiber.resume(b)
      cfiber.resume(b)
    end)
    cfiber.resume(a)
    print(pcall(cfiber.resume, a))
    print(cfiber.status(a), cfiber.status(b), cfiber.status(c))
    print(cfiber.stats().mounted)
  ]]))

  it("may have taken the place of another", prints("false\tx\nsuspended\tdead\ntrue\tin\n0\n", [[
    local a, b
    a = cfiber.create(function() return cfiber.transfer(b) end)
    b = cfiber.create(function()
      cfiber.suspend(b)
      raise(nil, "x")
    end)
    cfiber.resume(a)
    local c = cfiber.create(function() return cfiber.transfer(b) end)
    print(pcall(cfiber.resume, c))
    print(cfiber.status(c), cfiber.status(b))
    print(cfiber.resume(c, "in"))
    cfiber.close(a)
    print(cfiber.stats().mounted)
  ]]))

  it("may have been inside one that yields next", prints("b\tx\ntrue\t1\ntrue\tin\n0\n", [[
    local a
    a = cfiber.create(function()
      local b = cfiber.create(function()
        cfiber.resume(cfiber.create(function() raise(a, "x") end))
      end)
      print("b", select(2, pcall(cfiber.resume, b)))
      return cfiber.yield(1)
    end)
    print(cfiber.resume(a))
    print(cfiber.resume(a, "in"))
    print(cfiber.stats().mounted)
  ]]))

  it("may have been inside one that is suspended next", prints("b\tx\nsuspended\ntrue\tin\n0\n", [[
    local a
    a = cfiber.create(function()
      local b = cfiber.create(function()
        cfiber.resume(cfiber.create(function() raise(a, "x") end))
      end)
      local _, err = pcall(cfiber.resume, b)
      print("b", err)
      return cfiber.suspend(a)
    end)
    cfiber.resume(a)
    print(cfiber.status(a))
    print(cfiber.resume(a, "in"))
    print(cfiber.stats().mounted)
  ]]))
end)
