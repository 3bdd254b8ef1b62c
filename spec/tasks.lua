-- tasks.lua: for specs of cfiber.task

local helper = require "helper"
local cfiber = helper.cfiber
local new = require("cfiber.task").new

local tasks = {}

--- The core of a scheduler, which has the records.
local function coreof(S)
  for i = 1, math.huge do
    local name, value = debug.getupvalue(S.update, i)
    if name == "x" then
      return value
    end
  end
end

tasks.core = coreof

--- A test f(S, log, seen, errors) of a scheduler of its own that leaves no task
-- and no stack behind. log(...) adds a line to seen; 'errors' are those that
-- were reported.
function tasks.clean(f)
  return function()
    helper.leakless(function()
      local seen, errors = {}, {}
      local function log(...)
        local line = table.pack(...)
        for i = 1, line.n do
          line[i] = tostring(line[i])
        end
        seen[#seen + 1] = table.concat(line, " ")
      end
      local S = new()
      local core = coreof(S)
      core.failed = function(_, t)
        errors[#errors + 1] = t.results[1]
      end
      f(S, log, seen, errors)
      assert(core.count == 0, "tasks are left")
    end)
  end
end

--- The record of a task.
function tasks.record(S, thread)
  return coreof(S):find(thread)
end

--- The threads of the tasks that have not ended.
function tasks.living(S)
  local list = {}
  for i, t in ipairs(coreof(S):living()) do
    list[i] = t.thread
  end
  return list
end

--- Cancels all that have not ended.
function tasks.cancelall(S)
  for _, thread in ipairs(tasks.living(S)) do
    S.cancel(thread)
  end
end

--- Ways to call a function inside a task.
tasks.ways = {
  ["directly"] = function(f) return f() end,
  ["below sort and gsub"] = function(f)
    local r
    table.sort({1, 2}, function()
      ("x"):gsub("x", function() r = r or table.pack(f()) end)
    end)
    return table.unpack(r, 1, r.n)
  end,
  ["in a generator"] = function(f)
    return cfiber.wrap(function() return f() end)()
  end,
  ["in a stock coroutine in a generator"] = function(f)
    return cfiber.wrap(function()
      return helper.stock.wrap(function() return f() end)()
    end)()
  end,
}

--- A to-be-closed value that calls f(text).
function tasks.closing(f, text)
  return setmetatable({}, {__close = function() f(text) end})
end

--- Asserts that f(...) fails; returns its message.
function tasks.message(f, ...)
  local ok, err = pcall(f, ...)
  assert(not ok, "it does not fail")
  return err
end

--- Asserts that f(...) fails with this in its message.
function tasks.fails(text, f, ...)
  local err = tasks.message(f, ...)
  assert(err:find(text, 1, true), err)
end

--- Cancels the task that runs, from where it cannot end at once.
function tasks.doom(S)
  local thread = cfiber.running()
  helper.finalize(function()
    S.spawn(S.cancel, thread)
  end)
end

--- A function that counts to n, by default for ever, then returns the value.
function tasks.hog(n, value)
  return function()
    local i = 0
    while i < (n or math.huge) do
      i = i + 1
    end
    return value
  end
end

--- Updates with a budget of some slices until a task has ended.
function tasks.crawl(S, thread)
  repeat
    S.update(0.001, {seconds = 0.001})
  until cfiber.status(thread) == "dead"
end

return tasks
