-- combine_sliced_spec.lua: timeout, all, any, groups and await, stopped anywhere

local helper = require "helper"
local tasks = require "tasks"

local clean, closing, hog = tasks.clean, tasks.closing, tasks.hog

local sizes = {1, 2, 3, 5, 7, 11, 17, 29, 50}  -- instructions of an update
if helper.mode == "collector" then
  sizes = {2, 11, 50}  -- collections take time
end

-- Each is run in a task; 'left' has what is not closed yet, which is nothing in
-- the end: a set, because a sum can be stopped between its reading and writing.
-- They return what must be true.
local scenarios = {}

-- Waits for ever, or for the update after the next ones.
local function open(S, left, seconds)
  local one = {}
  local _ <close> = closing(function() left[one] = nil end)
  left[one] = true  -- a timeout may come before
  S.wait(seconds or math.huge)
end

scenarios["all ends well"] = function(S)
  local task = S.spawn(function() S.wait() return 1 end)
  local a, b, c = S.all(task, hog(100, 2), function() S.wait() S.wait() return 3 end)
  return a == 1 and b == 2 and c == 3
end

scenarios["all fails"] = function(S, left)
  local ok, err = pcall(S.all, function() open(S, left) end, function() S.wait() error("bad", 0) end, function()
    open(S, left)
  end)
  return not ok and err == "bad" and next(left) == nil
end

scenarios["any"] = function(S, left)
  local n, value = S.any(function() open(S, left) end, function() S.wait() error "bad" end, function()
    S.wait()
    S.wait()
    return "x"
  end)
  return n == 3 and value == "x" and next(left) == nil
end

scenarios["a timeout"] = function(S, left)
  local ok, why = S.timeout(0.01, open, S, left)
  local well, value = S.timeout(math.huge, hog(100, "x"))
  return not ok and why == "timeout" and well and value == "x" and next(left) == nil
end

scenarios["a group ends well"] = function(S, left)
  do
    local g <close> = S.group()
    for _ = 1, 3 do
      g:spawn(open, S, left, 0)
    end
    g:wait()
    g:spawn(open, S, left, 0)
  end
  return next(left) == nil
end

scenarios["a group fails"] = function(S, left)
  local ok, err = pcall(function()
    local g <close> = S.group()
    for _ = 1, 3 do
      g:spawn(open, S, left)
    end
    g:spawn(function() S.wait() error("bad", 0) end)
    open(S, left)
  end)
  S.wait()
  return not ok and err == "bad" and next(left) == nil
end

scenarios["a group is cancelled with its owner"] = function(S, left)
  local owner = S.spawn(function()
    local g <close> = S.group()
    g:spawn(open, S, left)
    S.all(function() open(S, left) end, g:spawn(open, S, left))
  end)
  S.wait()
  S.cancel(owner)
  return next(left) == nil
end

scenarios["await"] = function(S)
  local sum = 0
  for i = 1, 5 do
    sum = sum + S.await(function(callback)
      S.spawn(function()
        if i % 2 == 0 then
          S.wait()
        end
        callback(i)
      end)
    end)
  end
  return sum == 15
end

describe("Stopped anywhere,", function()
  for name, scenario in pairs(scenarios) do
    it(name .. " does what it does else", clean(function(S)
      for _, size in ipairs(sizes) do
        local threads = {}
        for i = 1, 3 do
          threads[i] = S.defer(scenario, S, {})
        end
        local updates = 0
        repeat
          S.update(0.001, {instructions = size})
          updates = updates + 1
          assert(updates < 1e5, "it does not end")
        until #tasks.living(S) == 0
        for i = 1, 3 do
          assert.same({true, true}, {S.join(threads[i])}, size .. " instructions")
        end
      end
    end))
  end
end)
