-- Stock 'resume' refuses a natively suspended fiber by a message that Lua makes
-- on that fiber's thread. Without memory for it the error went to the stack that
-- is suspended.

local child = require "child"

describe("Without memory for the message, stock resume", function()
  it("refuses a natively suspended fiber, which goes on later", function()
    assert.equal("true\tfalse\ttrue\tend\n", child.output [[
      local starve = require "starve"
      local resume = stock.resume
      local co = cfiber.create(function()
        ("x"):gsub("x", cfiber.yield)
        return "end"
      end)
      cfiber.resume(co)
      starve(0, 1000)
      local ok, resumed = pcall(resume, co)
      starve(0, 0)
      print(ok, resumed, cfiber.resume(co))
    ]])
  end)
end)
