-- allocations_spec.lua: every request for memory fails in turn, in each scenario
-- of spec/soak/scenarios; 'make soak' does the same for longer

local child = require "child"
local helper = require "helper"
local error_it = require "since"("5.4.3", "tells another error where several variables fail")

if helper.mode ~= "plain" then
  return  -- the child has no mode
end

local preload = package.searchpath("failing", package.cpath)
local preloaded = io.open "/proc/self/maps" and ("export LD_PRELOAD=%s\n"):format(child.quote(preload)) or ""

local function run(file, name)
  return child.shell(preloaded .. ("exec $LUA spec/soak/allocate.lua short %s %s"):format(file, child.quote(name)))
end

-- They close variables, some of which find no memory.
local closing = {
  ["a close that runs variables"] = true,
  ["cfiber_close"] = true,
  ["tasks: all, any and a timeout"] = true,
  ["tasks: cancel, with variables to close"] = true,
  ["tasks: a value that comes back"] = true,
  ["tasks: a group that fails"] = true,
}

describe("Whatever request for memory fails, all goes on after", function()
  for _, file in ipairs {"coroutines", "control", "native", "tasks"} do
    for _, scenario in ipairs(require("soak.scenarios." .. file)) do
      local test = closing[scenario.name] and error_it or it
      test(scenario.name, function()
        local r = run(file, scenario.name)
        if child.refusesjump(r.errors) then
          pending "Lua is built to abort at such a jump"
          return
        end
        -- States of Lua 5.5 are made with warnings on: what had no memory to end has one.
        local errors = r.errors:gsub("Lua warning: error in __gc %(not enough memory%)\n", "")
        assert.same({"", 0}, {errors, r.status}, r.output)
        assert.match(": %d+", r.output)
      end)
    end
  end
end)
