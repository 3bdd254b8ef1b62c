-- task/check.lua: arguments, with messages in Lua's words
--
-- Each check takes the argument's number and the function's name. Its error
-- points at the caller of the function that checks: functions of a scheduler
-- are reached by tail calls, which leave no level.

local getmetatable = debug.getmetatable

local check = {}

local function raise(level, n, name, what)
  error(("bad argument #%d to '%s' (%s)"):format(n, name, what), level + 1)
end

-- Called by checks only.
local function expect(n, name, expected, value)
  local got = value == nil and "no value" or type(value)
  raise(4, n, name, ("%s expected, got %s"):format(expected, got))
end

--- Raises an argument error at the caller of the function that calls this.
function check.fail(n, name, what)
  raise(3, n, name, what)
end

--- Raises the error of a method that was called without one of its objects, as
-- by a '.' in the place of a ':'.
function check.self(name, class, self)
  local got = self == nil and "no value" or type(self)
  error(("calling '%s' on bad self (%s expected, got %s)"):format(name, class, got), 3)
end

--- The function that a call of value calls, or nil.
function check.called(value)
  if type(value) == "function" then
    return value
  end
  local meta = getmetatable(value)  -- whatever its __metatable says
  local call = meta and rawget(meta, "__call")
  return type(call) == "function" and call or nil
end

function check.iscallable(value)
  return check.called(value) ~= nil
end

function check.callable(n, name, value)
  if not check.iscallable(value) then
    expect(n, name, "function", value)
  end
end

function check.type(n, name, wanted, value)
  if type(value) ~= wanted then
    expect(n, name, wanted, value)
  end
end

--- A time in seconds, 0 or more; math.huge is never.
function check.seconds(n, name, value)
  if type(value) ~= "number" then
    expect(n, name, "number", value)
  elseif value ~= value or value < 0 then
    raise(3, n, name, "seconds must not be negative")
  end
end

--- An integer of at least 'least'.
function check.count(n, name, value, least)
  if type(value) ~= "number" or not math.tointeger(value) then
    expect(n, name, "integer", value)
  elseif value < least then
    raise(3, n, name, ("must be at least %d"):format(least))
  end
end

--- What may run in one update: {instructions = n, seconds = s}, or nil.
function check.limits(n, name, limits)
  if limits == nil then
    return
  elseif type(limits) ~= "table" then
    expect(n, name, "table", limits)
  end
  for key, value in pairs(limits) do
    if key == "instructions" then
      if type(value) ~= "number" or not math.tointeger(value) or value < 1 then
        raise(3, n, name, "instructions must be an integer of at least 1")
      end
    elseif key ~= "seconds" then
      raise(3, n, name, ("unknown limit '%s'"):format(tostring(key)))
    elseif type(value) ~= "number" or value ~= value or value < 0 then
      raise(3, n, name, "seconds must be a number of at least 0")
    end
  end
end

return check
