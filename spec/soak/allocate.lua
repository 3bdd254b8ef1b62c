-- allocate.lua: every request for memory of the scenarios fails in turn
-- usage: lua spec/soak/allocate.lua short|long FILE [NAME]
-- FILE is one in spec/soak/scenarios. Prints for each scenario how many
-- requests failed.

package.path = "./spec/?.lua;" .. package.path
local allocations = require "soak.allocations"

local length, file, name = table.unpack(arg)
local failed = false
for _, scenario in ipairs(require("soak.scenarios." .. file)) do
  if not name or scenario.name == name then
    io.write(scenario.name, ": ")
    io.flush()
    local ok, n, lost = xpcall(allocations.run, debug.traceback, scenario, length)
    print(n .. (ok and lost > 0 and (" (%d stacks lost)"):format(lost) or ""))
    failed = failed or not ok
  end
end
os.exit(not failed)
