-- A Lua state that had lost its universe from the registry and made another took only
-- one of the two out of the table of universes when it was closed. A later state at
-- its address found the other, which was freed.

local child = require "child"
local helper = require "helper"

if helper.mode ~= "plain" then
  return  -- the child has no mode
end

describe("A Lua state with two universes", function()
  it("leaves none behind", function()
    local r = child.bare [[
      local overrun = require "overrun"
      require "cfiber"
      for i = 1, 400 do
        local garbage = {}  -- so that memory is used again in many ways
        for j = 1, i % 20 do
          garbage[j] = ("x"):rep(i * 37 % 200 + j)
        end
        local state = overrun.state()
        state:run [=[
          local cfiber, place = require "cfiber"
          local registry = debug.getregistry()
          for k, v in pairs(registry) do
            if type(k) == "userdata" and type(v) == "userdata" and getmetatable(v) and getmetatable(v).__gc then
              place, kept = k, v
            end
          end
          registry[place] = nil
          package.loaded.cfiber = nil
          cfiber = require "cfiber"
          cfiber.wrap(function() end)()
        ]=]
        state:close()
        state = overrun.state()  -- its universe is found in the registry alone
        state:run [=[
          setmetatable({}, {__gc = function()
            cfiber = require "cfiber"
            pcall(cfiber.stats)
            pcall(cfiber.wrap(function() end))
          end})
          collectgarbage()
          for _ = 1, 10 do
            cfiber.wrap(function() ("x"):gsub("x", cfiber.yield) end)()
          end
        ]=]
        state:close()
      end
    ]]
    assert.same({"", "", 0}, {r.errors, r.output, r.status})
  end)
end)
