-- 090: cancel and join of what is no thread said that the error was in a file of
-- the scheduler.

local new = require("cfiber.task").new

it("An argument error of cancel and join points at their caller", function()
  local S = new()
  for _, value in ipairs {1, "x", print} do
    for _, name in ipairs {"cancel", "join"} do
      local line = debug.getinfo(1, "l").currentline + 1
      local ok, err = pcall(function() S[name](value) return end)
      assert.is_false(ok)
      assert.equal(("090-blames-itself_spec.lua:%d: bad argument #1 to '%s' (thread expected, got %s)")
        :format(line, name, type(value)), (err:gsub("^.*/", "")))
    end
  end
end)
