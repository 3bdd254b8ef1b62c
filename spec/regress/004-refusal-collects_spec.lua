-- A resume that is refused leaves the thread alone: it runs no finalizer on
-- the stack of a fiber that is suspended.

local child = require "child"

local script = [[
  cfiber.config {max_depth = 1}
  local co, ran = nil, 0
  local meta = {__gc = function()
    if coroutine.running() == co then
      ran = ran + 1
      cfiber.config {max_depth = 10}
      cfiber.resume(co)
    end
  end}
  co = cfiber.create(function()
    while true do
      ("x"):gsub("x", cfiber.yield)
    end
  end)
  cfiber.resume(co)
  cfiber.resume(cfiber.create(function()
    for _ = 1, 300 do
      local t = {}
      for i = 1, 64 do
        t[i] = setmetatable({}, meta)
      end
      for i = 65, 4000 do
        t[i] = i
      end
      cfiber.resume(co)
    end
  end))
  print(ran, cfiber.status(co))
]]

describe("a resume refused for its depth", function()
  it("runs no finalizer on the suspended fiber", function()
    assert.equal("0\tsuspended\n", child.output(script))
  end)
end)
