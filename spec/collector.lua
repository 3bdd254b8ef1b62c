-- collector.lua: 'collectgarbage' with the arguments of Lua 5.4, in 5.5 too; and
-- with "default", which is "incremental" with the values that Lua begins with

if _VERSION == "Lua 5.4" then
  return function(option, ...)
    if option == "default" then
      return collectgarbage("incremental", 200, 100, 13)
    end
    return collectgarbage(option, ...)
  end
end

local names = {"pause", "stepmul", "stepsize", "minormul", "minormajor"}
local defaults = {}
for _, name in ipairs(names) do
  defaults[name] = collectgarbage("param", name)
end

local function set(name, value)
  if value and value > 0 then
    collectgarbage("param", name, value)
  end
end

-- The work for what was allocated: in 5.4 a unit for each 16 bytes, in 5.5 a
-- hundredth for each eight. There a step in which that is nothing is a whole
-- cycle ('incstep' in lgc.c of each).
local function incremental(pause, multiplier, exponent)
  set("pause", pause)
  set("stepmul", multiplier and multiplier * 50)
  set("stepsize", exponent and math.max(1 << exponent, 16))
end

return function(option, a, b, c)
  if option == "incremental" then
    incremental(a, b, c)
  elseif option == "generational" then
    set("minormul", a)
    set("minormajor", b)
  elseif option == "step" then  -- in 5.5 of bytes
    return collectgarbage("step", (a or 0) << 10)
  elseif option == "default" then
    for _, name in ipairs(names) do
      set(name, defaults[name])
    end
    option = "incremental"
  end
  return collectgarbage(option)
end
