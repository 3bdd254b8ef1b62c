-- timers_spec.lua: which records are due, against a list that is sorted

local timers = require "cfiber.task.timers"

-- What is due of the list, in order of time and age; they are taken out.
local function due(list, now)
  local out = {}
  for i = #list, 1, -1 do
    if list[i].due <= now then
      table.insert(out, 1, table.remove(list, i))
    end
  end
  table.sort(out, function(a, b)
    return a.due < b.due or a.due == b.due and a.id < b.id
  end)
  return out
end

describe("Timers", function()
  for seed = 1, 8 do
    it("come in order of time, those of one time in order of age, seed " .. seed, function()
      math.randomseed(seed)
      local t, list, now, id = timers.new(), {}, 0.0, 0
      for _ = 1, 100 do
        for _ = 1, math.random(0, 4) do
          id = id + 1
          local far = ({0.0001, 0.01, 2, 1000})[math.random(4)]
          local record = {id = id, due = now + math.random(0, 8) * far}
          t:add(record, record.due)
          list[#list + 1] = record
        end
        if #list > 0 and math.random(3) == 1 then
          t:remove(table.remove(list, math.random(#list)))
        end
        now = now + math.random() * ({0, 0.001, 0.1, 500})[math.random(4)]
        local dues = {}
        for i, record in ipairs(due(list, now)) do
          dues[i] = record.id
        end
        local came, last = {}, {due = false}
        t:pass(now, function(_, record)
          assert.is_false(last.due)  -- its timer is off
          came[#came + 1], last = record.id, record
        end)
        assert.is_false(last.due)
        assert.same(dues, came)
        assert.equal(#list == 0, t:first() == nil)
      end
    end)
  end

  it("far away that are taken out leave nothing behind", function()
    local t = timers.new()
    for i = 1, 100 do
      local record = {}
      t:add(record, i * 10.0)
      t:remove(record)
    end
    assert.Nil(t:first())
    assert.Nil(next(t.buckets))
    assert.equal(0, t.heap:size())
  end)
end)
