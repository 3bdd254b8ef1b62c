-- 022: a fiber that a finalizer had brought back once died when another
-- finalizer brought it back a second time

local cfiber = require "helper".cfiber

describe("A natively suspended fiber that becomes unreachable again and again", function()
  it("lives as long as a finalizer resumes it each time", function()
    local back
    local function drop(thread)
      setmetatable({}, {__gc = function()
        back = cfiber.resume(thread) and thread
      end})
    end
    local function again()
      local thread = back
      back = nil
      assert(cfiber.resume(thread))
      drop(thread)
    end
    drop(cfiber.create(function()
      ("x"):rep(99):gsub("x", cfiber.yield)
    end))
    for _ = 1, 5 do
      while back == nil do
        collectgarbage()
      end
      collectgarbage()
      collectgarbage()
      assert(back, "a finalizer found it dead")
      again()
    end
  end)
end)
