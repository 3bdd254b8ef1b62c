-- cpp_spec.lua: what of C++ works on Windows

local child = require "child"

local function case(name, expected, script)
  it(name, function()
    assert.equal(expected .. "\n", child.output("local cxx = require 'cxx' " .. script))
  end)
end

local crossing = [[
  local function body(text) return cxx.within(text, cfiber.yield) end
  local a, b = cfiber.create(body), cfiber.create(body)
  cfiber.resume(a, "A")
  cfiber.resume(b, "B")
  local _, x = cfiber.resume(a)
  local _, y = cfiber.resume(b)
  print(x .. y .. cxx.told())
]]

describe("An exception", function()
  case("is caught in a fiber, which yields meanwhile", "AA", [[
    local co = cfiber.create(function() return cxx.within("A", cfiber.yield) end)
    cfiber.resume(co)
    local _, x = cfiber.resume(co)
    print(x .. cxx.told())]])

  case("belongs to the fiber that caught it, where others do the same", "ABAB", crossing)

  it("does so where the library was loaded after fibers began", function()
    assert.equal("ABAB\n", child.output([[
      local early = cfiber.create(function() ("x"):gsub("x", cfiber.yield) end)
      cfiber.resume(early)
      local cxx = require "cxx"
    ]] .. crossing))
  end)
end)

describe("A Lua error", function()
  case("passes frames of C++ that it jumps over on a fiber's stack", "false\te", [[
    local co = cfiber.create(function()
      return pcall(cxx.hold, "a", error, "e")
    end)
    print(select(2, cfiber.resume(co)))]])
end)
