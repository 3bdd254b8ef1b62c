-- Every allocation of an operation fails in turn, until it succeeds. What
-- comes after must find everything usable.

local child = require "child"

local prologue = [[
  local starve = require "starve"
  local function each(operation, check)
    for wait = 0, 1000 do
      collectgarbage()
      starve(wait, 2)
      pcall(operation)
      local _, fails = starve(0, 0)
      check(wait)
      if fails > 0 then
        return print "done"
      end
    end
  end
]]

local scripts = {
  ["a yield leaves the next yield alive"] = [[
    local co, yielded
    each(function()
      yielded = false
      co = cfiber.create(function()
        pcall(string.gsub, "x", "x", cfiber.yield)
        string.gsub("x", "x", cfiber.yield)
      end)
      yielded = cfiber.resume(co)
    end, function(wait)
      for _ = 1, 4 do
        collectgarbage()
      end
      assert(not yielded or cfiber.status(co) == "suspended", wait)
    end)
  ]],
  ["a refusal for depth raises in the resumer"] = [[
    local co = cfiber.create(function() string.gsub("x", "x", cfiber.yield) end)
    cfiber.resume(co)
    each(function()
      cfiber.config {max_depth = 1}
      cfiber.wrap(function() cfiber.resume(co) end)()
    end, function(wait)
      cfiber.config {max_depth = 1000}
      assert(cfiber.status(co) == "suspended", wait)
    end)
  ]],
  ["install can be repeated"] = [[
    each(function()
      cfiber.uninstall()
      cfiber.install()
    end, function(wait)
      cfiber.install()
      for name, f in pairs(coroutine) do
        assert(f ~= before[name], name)
      end
      cfiber.uninstall()
    end)
  ]],
}

describe("without memory", function()
  for name, script in pairs(scripts) do
    it(name, function()
      local before = "local before = {} for k, v in pairs(coroutine) do before[k] = v end "
      assert.equal("done\n", child.output(before .. prologue .. script))
    end)
  end
end)
