-- A function that asked whether a finalizer runs started the counts of hooks anew on
-- the threads that it looked at. Where each finalizer asked, the user's count hook
-- was never called, and a slice never ended.

local child = require "child"
local helper = require "helper"

if helper.mode ~= "plain" then
  return  -- the child has no mode
end

-- In a child, which has little to collect: a function whose finalizers call f,
-- protected.
local finalizing = [[
  local function finalizing(f)
    local pcall = pcall
    local meta = {__gc = function() pcall(f) end}
    return function()
      for _ = 1, 200 do
        setmetatable({}, meta)
        collectgarbage()
      end
      return "end"
    end
  end
]]

-- What measure(f) returns is the same for functions that ask and one that does not.
local function alike(name, measure)
  for _, asks in ipairs {"isyieldable", "yield", "exit"} do
    it(name .. ", where " .. asks .. " is called", function()
      assert.equal("", child.output(finalizing .. measure .. ([[
        local expected, measured = measure(error), measure(cfiber.%s)
        if measured ~= expected then print(expected, measured) end
      ]]):format(asks)))
    end)
  end
end

describe("In finalizers that ask for fibers", function()
  for kind, library in pairs {["stock coroutines"] = "stock", fibers = "cfiber"} do
    alike("the user's count hook is called as often, in " .. kind, ([[
      local function measure(f)
        local calls, co = 0, %s.create(finalizing(f))
        debug.sethook(co, function() calls = calls + 1 end, "", 50)
        assert(%s.resume(co))
        assert(calls > 5)
        return calls
      end
    ]]):format(library, library))
  end

  for _, budget in ipairs {100, 490, 1000} do
    alike("slices of " .. budget .. " end as soon", ([[
      local function measure(f)
        local co, slices = cfiber.create(finalizing(f)), 0
        repeat
          local _, how = assert(cfiber.slice(co, %d))
          slices = slices + 1
        until how == "return"
        assert(slices > 1)
        return slices
      end
    ]]):format(budget))
  end

  alike("what stock coroutines in a slice execute counts", [[
    local function measure(f)
      local before = cfiber.stats "sliced"
      local _, how = assert(cfiber.slice(cfiber.create(function()
        assert(stock.resume(stock.create(finalizing(f))))
      end), 1000000))
      assert(how == "return")
      return cfiber.stats "sliced" - before
    end
  ]])
end)
