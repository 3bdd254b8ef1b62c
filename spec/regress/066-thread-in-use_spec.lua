-- 066: a natively suspended fiber went on in the middle of a call that a host
-- made on its state, or after a host had closed its thread by Lua's function

local child = require "child"

local function prints(expected, script)
  assert.equal(expected, child.output([[
    local outside = require "outside"
    local function deep() return (string.gsub("x", "x", cfiber.yield)) end
  ]] .. script))
end

describe("A natively suspended fiber", function()
  it("does not go on while a host uses its state", function()
    prints("0\tfalse\tcannot resume non-suspended coroutine\ntrue\tx\n", [[
      local co = cfiber.create(function() outside.keep() return deep() end)
      cfiber.resume(co)
      local err
      local status, ok = outside.usekept(function()
        local r
        r, err = cfiber.resume(co)
        return r
      end)
      print(status, ok, err)
      print(cfiber.resume(co, "x"))
    ]])
  end)

  it("is dead and has no stack after a host closed its thread", function()
    prints("0\nfalse\tcannot resume dead coroutine\n0\n", [[
      local co = cfiber.create(deep)
      cfiber.resume(co)
      print(outside.reset(co))
      print(cfiber.resume(co))
      print(cfiber.stats().mounted)
    ]])
  end)
end)
