-- 120: a finalizer that collected while the state was closed, after the module
-- was unloaded, ran those of suspended fibers, which are in it: before Lua 5.4.4
-- the process crashed.

local child = require "child"

describe("A finalizer older than the module that collects at the end of the state", function()
  it("finds no finalizers of the module", function()
    local r = child.bare [[
      local object = setmetatable({}, {__gc = function() collectgarbage() end})
      local cfiber = require "cfiber"
      local co = cfiber.create(function() ("x"):gsub("x", cfiber.yield) end)
      assert(cfiber.resume(co))
    ]]
    assert.same({output = "", errors = "", status = 0}, r)
  end)
end)
