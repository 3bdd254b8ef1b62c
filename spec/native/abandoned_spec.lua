-- abandoned_spec.lua: fibers are left in every state, and nothing of them is
-- left; 'make soak' does the same for longer

local child = require "child"
local helper = require "helper"
local since_it = require "since"("5.4.4", "cannot tell a hook from a finalizer while the collector is stopped")

if helper.mode ~= "plain" then
  return  -- the child has no mode; it goes through those of the collector
end

describe("Memory is flat while fibers are left in every state", function()
  local function flat(what)
    local r = child.shell(("exec $LUA spec/soak/abandon.lua 20000 %s"):format(what))
    assert.same({"", 0}, {r.errors, r.status}, r.output)
    assert.match("memory is flat\n$", r.output)
  end

  since_it("and C++ is not loaded", function()
    flat ""
  end)

  since_it("some with C++ objects on their stacks", function()
    if not package.searchpath("cxx", package.cpath) then
      pending "there is no C++ compiler"
      return
    elseif not child.unwinds() then
      pending "this Lua has no unwind tables"
      return
    end
    flat "objects"
  end)
end)
