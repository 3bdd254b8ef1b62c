-- closing.lua: to-be-closed variables in coroutines
local function variable(name, failure)
  return setmetatable({}, {__close = function(_, problem)
    print("  closes " .. name, problem)
    if failure then
      error(failure, 0)
    end
  end})
end

local function body(ending)
  return coroutine.create(function()
    local _ <close> = variable "first"
    do
      local _ <close> = variable "in a block"
      coroutine.yield "in the block"
    end
    local _ <close> = variable("last", ending == "failing close" and "close failed")
    coroutine.yield "after the block"
    if ending == "error" then
      error("body failed", 0)
    end
    return "result"
  end)
end

for _, ending in ipairs {"return", "error", "failing close"} do
  print(ending)
  local co = body(ending)
  print(coroutine.resume(co))
  print(coroutine.resume(co))
  print(coroutine.resume(co))
  print(coroutine.status(co))
end

for resumes = 0, 2 do
  print("closed after " .. resumes .. " resumes")
  local co = body "failing close"
  for _ = 1, resumes do
    coroutine.resume(co)
  end
  print(coroutine.close(co))
  print(coroutine.status(co), coroutine.close(co))
end

print "the closing value of a loop"
local function numbers()
  local thread = coroutine.create(function()
    local _ <close> = variable "the generator's"
    for i = 1, 10 do
      coroutine.yield(i)
    end
  end)
  return function()
    return select(2, coroutine.resume(thread))
  end, nil, nil, setmetatable({}, {__close = function()
    print("  closed", coroutine.close(thread))
  end})
end
for i in numbers() do
  print(i)
  if i == 2 then
    break
  end
end

print "an error through wrap closes the body's variables"
print(pcall(coroutine.wrap(function()
  local _ <close> = variable "before"
  local _ <close> = variable("replaced", "another error")
  error("an error", 0)
end)))
