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

local function add(t, due)
  local record = {}
  t:add(record, due)
  return record
end

local function pass(t, now)
  local list = {}
  t:pass(now, function(_, record) list[#list + 1] = record end)
  return list
end

describe("A timer that is set in the middle of setting another", function()
  it("comes at its time", function()
    for first = 1, 3 do
      local t, late = timers.new(), nil
      inside(t, "insert", function() late = add(t, first) end)
      local early = add(t, 2)
      local other = add(t, 3)
      local list = first == 1 and {late, early, other} or {early, late, other}
      assert.same(list, pass(t, 10))
      assert.Nil(t:first())
    end
  end)

  it("leaves nothing behind when it is taken out there", function()
    local t = timers.new()
    local gone = add(t, 5)
    inside(t, "insert", function() t:remove(gone) end)
    local record = add(t, 6)
    assert.equal(1, t.heap:size())
    assert.same({record}, pass(t, 10))
    assert.Nil(next(t.buckets))
  end)

  it("comes where the other failed for want of memory", function()
    local t = timers.new()
    inside(t, "insert", function() error "not enough memory" end)
    local one = {}
    assert.is_false(pcall(t.add, t, one, 1))
    local two = add(t, 2)
    assert.same({one, two}, pass(t, 10))
    assert.Nil(t:first())
  end)
end)
