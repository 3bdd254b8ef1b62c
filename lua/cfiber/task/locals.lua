-- task/locals.lua: values of a task that those which it spawns can read
--
-- Each task that asks has a table; what is not in it is looked up in that of
-- the task that spawned it. So that tasks which go on in others for ever keep
-- no row of tables behind them, those of ended tasks become one.

local getmetatable = debug.getmetatable

local locals = {}

-- A table that reads from 'above'; 't' is the record of its task, false for
-- several that have ended.
local function new(above, t)
  return setmetatable({}, {__index = above, task = t, __metatable = "locals"})
end

local function ended(values)
  local t = getmetatable(values).task
  return not t or t.state == "ended"
end

-- The values of 'from' and of all above it whose tasks have ended, in one.
local function merge(from)
  local row, last = {}, from
  while last and ended(last) do
    row[#row + 1] = last
    last = getmetatable(last).__index
  end
  if #row < 2 then
    return from
  end
  local one = new(last, false)
  for i = #row, 1, -1 do
    for k, v in next, row[i] do
      rawset(one, k, v)
    end
  end
  return one
end

-- Shortens the row that begins with these values.
local function shorten(values)
  local first = values and merge(values)
  local at = first
  while at do
    local meta = getmetatable(at)
    local above = meta.__index
    meta.__index = above and merge(above)
    at = meta.__index
  end
  return first
end

--- The table of the running task's own values. Reading it finds also what the
-- task that spawned this one has in its table, and so on; writing changes this
-- task's alone.
function locals.locals(core)
  local t = core:current "locals"
  if not t.locals then
    t.locals = new(shorten(t.inherited), t)
    t.inherited = nil
  end
  return t.locals
end

return locals
