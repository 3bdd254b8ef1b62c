-- instructions_spec.lua: how many instructions the hot paths take, as a ratio
-- to stock coroutines; the figure does not depend on the machine's mood

local child = require "child"
local helper = require "helper"

-- Instructions of a process that does a thing n times.
local function counted(figure, library, n)
  local errors = child.shell(("valgrind --tool=callgrind --callgrind-out-file=/dev/null $LUA "
    .. "spec/bench/instructions.lua %s %s %d"):format(figure, library, n)).errors
  return assert(tonumber(errors:match "Collected : (%d+)"), errors)
end

-- Instructions for doing it once, start and end of the process left out.
local function once(figure, library)
  local n = 10000
  return (counted(figure, library, 2 * n) - counted(figure, library, n)) / n
end

-- Measured with gcc 12 -O2 and Lua 5.4.4, and some 5 % slack. Before 5.4.4 a call tells whether a finalizer runs.
local most = {
  pair = 0.82, callback = child.release() >= "5.4.4" and 0.84 or 0.97, wrap = 0.81, compact = 1.12, create = 1.10,
}

describe("Against stock coroutines, counted in instructions,", function()
  if helper.mode ~= "plain" or helper.cfiber.stats().switch == "ucontext" then
    return
  end
  for figure, limit in pairs(most) do
    it(figure .. " takes at most " .. limit, function()
      if not os.execute "valgrind --version >/dev/null 2>&1" then
        pending "valgrind is not installed"
        return
      end
      local ratio = once(figure, "cfiber") / once(figure, "coroutine")
      assert.is_true(ratio <= limit, ("it takes %.2f"):format(ratio))
    end)
  end
end)
