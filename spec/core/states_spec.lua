-- states_spec.lua: many Lua states in one process

local child = require "child"
local helper = require "helper"

if helper.mode ~= "plain" then
  return  -- what is tested does not depend on the kind of yield
end

describe("With many Lua states in one process", function()
  -- More than have a place (lifecycle.c) of their own.
  local function holds(script)
    script = [[
      local overrun = require "overrun"
      local begin = "cfiber = require 'cfiber' local n = 0 local function count() n = n + 1 return cfiber.yield(n) end "
        .. "local a = cfiber.wrap(function() while true do ('x'):gsub('x', count) end end) "
        .. "local b = cfiber.wrap(function() while true do cfiber.yield(n) end end) "
        .. "function go() return a() .. ' ' .. b() .. (cfiber.stats().suspended < 3 and '' or ' and others') end"
      local all, counts = {}, {}
      local function open(i)
        all[i], counts[i] = overrun.state(), 0
        all[i]:run(begin)
      end
      local function go(i)
        counts[i] = counts[i] + 1
        local expected = counts[i] .. " " .. counts[i]
        local found = all[i]:run "return go()"
        assert(found == expected, found .. ", not " .. expected)
      end
    ]] .. script
    return function()
      local r = child.bare(script)
      assert.same({"", "", 0}, {r.errors, r.output, r.status})
    end
  end

  it("each has fibers of its own", holds [[
    for i = 1, 300 do
      open(i)
    end
    for _ = 1, 5 do
      for i = 1, 300 do
        go(i)
      end
    end
  ]])

  it("one that comes later is none that was closed", holds [[
    for i = 1, 100 do
      open(i)
    end
    for round = 1, 10 do
      for i = round % 5 + 1, 100, 5 do
        all[i]:close()
        open(i)
      end
      for i = 1, 100 do
        go(i)
      end
    end
  ]])
end)
