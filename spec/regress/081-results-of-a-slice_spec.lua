-- slice allocated while the results were still on the thread that had ended: a
-- finalizer saw it suspended, and closed it.

local child = require "child"

describe("The results of a slice, when a finalizer closes its thread meanwhile", function()
  it("are those of the thread, whose status is dead", function()
    assert.equal("1000\tdead\n", child.output [[
      require("collector")("incremental", 1, 1000, 1)
      local values = table.pack(table.unpack({}, 1, 200))
      local right, seen = 0, {}
      for i = 1, 1000 do
        local co, ended, object
        co = cfiber.create(function()
          object = nil
          ended = true
          return table.unpack(values, 1, values.n)
        end)
        object = setmetatable({}, {__gc = function()
          if ended then
            seen[cfiber.status(co)] = true
            cfiber.close(co)
          end
        end})
        object = i % 2 == 0 and object  -- garbage from here on, or from the end on
        local r = coroutine.wrap(function() return table.pack(cfiber.slice(co, 1000)) end)()
        right = right + (r.n == values.n + 2 and r[1] == true and r[2] == "return" and 1 or 0)
      end
      collectgarbage()
      print(right, (next(seen)))
    ]])
  end)
end)
