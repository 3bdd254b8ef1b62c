-- tasks.lua: jobs as tasks that take turns, are preempted, and end in every way
--
-- A job is a table: 'name', and 'run', a function of 'pause' and 'closer' that
-- asserts what it expects. pause() lets other tasks run, from any depth;
-- closer() makes a value for a <close> variable in what runs inside the job.
-- Errors that come out of pcall or of a resume go through tasks.passed. Further
-- fields:
--   whole    it is neither closed nor dropped in the middle
--   uncaught no error is thrown into it
--   unsliced it is not preempted
--   failing  an error that its <close> variables may raise

local cfiber = require "cfiber"
local places = require "soak.places"
local copy = require "soak.stock"
local tells = require "soak.tells"

local random = math.random
local tasks = {resumes = 0, ended = {}}

-- ---------------------------------------------------------------------------
-- Errors from outside

local killed = setmetatable({}, {__tostring = function() return "killed" end})

--- Raises what was thrown into the task; returns all other arguments.
function tasks.passed(...)
  local ok, err = ...
  if not ok and err == killed then
    error(err, 0)
  end
  return ...
end

-- ---------------------------------------------------------------------------
-- Objects with finalizers, one for each task

tasks.made, tasks.finalized = 0, 0

local finalizers = {
  function() end,
  function()  -- a fiber comes and goes inside the finalizer
    local co = cfiber.wrap(string.gsub)
    assert(co("ab", "%a", cfiber.yield) == "a" and co "1" == "b" and co "2" == "12")
  end,
  function()  -- or stays behind
    assert(cfiber.resume(cfiber.create(function() string.gsub("a", "a", cfiber.yield) end)))
  end,
  function(t)  -- the task's own, if it was dropped
    t.ending = true
    if t.thread and cfiber.status(t.thread) == "suspended" then
      cfiber.close(t.thread)
    end
  end,
}

local mt = {}

function mt:__gc()
  tasks.finalized = tasks.finalized + 1
  local ok, err = pcall(self.finalizer, self.task)
  if not ok and not err:find "C stack overflow" then  -- collected where there is hardly any left
    tasks.failed = tasks.failed or err
  end
end

local function object(t)
  tasks.made = tasks.made + 1
  return setmetatable({task = t, finalizer = finalizers[random(#finalizers)]}, mt)
end

-- ---------------------------------------------------------------------------
-- What a job calls

local function pausing(t)
  return function()
    if t.ending then
      return
    end
    t.asked = t.asked + 1
    local asked = t.asked
    local answer = cfiber.suspend(t.thread, "pause", asked)
    assert(answer == t.answer and asked == t.asked, "a pause got another's answer")
  end
end

local function closing(t)
  local closable = {__close = function() t.closed = t.closed + 1 end}
  return function()
    t.opened = t.opened + 1
    return setmetatable({}, closable)
  end
end

local sizes = {256 << 10, 300000, 512 << 10, 1 << 20}

local function create(f)
  local how = random(4)
  if how == 1 then
    return copy.create(f)
  end
  return cfiber.create(f, how == 2 and sizes[random(#sizes)] or nil)
end

local function start(job)
  local t = {job = job, asked = 0, opened = 0, closed = 0}
  local own, depth = object(t), random(0, 3)
  t.thread = create(function()
    places.nest(function() job.run(pausing(t), closing(t)) end, depth, job)
    return "end", own ~= nil
  end)
  return t
end

-- ---------------------------------------------------------------------------
-- Resumes

local function called(f, ...)
  return f(...)
end

-- Where the scheduler stands when it resumes a task.
local resumers = {
  called, called, called,
  function(...) return cfiber.wrap(called)(...) end,
  function(...) return copy.wrap(called)(...) end,
  function(f, co, ...)
    local r, more = nil, {...}
    string.gsub("x", "x", function() r = table.pack(f(co, table.unpack(more))) end)
    return table.unpack(r, 1, r.n)
  end,
}

local function resumed(...)
  tasks.resumes = tasks.resumes + 1
  return resumers[random(#resumers)](...)
end

local function sliced(t)
  local ok, how, a, b = resumed(cfiber.slice, t.thread, random(1, 2000), t.answer)
  t.preempted = how == "budget"
  if ok and not t.preempted then
    assert((how == "return") == (cfiber.status(t.thread) == "dead"), how)
    return ok, a, b
  end
  return ok, how
end

local function go(t)
  if not t.preempted then
    t.answer = random(1 << 30)
  end
  if random(3) == 1 and not t.job.unsliced then
    return sliced(t)
  end
  t.preempted = false
  return resumed(cfiber.resume, t.thread, t.answer)
end

-- ---------------------------------------------------------------------------
-- Ends

local function note(how)
  tasks.ended[how] = (tasks.ended[how] or 0) + 1
  return true
end

local function fail(t, err)
  error(("job %s: %s\n%s"):format(t.job.name, tostring(err), cfiber.traceback(t.thread)), 0)
end

local function checkdead(t, preempted)
  assert(cfiber.status(t.thread) == "dead" and not cfiber.info(t.thread).mounted, "it is not dead")
  local balanced = t.opened == t.closed or preempted and t.opened > t.closed
  assert(balanced, ("job %s: %d opened, %d closed"):format(t.job.name, t.opened, t.closed))
end

local function died(t, err)
  if not t.thrown or err ~= killed then
    fail(t, err)
  end
  t.ending = true
  assert(cfiber.close(t.thread) == not tells)
  checkdead(t, t.hit)
  return note "thrown"
end

local function close(t)
  t.ending = true
  local ok, err = cfiber.close(t.thread)
  if not ok and err ~= t.job.failing then
    fail(t, err)
  end
  checkdead(t, t.preempted)
  return note(t.preempted and "closed where preempted" or "closed")
end

-- What a resume led to. Is it the end?
local function judge(t, ok, what, asked)
  if not ok then
    return died(t, what)
  elseif t.preempted then
    return false
  elseif what == "pause" then
    assert(asked == t.asked, "a pause of another")
    return false
  end
  assert(what == "end" and asked, what)
  assert(not t.thrown, "what was thrown is lost")
  checkdead(t)
  return note "finished"
end

local function throw(t)
  t.thrown, t.hit = true, t.preempted
  t.ending = random(2) == 1
  t.preempted = false
  return judge(t, resumed(cfiber.throw, t.thread, killed))
end

local function drop(t)
  return note(t.preempted and "dropped where preempted" or t.asked == 0 and "dropped before the start" or "dropped")
end

-- One turn; whether it was the last.
local function turn(t)
  local end_ = random(100)
  if end_ == 1 and not t.job.whole then
    return drop(t)
  elseif end_ == 2 and not t.job.whole and not t.thrown then
    return close(t)
  elseif end_ == 3 and not t.job.uncaught and not t.thrown then
    return throw(t)
  end
  return judge(t, go(t))
end

--- Runs up to ten of these jobs, in turns, until each has ended somehow.
function tasks.round(jobs)
  local all = {}
  for i = 1, random(10) do
    all[i] = start(jobs[random(#jobs)])
  end
  while #all > 0 do
    local i = random(#all)
    if turn(all[i]) then
      all[i] = all[#all]
      all[#all] = nil
    end
  end
  assert(not tasks.failed, tasks.failed)
end

return tasks
