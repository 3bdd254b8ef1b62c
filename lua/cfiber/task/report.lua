-- task/report.lua: what tasks are called, what they do, what becomes of errors

local check = require "cfiber.task.check"
require "cfiber.task.story"

local report = {}

--- Reads a task's name or sets it: name(), name(thread), name("guard"),
-- name(thread, "guard").
-- @param thread  a task, ended or not; default: the one that runs
-- @param name    a string
-- @return the name; by default its number and where its function is defined:
--   "task 12 (game.lua:30)"
function report.name(core, thread, name)
  local n, t = 2, nil
  if type(thread) == "thread" then
    t = core:find(thread) or check.fail(1, "name", "not a task of this scheduler")
  elseif name ~= nil then
    check.type(1, "name", "thread", thread)
  else
    n, name, t = 1, thread, core:current "name"
  end
  if name ~= nil then
    check.type(n, "name", "string", name)
    t.name = name
    if core.tracer then
      core.tracer:named(t)
    end
  end
  return core:named(t)
end

--- All tasks that have not ended, in order of age.
-- @return an array of their threads
function report.tasks(core)
  local list = core:living()
  for i = 1, #list do
    list[i] = list[i].thread
  end
  return list
end

--- All tasks that have not ended, in order of age: their names, for what they
-- wait and since when, in seconds of the updates; their tracebacks, from the
-- innermost of what runs inside them; who spawned them.
-- @return a text of many lines
function report.dump(core)
  return core:dump()
end

--- Called with the error of a task that nobody joins; writes the story to
-- stderr. To be replaced by a function of one's own: scheduler.on_error = f.
-- Its own errors go to stderr.
-- @param err     any value, also nil
-- @param thread  the task
-- @param story   a text of some lines: the task's name, the message, the
--   traceback, who spawned the task, who spawned that one, and so on
function report.on_error(_, err, thread, story)  -- luacheck: no unused
  io.stderr:write(story, "\n")
end

return report
