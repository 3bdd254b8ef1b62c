-- 088: what could be called when it was spawned and cannot any more, and what only
-- its __metatable said could be called, raised errors of the scheduler's own where
-- the task's name was needed.

local helper = require "helper"
local new = require("cfiber.task").new

describe("A task of a table", function()
  it("has a name, also when its __call is gone", function()
    helper.leakless(function()
      local S, stories = new(), {}
      S.on_error = function(_, _, story)
        stories[#stories + 1] = story
      end
      local callable = setmetatable({}, {__call = function()
        S.wait()
        error("late", 0)
      end})
      local thread = S.spawn(callable)
      setmetatable(callable, nil)
      assert.equal("task 1", S.name(thread))
      assert.matches("\n\ntask 1 has waited", S.dump())
      S.update(0)
      assert.matches("^task 1 failed: late", stories[1])
    end)
  end)

  it("is refused where its __metatable alone has a __call", function()
    local S = new()
    local ok, err = pcall(S.spawn, setmetatable({}, {__metatable = {__call = print}}))
    assert.is_false(ok)
    assert.matches("function or thread expected, got table", err)
  end)

  it("can hide its metatable", function()
    local S = new()
    assert.same({true, 7}, {S.join(S.spawn(setmetatable({}, {__metatable = false, __call = function() return 7 end})))})
  end)
end)
