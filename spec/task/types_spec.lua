-- types_spec.lua: the types for editors name what there is

local annotations = dofile "doc/manual/annotations.lua"
local task = require "cfiber.task"

local declared = annotations.names "lua/cfiber/task/types.lua"

local function there(t)
  local names = {}
  for name, value in pairs(t) do
    if type(value) == "function" and not name:find "^__" then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end

describe("The types of cfiber.task", function()
  it("have the functions of a scheduler", function()
    assert.same(there(task), declared.task)
  end)

  -- 'others' are for the scheduler's own use.
  local function has(class, object, others)
    local names = table.move(others or {}, 1, #(others or {}), #declared[class] + 1, {table.unpack(declared[class])})
    table.sort(names)
    assert.same(there(getmetatable(object).__index), names)
  end

  it("have methods of a signal, and of a connection", function()
    has("signal", task.signal())
    has("connection", task.signal():connect(print))
  end)

  it("have methods of a channel", function()
    has("channel", task.channel())
  end)

  it("have methods of a mutex", function()
    has("mutex", task.mutex(), {"atend", "giveback"})
  end)

  it("have methods of a group", function()
    local group
    task.spawn(function()
      local g <close> = task.group()
      group = g
    end)
    has("group", group, {"ended", "isover"})
  end)
end)
