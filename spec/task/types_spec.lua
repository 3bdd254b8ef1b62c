-- types_spec.lua: the types for editors name what there is

local task = require "cfiber.task"

local function declared(class)
  local names = {}
  local file <close> = assert(io.open "lua/cfiber/task/types.lua")
  for line in file:lines() do
    local name = line:match("^function " .. class .. "[.:]([%w_]+)")
      or class == "task" and line:match "^%-%-%-@field ([%w_]+) fun"
    if name then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end

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
    assert.same(there(task), declared "task")
  end)

  -- There may be more, for the scheduler's own use.
  local function has(class, object)
    local methods = getmetatable(object).__index
    for _, name in ipairs(declared(class)) do
      assert.equal("function", type(methods[name]), name)
    end
  end

  for _, class in ipairs {"signal", "channel", "mutex"} do
    it("have methods of a " .. class, function()
      has(class, task[class]())
    end)
  end

  it("have methods of a group, and of a connection", function()
    local group
    task.spawn(function()
      local g <close> = task.group()
      group = g
    end)
    has("group", group)
    has("connection", task.signal():connect(print))
  end)
end)
