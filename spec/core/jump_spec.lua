-- jump_spec.lua: an error that C code raises on an outer state jumps out of
-- fibers; those are dead, also where others are suspended in them

local child = require "child"

-- In children: Lua may be built so that it aborts at such a jump.
local function output(script)
  local r = child.run("local raise = require 'control'.raise " .. script)
  if child.refusesjump(r.errors) then
    pending "Lua is built to abort at such a jump"
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

  it("leaves its stack to the next without its slice", prints("false\tx\nfalse\tx\ntrue\n", [[
    local a = cfiber.create(function() raise(nil, "x") end)
    print(pcall(cfiber.slice, a, 100))
    local b = cfiber.create(function()
      local inner = cfiber.create(function() for _ = 1, 1000 do end end)
      string.gsub("x", "x", function() cfiber.slice(inner, 10) end)
      raise(nil, "x")
    end)
    print(pcall(cfiber.resume, b))
    print(cfiber.resume(cfiber.create(function() for _ = 1, 1000 do end end)))
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

  it("is dead though it was never suspended", prints("false\tx\ndead\tdead\nfalse\tcannot resume dead coroutine\n" ..
    "inner\nouter\ntrue\ttrue\n0\n", [[
    local a, b
    local function closable(name) return setmetatable({}, {__close = function() print(name) end}) end
    a = cfiber.create(function()
      local _ <close> = closable "outer"
      b = cfiber.create(function()
        local _ <close> = closable "inner"
        string.gsub("x", "x", function() raise(nil, "x") end)
      end)
      cfiber.resume(b)
    end)
    print(pcall(cfiber.resume, a))
    for _ = 1, 3 do collectgarbage() end
    print(cfiber.status(a), cfiber.status(b))
    print(cfiber.resume(b))
    print(cfiber.close(b), cfiber.close(a))
    print(cfiber.stats().mounted)
  ]]))

  it("is dead for whoever asks first", prints("false\tcannot resume dead coroutine\ntrue\ndead\n", [[
    local function lost()
      local co = cfiber.create(function() raise(nil, "x") end)
      pcall(cfiber.resume, co)
      return co
    end
    local a, b, c = lost(), lost(), lost()
    print(cfiber.resume(a))
    print(cfiber.close(b))
    print(cfiber.info(c).status)
  ]]))

  -- Those that came to the address of one that is collected
  it("is not taken for another that runs", prints("normal\n", [[
    local all, wrong = {}, 0
    for _ = 1, 300 do
      for _ = 1, 3 do
        pcall(cfiber.resume, cfiber.create(function() raise(nil, "x") end))
        cfiber.stats()
      end
      collectgarbage()
      local me
      local function check(i, f)
        local co = cfiber.running()
        all[i] = co
        f()
        wrong = wrong + (cfiber.status(co) == "running" and 0 or 1)
        for j = 1, i - 1 do
          wrong = wrong + (cfiber.status(all[j]) == "normal" and 0 or 1)
        end
      end
      local function nest(i, f)
        if i > 8 then
          for j = 1, 8 do
            wrong = wrong + (cfiber.status(all[j]) == (all[j] == cfiber.running() and "running" or "normal") and 0 or 1)
          end
          return f()
        end
        local co = (i == 5 and cfiber or stock).create(check)
        assert((i == 5 and cfiber or stock).resume(co, i, function() nest(i + 1, f) end))
      end
      nest(1, function() end)
      me = cfiber.create(function() nest(1, function() cfiber.suspend(me) end) end)
      cfiber.resume(me)
      for j = 1, 8 do
        wrong = wrong + (cfiber.status(all[j]) == "normal" and 0 or 1)
      end
      assert(cfiber.resume(me))
      assert(cfiber.status(me) == "dead")
    end
    print(wrong == 0 and "normal" or wrong)
  ]]))

  it("seems to be normal where C code hides who resumes whom", prints("normal\ndead\n", [[
    local co = cfiber.create(function() raise(nil, "x") end)
    pcall(cfiber.resume, co)
    require "control".hidden(function() print(cfiber.status(co)) end)
    print(cfiber.status(co))
  ]]))
end)
