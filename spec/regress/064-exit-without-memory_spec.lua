-- 064: where there was no memory for the results of an exit, the message that
-- says so was made on the thread that had ended; where there was none for that
-- either, the error went to the stack that the thread had been taken off

local child = require "child"

describe("An exit whose results find no memory", function()
  it("ends in an error of its resume, also where there is none for a message", function()
    assert.equal("done\n", child.output [[
      local starve = require "starve"
      local list = table.pack(table.unpack({}, 1, 150))
      local function operation()
        return cfiber.resume(cfiber.create(function()
          pcall(cfiber.exit, table.unpack(list, 1, list.n))
        end))
      end
      for fail = 2, 8, 2 do
        for wait = 0, 60 do
          starve(wait, fail)
          pcall(operation)
          starve(0, 0)
        end
      end
      assert(select('#', operation()) == 151)
      print "done"
    ]])
  end)
end)
