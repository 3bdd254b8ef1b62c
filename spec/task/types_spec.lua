-- types_spec.lua: the types for editors name what there is

local task = require "cfiber.task"

local function declared(class)
  local names = {}
  local file <close> = assert(io.open "lua/cfiber/task/types.lua")
  for line in file:lines() do
    local name = line:match("^function " .. class .. "[.:]([%w_]+)") or class == "task" and line:match "^%-%-%-@field ([%w_]+) fun"
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

  for _, class in ipairs {"signal", "channel", "mutex"} do
    it("have the methods of a " .. class, function()
      assert.same(there(getmetatable(task[class]()).__index), declared(class))
    end)
  end

  it("have the methods of a group", function()
    local methods
    task.spawn(function()
      local g <close> = task.group()
      methods = there(getmetatable(g).__index)
    end)
    assert.same(declared "group", methods)
  end)
end)
