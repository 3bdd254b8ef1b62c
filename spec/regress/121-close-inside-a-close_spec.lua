-- 121: in Lua 5.5 a variable of a fiber that was suspended natively closed its
-- coroutine once more while that was closed: Lua followed a list of its own to
-- the stack that was gone, for ever.

local child = require "child"

local BEGINNING = [[
  local cfiber = require "cfiber"
  local closed
  local co = cfiber.create(function()
    local _ <close> = setmetatable({}, {__close = function() closed = true end})
    local _ <close> = setmetatable({}, {__close = function() pcall(cfiber.close, (cfiber.running())) end})
    ;("x"):gsub("x", cfiber.yield)
  end)
  assert(cfiber.resume(co))
]]

describe("A fiber suspended natively, one of whose variables closes it while it is closed", function()
  for how, call in pairs {
    ["by close"] = "cfiber.close(co)",
    ["after an error"] = "not cfiber.throw(co, 'e') and cfiber.close(co) ~= nil",
  } do
    it("is closed to the end, " .. how, function()
      local r = child.after("ulimit -t 20", BEGINNING .. ("print(%s, closed, cfiber.status(co))"):format(call))
      assert.same({output = "true\ttrue\tdead\n", errors = "", status = 0}, r)
    end)
  end
end)
