-- The functions of cfiber.hpp set the height of the Lua stack back when their
-- fiber was dropped, beyond its end where it was high. 'resume' moved its
-- arguments to a thread before it looked at it. 'yield' took an index from the
-- top for one of its own call, and NULL for a string.

local child = require "child"

local function case(name, expected, script)
  it(name, function()
    if not package.searchpath("cxx", package.cpath) then
      pending "there is no C++ compiler"
      return
    end
    assert.equal(expected .. "\n", child.output("local cxx = require 'cxx' " .. script))
  end)
end

describe("cfiber.hpp", function()
  case("leaves a full Lua stack as it is when the fiber is dropped", "o", [[
    local co = cfiber.create(cxx.owner "o")
    assert(cfiber.resume(co, table.unpack({}, 1, 700000)))
    assert(cfiber.close(co))
    co = nil
    collectgarbage()
    collectgarbage()
    print(cxx.told())]])

  case("refuses to resume NULL", "cfiber_resume: the thread is NULL r", [[
    local _, message = pcall(cxx.resume, nil, 1)
    print(message .. " " .. cxx.told())]])

  case("gives a thread of another Lua state nothing", "cfiber_resume: the thread is of another Lua state 1", [[
    local _, message, height = cxx.foreign()
    print(message .. " " .. height)]])

  case("refuses to resume the running thread", "cannot resume non-suspended coroutine r", [[
    local _, message = pcall(cxx.resume, cfiber.running(), 1)
    print(message .. " " .. cxx.told())]])

  case("yields the value at an index from the top, and nil for NULL", "z\tnil\ty", [[
    local co = cfiber.create(cxx.fromtop)
    print(select(2, cfiber.resume(co, "x", "y", "z")))]])
end)
