-- collector.lua: 'collectgarbage' with the arguments of Lua 5.4, in 5.5 too,
-- where it takes parameters one by one, and sizes in bytes

if _VERSION == "Lua 5.4" then
  return collectgarbage
end

local function set(name, value)
  if value and value > 0 then
    collectgarbage("param", name, value)
  end
end

-- 5.5 takes a step in which there is nothing to do for a whole cycle ('incstep'
-- in lgc.c): the least is a step of two units of eight bytes.
local function stepsize(exponent, multiplier)
  return math.max(1 << exponent, 1600 // multiplier, 16)
end

return function(option, a, b, c)
  if option == "incremental" then
    set("pause", a)
    set("stepmul", b)
    set("stepsize", c and stepsize(c, b))
  elseif option == "generational" then
    set("minormul", a)
    set("minormajor", b)
  elseif option == "step" then
    return collectgarbage("step", (a or 0) << 10)
  end
  return collectgarbage(option)
end
