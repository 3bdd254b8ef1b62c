-- 095: a finalizer that the collector ran in the middle of a wait that began, and that
-- used the scheduler, undid the wait: the task never ran again.

local helper = require "helper"
local new = require("cfiber.task").new

-- Objects are collected as soon as they can be, inside the scheduler, too.
local function restless(f)
  local going, calls = true, 0
  local function again()
    setmetatable({}, {__gc = function()
      if going then
        calls = calls + 1
        f()
        again()
      end
    end})
  end
  collectgarbage("incremental", 1, 1000, 1)
  again()
  return function()
    going = false
    return calls
  end
end

local function work(S, ch, m)
  for i = 1, 100 do
    S.wait()
    ch:put(i, 1)
    ch:get(1)
    local _ <close> = m:lock(10)
    S.timeout(1, S.wait)
  end
end

local uses = {
  ["gets"] = function(_, ch) ch:get(0) end,
  ["puts"] = function(_, ch) ch:put(0, 0) end,
  ["spawns"] = function(S) S.spawn(function() end) end,
  ["defers"] = function(S) S.defer(function() end) end,
  ["is refused to wait"] = function(_, ch) pcall(ch.get, ch) end,
}

describe("A wait goes on where a finalizer in its middle", function()
  for name, use in pairs(uses) do
    it(name, function()
      helper.withcollector(helper.leakless, function()
        local S = new()
        local ch, m = S.channel(1), S.mutex()
        local stop = restless(function() use(S, ch, m) end)
        for _ = 1, 5 do
          S.spawn(work, S, ch, m)
        end
        for _ = 1, 1500 do
          S.update(0.1, {instructions = 5000})
        end
        assert.is_true(stop() > 0)
        for _ = 1, 20 do
          S.update(1)
        end
        assert.equal("0 tasks", S.dump():match "^%d+ tasks?")
      end)
    end)
  end
end)
