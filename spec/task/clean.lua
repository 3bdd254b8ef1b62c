-- clean.lua: a test of a scheduler of its own, and where in a task things run

local helper = require "helper"
local cfiber = helper.cfiber
local new = require("cfiber.task").new

local clean = {}

--- A test f(S, log, seen) that leaves no stack behind; log(...) adds a line to
-- the array 'seen'.
function clean.test(f)
  return function()
    helper.leakless(function()
      local seen = {}
      f(new(), function(...)
        local line = table.pack(...)
        for i = 1, line.n do
          line[i] = tostring(line[i])
        end
        seen[#seen + 1] = table.concat(line, " ")
      end, seen)
    end)
  end
end

--- Ways to call a function inside a task.
clean.ways = {
  ["directly"] = function(f) return f() end,
  ["below sort and gsub"] = function(f)
    local r
    table.sort({1, 2}, function()
      ("x"):gsub("x", function() r = r or table.pack(f()) end)
    end)
    return table.unpack(r, 1, r.n)
  end,
  ["in a generator"] = function(f)
    return cfiber.wrap(function() return f() end)()
  end,
  ["in a stock coroutine in a generator"] = function(f)
    return cfiber.wrap(function()
      return helper.stock.wrap(function() return f() end)()
    end)()
  end,
}

function clean.closing(f)
  return setmetatable({}, {__close = f})
end

return clean
