-- 'make bench' built all modules of the specs, and so stopped where the test's
-- libraries (cmocka) were not installed: it installs what it needs, not those.

local building = require "building"
local helper = require "helper"

if helper.mode ~= "plain" then
  return  -- make does the same in every mode
end

describe("make bench", function()
  it("builds nothing of the tests but what it runs", function()
    local commands = building.check({}, "${MAKE:-make} -n bench LUA=true BUILD=build/none")
    local sources = {}
    for source in commands:gmatch "echo '[^'\n]* (spec/[^' ]+)'" do
      table.insert(sources, source)
    end
    table.sort(sources)
    assert.same({"spec/bench/peers/fcontext.c", "spec/bench/peers/switch.c", "spec/c/calls.c", "spec/c/capi_bench.c"}, sources)
  end)
end)
