-- A fiber with a sliced one inside was suspended and resumed without a slice:
-- what the sliced one resumed then was not counted, and what it made had the
-- hook of the slice.

local helper = require "helper"
local cfiber = helper.cfiber

local function spin(n)
  for _ = 1, n do end  -- luacheck: ignore
  return "end"
end

-- A fiber that suspends itself in the middle of slice(sliced, 1000), which goes
-- on with f; and the results of that slice.
local function suspended(f)
  local results = {}
  local outer
  outer = cfiber.create(function()
    local sliced = cfiber.create(function()
      pcall(cfiber.suspend, outer)
      return f()
    end)
    results[1] = {cfiber.slice(sliced, 1000)}
    results[2] = {cfiber.resume(sliced)}
  end)
  assert(cfiber.resume(outer))
  assert(cfiber.resume(cfiber.create(spin), 1))  -- finds itself outside of slices
  return outer, results
end

-- Ways to go on with it.
local ways = {
  resume = function(co) return cfiber.resume(co) end,
  throw = function(co) return cfiber.throw(co, "thrown") end,
  transfer = function(co) return cfiber.resume(cfiber.create(cfiber.transfer), co) end,
  slice = function(co) return cfiber.slice(co, 1000000) end,
}

describe("A slice inside a fiber that was suspended and goes on by", function()
  for way, go_on in pairs(ways) do
    it(way .. " counts what is resumed in it", function()
      helper.leakless(function()
        local co, results = suspended(function()
          return cfiber.resume(cfiber.create(spin), 100000)
        end)
        assert(go_on(co))
        assert.same({{true, "budget"}, {true, true, "end"}}, results)
      end)
    end)
  end

  it("resume keeps its hook to itself", function()
    helper.leakless(function()
      local hook
      local co = suspended(function()
        hook = debug.gethook(cfiber.create(spin))
      end)
      assert(cfiber.resume(co))
      assert.is_nil(hook)
    end)
  end)
end)
