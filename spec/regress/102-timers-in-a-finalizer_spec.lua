-- 102: a finalizer that the collector ran while a timer was set, and that set one
-- itself, could leave two lists of the same time, or the heap in disorder: tasks
-- were woken late or never.

local timers = require "cfiber.task.timers"

-- As a finalizer in the middle of the heap's own functions does: 'first' is
-- called once, inside of the next call of this method of the heap.
local function inside(t, name, first)
  local method = t.heap[name]
  t.heap[name] = function(...)
    t.heap[name] = method
    first()
    return method(...)
  end
end

local function add(t, due, name)
  local record = {name = name}
  t:add(record, due)
  return record
end

-- The names of those that have come.
local function pass(t, now)
  local names = ""
  t:pass(now, function(_, record) names = names .. record.name end)
  return names
end

describe("A timer that is set in the middle of a change of the heap", function()
  it("comes at its time", function()
    for first = 1, 3 do
      local t = timers.new()
      inside(t, "insert", function() add(t, first, "c") end)
      add(t, 2, "a")
      add(t, 3, "b")
      assert.equal(({"cab", "acb", "abc"})[first], pass(t, 10))
      assert.Nil(t:first())
    end
  end)

  it("leaves nothing behind when it is taken out there", function()
    local t = timers.new()
    local gone = add(t, 5, "a")
    inside(t, "insert", function() t:remove(gone) end)
    add(t, 6, "b")
    assert.equal(6, t:first())
    assert.equal(1, t.heap:size())
    assert.equal("b", pass(t, 10))
    assert.Nil(t:first())
    assert.Nil(next(t.buckets))
  end)

  it("comes where that failed for want of memory", function()
    local t = timers.new()
    inside(t, "insert", function() error "not enough memory" end)
    add(t, 1, "a")
    assert.is_false(pcall(t.first, t))
    add(t, 2, "b")
    assert.equal("ab", pass(t, 10))
    assert.Nil(t:first())
  end)
end)
