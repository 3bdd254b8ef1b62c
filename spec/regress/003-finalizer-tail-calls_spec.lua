-- A fiber that a finalizer resumes may yield to it, also where tail calls hide
-- on both of them which one runs the finalizer.

local helper = require "helper"
local cfiber = helper.cfiber

local function body()
  local function tail()
    local r
    ("x"):gsub("x", function() r = cfiber.yield "inner" end)
    return r
  end
  return tail()
end

it("a fiber with tail calls yields to a finalizer with tail calls", function()
  local result
  local function work()
    local f = cfiber.wrap(body)
    result = {pcall(f)}
    f "end"
  end
  setmetatable({}, {__gc = function() return work() end})
  collectgarbage()
  collectgarbage()
  assert.same({true, "inner"}, result)
end)
