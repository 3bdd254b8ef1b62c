-- 101: a debug hook that waited in the middle of the scheduler's functions left
-- them half done: tasks were lost, or the update ended with an error.

local helper = require "helper"
local cfiber = helper.cfiber
local tasks = require "tasks"

local clean = tasks.clean

describe("A debug hook in the middle of the scheduler's work", function()
  for name, use in pairs {
    waits = function(S) S.wait() end,
    spawns = function(S) S.spawn(function() end) end,
    sleeps = function(S) S.wait(1) end,
    ["cancels its task"] = function(S) S.cancel(cfiber.running()) end,
  } do
    for count = 1, 7, 3 do
      it(("that %s gets an error or does it, every %d"):format(name, count), clean(function(S)
        local ch, ends, calls = S.channel(1), 0, 0
        for _ = 1, 3 do
          S.spawn(function()
            local function hook()
              calls = calls + 1
              debug.sethook()
              pcall(use, S)
              debug.sethook(hook, "", count + calls % 13)
            end
            debug.sethook(hook, "", count)
            for i = 1, 10 do
              ch:put(i, 1)
              S.wait()
              S.spawn(S.wait)
              ch:get(1)
            end
            debug.sethook()
          end)
          S.defer(function() ends = ends + 1 end)
        end
        for _ = 1, 1000 do
          S.update(0.1)
        end
        assert.equal(3, ends)
        assert.is_true(calls >= 3)
        tasks.cancelall(S)
      end))
    end
  end

  it("says so", clean(function(S, log, seen)
    S.spawn(function()
      local tries = 0
      debug.sethook(function()
        tries = tries + 1
        local ok, err = pcall(S.wait)
        if not ok then
          debug.sethook()
          log(err)
        end
      end, "", 1)
      while #seen == 0 and tries < 1000 do
        S.channel():get(0)
      end
    end)
    for _ = 1, 1000 do
      S.update(1)
    end
    assert.same({"attempt to call the scheduler from a debug hook in the middle of its work"}, seen)
  end))
end)
