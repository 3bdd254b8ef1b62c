-- analyze_spec.lua: the short form of 'make analyze'

local building = require "building"
local helper = require "helper"

if helper.mode ~= "plain" or helper.cfiber.stats().switch == "ucontext" then
  return  -- the sources are the same in every mode
end

describe("Of the sources", function()
  it("cppcheck finds nothing to say", function()
    local output = building.check({"cppcheck"}, "LUA_INCDIR=$INC spec/analyze/run.sh cppcheck")
    assert.equal("cppcheck: nothing found\n", output)
  end)
end)
