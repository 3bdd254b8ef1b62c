-- A to-be-closed variable that exits while its thread is closed left the C++
-- objects on its stack undestroyed.

local child = require "child"
local handler_it = require "since"("5.4.3", "calls a handler again that did not return")

local function case(name, expected, script)
  handler_it(name, function()
    if not package.searchpath("cxx", package.cpath) then
      pending "there is no C++ compiler"
      return
    elseif not child.unwinds() then
      pending "this Lua has no unwind tables"
      return
    end
    assert.equal(expected .. "\n", child.output([[
      local cxx = require "cxx"
      local co = cfiber.create(function(...)
        local _ <close> = setmetatable({}, {__close = function() cxx.hold("c", cxx.hold, "d", cfiber.exit, 1) end})
        cxx.hold("a", cxx.hold, "b", ...)
      end)
      assert(cfiber.resume(co, ]] .. script))
  end)
end

describe("The C++ objects of a to-be-closed variable that exits are destroyed", function()
  case("when its thread is closed", "ba dc", [[cfiber.yield))
    assert(cfiber.close(co))
    print((cxx.told():gsub("ba", "ba ")))]])

  case("when its thread exits", "ba dc", [[cfiber.exit))
    print((cxx.told():gsub("ba", "ba ")))]])

  case("in a stock coroutine", "ba dc", [[cfiber.yield))
    local stock = coroutine.create(function() return cfiber.close(co) end)
    assert(coroutine.resume(stock))
    print((cxx.told():gsub("ba", "ba ")))]])
end)
