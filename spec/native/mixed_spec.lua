-- mixed_spec.lua: the short form of spec/soak/mixed.lua, whose long form is
-- 'make soak'

local child = require "child"
local helper = require "helper"
local since_it = require "since"("5.4.3", "passes errors to handlers otherwise")

if helper.mode ~= "plain" then
  return  -- the child has no mode
end

local function mixed(options)
  local data = os.tmpname()
  local r = child.shell(("exec $LUA spec/soak/mixed.lua --data %s --every 20 %s"):format(data, options))
  os.remove(data)
  return r
end

describe("Many kinds of work at once in one process leave nothing behind", function()
  local rounds = io.open "/proc/self/maps" and since_it or pending

  rounds("for a seed that is always the same", function()
    local r = mixed "--rounds 300 --seed 1"
    assert.same({"", 0}, {r.errors, r.status}, r.output)
  end)

  rounds("for a seed that is another each time", function()
    local r = mixed "--rounds 200"
    print((r.output:match "^[^\n]*"))
    assert.same({"", 0}, {r.errors, r.status}, r.output)
  end)
end)
