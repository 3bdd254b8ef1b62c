-- 023: Lua cannot call a finalizer below 196 nested C calls ("C stack
-- overflow"), and does not call it again. The thread of a suspended fiber is
-- then freed without a word; its stack stays, and the next thread at its
-- address is taken for it

local child = require "child"

local script = [[
  local resume, stats = cfiber.resume, cfiber.stats
  local function deep()
    (("x"):rep(9)):gsub("x", cfiber.yield)
  end
  local function nest(n)
    if n == 0 then
      collectgarbage()
    else
      ("x"):gsub("x", function() nest(n - 1) end)
    end
  end
  local all = {}
  for i = 1, 40 do
    all[i] = cfiber.create(deep)
    resume(all[i])
  end
  all = nil
  pcall(nest, 196)
  collectgarbage()
  collectgarbage()
]]

describe("A natively suspended fiber whose finalizer Lua cannot call", function()
  it("is not resumed in the place of a thread made later at its address", function()
    assert.equal("true\n", child.output(script .. [[
      local keep, wrong = {}, 0
      for i = 1, 3000 do
        keep[i] = stock.create(function() return "fresh" end)
        if select(2, resume(keep[i])) ~= "fresh" then
          wrong = wrong + 1
        end
      end
      print(wrong == 0)
    ]]))
  end)

  it("gives its stack back when it is looked for", function()
    assert.equal("0\t0\n", child.output(script .. [[
      print(#cfiber.list(), stats().mounted)
    ]]))
  end)
end)
