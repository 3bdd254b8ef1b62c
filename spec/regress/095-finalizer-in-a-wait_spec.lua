-- 095: a finalizer that the collector ran in the middle of a wait that began, and that
-- used the scheduler, undid the wait: the task never ran again.

local child = require "child"

-- In a process of its own, whose memory is small: there objects are collected
-- as soon as they can be, inside the scheduler, too.
local program = [[
local new = require("cfiber.task").new
require("collector")("incremental", 1, 1000, 1)
local S = new()
local ch, m = S.channel(1), S.mutex()
local going, calls = true, 0

local function use()
  %s
end

local function again()
  setmetatable({}, {__gc = function()
    if going then
      calls = calls + 1
      use()
      again()
    end
  end})
end

local function work()
  for i = 1, 100 do
    S.wait()
    ch:put(i, 1)
    ch:get(1)
    local _ <close> = m:lock(10)
    S.timeout(1, S.wait)
  end
end

again()
for _ = 1, 5 do
  S.spawn(work)
end
for _ = 1, 1500 do
  S.update(0.1, {instructions = 5000})
end
going = false
for _ = 1, 20 do
  S.update(1)
end
print(calls > 100, S.dump():match "^%%d+ tasks?")
]]

local uses = {
  ["gets"] = "ch:get(0)",
  ["puts"] = "ch:put(0, 0)",
  ["spawns"] = "S.spawn(function() end)",
  ["defers"] = "S.defer(function() end)",
  ["delays"] = "S.delay(0.1, function() end)",
  ["is refused to wait"] = "pcall(ch.get, ch)",
}

describe("A wait goes on where a finalizer in its middle", function()
  for name, use in pairs(uses) do
    it(name, function()
      local r = child.bare(program:format(use))
      assert.equal("", r.errors)
      assert.equal("true\t0 tasks\n", r.output)
    end)
  end
end)
