-- overflow_spec.lua: endless recursion ends in a Lua error

local helper = require "helper"
local child = require "child"
local cfiber = helper.cfiber

-- Runs one recursion in a stock coroutine, in a fiber, and in a fiber that
-- catches the error and goes on; prints what came of it.
local script = [[
  local f = require "crash.overflow"[%q]
  local function kind(ok, message)
    message = tostring(message)
    return ok, message:match "C stack overflow" or message:match "stack overflow"
      or message:match "error in error handling" or message:sub(1, 200)
  end
  print(kind(stock.resume(stock.create(f))))
  print(kind(cfiber.resume(cfiber.create(f))))
  local co = cfiber.create(function()
    local ok, message = kind(pcall(f))
    ;("x"):gsub("x", function() cfiber.yield(ok, message) end)
    return #("x"):rep(10):gsub("x", tostring)
  end)
  print(select(2, cfiber.resume(co)))
  print(cfiber.resume(co))
  print(cfiber.stats().mounted)
]]

local function sorted(t)
  local names = {}
  for name in pairs(t) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

describe("in a fiber on a default stack, endless recursion through", function()
  for _, name in ipairs(sorted(require "crash.overflow")) do
    -- Lua answers an error of the handler that handles an error in its own way.
    local expected = name:find "error in a message handler" and "error in error handling" or "stack overflow"
    it(name .. " ends in the error of stock Lua", function()
      local lines = {}
      for line in child.output(script:format(name)):gmatch "[^\n]+" do
        lines[#lines + 1] = line
      end
      assert.match("^false\t.*" .. expected .. "$", lines[1])
      assert.same({lines[1], lines[1], lines[1], "true\t10", "0"}, lines)
    end)
  end
end)
