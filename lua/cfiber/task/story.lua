-- task/story.lua: tasks in words, as methods of the core: what they are
-- called, what they do, why they failed

local cfiber = require "cfiber"
local check = require "cfiber.task.check"
local core = require "cfiber.task.core"

local traceback, running = cfiber.traceback, cfiber.running
local create, slice = cfiber.create, cfiber.slice
local getinfo = debug.getinfo

local PATIENCE = 10000  -- instructions of a __tostring

-- tostring, also where __tostring fails or never ends.
local function text(value)
  local kind = type(value)
  if kind == "string" or kind == "number" then
    return tostring(value)
  end
  local ok, how, s = slice(create(tostring), PATIENCE, value)
  if ok and how == "return" then
    return s
  end
  local trouble = ok and ("more than %d instructions"):format(PATIENCE) or "an error"
  return ("%s with %s in its __tostring"):format(kind, trouble)
end

-- ---------------------------------------------------------------------------
-- Names

-- What getinfo says of the function that a thread began with, or nil. To look
-- at a level takes a time that grows with it, and recursions may be deep.
local function outermost(thread)
  local low, high = 0, 1
  while getinfo(thread, high, "l") do
    low, high = high, 2 * high
  end
  while high - low > 1 do
    local middle = (low + high) // 2
    if getinfo(thread, middle, "l") then
      low = middle
    else
      high = middle
    end
  end
  return getinfo(thread, low, "S")
end

local function definition(f)
  if type(f) == "thread" then
    return outermost(f)
  elseif type(f) ~= "function" then
    f = check.called(f)
  end
  return f and getinfo(f, "S")
end

-- "task 12 (game.lua:30)", where its function is defined; without a line for a
-- whole file.
local function number(id, f)
  local at = definition(f)
  if not at then  -- of a thread that has ended or not begun, or nothing that can be called any more
    return ("task %d"):format(id)
  elseif at.what == "Lua" then
    return ("task %d (%s:%d)"):format(id, at.short_src, at.linedefined)
  end
  return ("task %d (%s)"):format(id, at.what == "main" and at.short_src or "in C")
end

--- The name of a task.
function core.named(_, t)
  return t.name or number(t.id, t.f)
end

--- How sentences begin: "task 'guard'".
function core.title(_, t)
  return t.name and ("task '%s'"):format(t.name) or number(t.id, t.f)
end

-- ---------------------------------------------------------------------------
-- Where it stands and where it comes from

-- Is the line of a traceback one of the scheduler's functions?
local function isours(line)
  return line:find "^\t.-cfiber[/\\]task[/\\]%l+%.lua:%d+: "
end

-- Functions of C that it calls, before it comes back: as 'package.loaded' has
-- them, or, since Lua 5.5, as the code does.
local below = {call = true, pcall = true, error = true}
for name in pairs(cfiber) do
  below[name], below["cfiber." .. name] = true, true
end

local function isbelow(line)
  return below[line:match "^\t%[C%]: in %l+ '([%l.]+)'$"] or line == "\t(...tail calls...)"
end

-- Lines without those of the scheduler that come first: a traceback begins
-- where the task called it.
local function trim(lines)
  local ours = 0
  for i, line in ipairs(lines) do
    if isours(line) then
      ours = i
    elseif not isbelow(line) then
      break
    end
  end
  if ours > 0 and lines[ours + 1] == "\t(...tail calls...)" then
    ours = ours + 1
  end
  return table.move(lines, ours + 1, #lines + ours, 1)
end

-- Takes out what resumed a task that runs or closes: the scheduler, and who
-- updates it. The traceback begins in 'from', the task or what it resumed.
local function cut(lines, thread, from)
  local inside = from == thread
  for i, line in ipairs(lines) do
    if line:find "^\t%(%.%.%.resumed by " then
      if inside then
        return table.move(lines, 1, i - 1, 1, {})
      end
      inside = line:find(tostring(thread), 1, true)
    end
  end
  return lines
end

-- The traceback of a task, from the innermost of what runs inside it, as an
-- array of lines.
local function frames(self, t)
  local from = t == self.cur and running() or t.thread
  local lines = {}
  for line in traceback(from, ""):gmatch "\n(\t[^\n]*)" do
    lines[#lines + 1] = line
  end
  if t.state == "running" or t.state == "doomed" or t.state == "closing" then
    lines = cut(lines, t.thread, from)
  end
  return trim(lines)
end

-- Who spawned a task: a level of its origin.
local function spawned(o)
  local by = o.task and (o.name and (" by '%s'"):format(o.name) or " by " .. number(o.task, o.body)) or ""
  local at = o.f and o.line > 0 and (" at %s:%d"):format(getinfo(o.f, "S").short_src, o.line) or ""
  return "spawned" .. (by .. at == "" and " by the host" or by .. at)
end

--- Who spawned a task, in one line.
function core.spawned(_, t)
  return spawned(t.origin)
end

-- ---------------------------------------------------------------------------
-- One task, all tasks

local doings = {
  running = "runs",
  doomed = "is cancelled",
  closing = "closes its variables",
  ended = "has ended",
}

-- For waits that are not inside of a function of this name.
local waits = {
  spawn = "to be spawned again",
  delay = "to begin",
}

--- For what a task waits, and on what object: "in 'join' on task 'guard'".
function core:awaited(t)
  local on, what = t.on, waits[t.what] or ("in '%s'"):format(t.what)
  if not on then
    return what
  end
  local isrecord = type(on) == "table" and self:find(rawget(on, "thread")) == on
  return ("%s on %s"):format(what, isrecord and self:title(on) or text(on))
end

-- What a task does, in a few words.
local function doing(self, t)
  if t.state == "ready" then
    return t.stopped and "was stopped by the budget" or "is ready"
  elseif doings[t.state] then
    return doings[t.state]
  end
  local left = t.due and ("; %.3f s left"):format(t.due - self.now) or ""
  return ("has waited %.3f s %s, since %.3f s%s"):format(self.now - t.since, self:awaited(t), t.since, left)
end

--- What a task does, where, and who spawned it: some lines of text.
function core:describe(t)
  local lines = frames(self, t)
  table.insert(lines, 1, ("%s %s"):format(self:title(t), doing(self, t)))
  lines[#lines + 1] = "\t" .. spawned(t.origin)
  return table.concat(lines, "\n")
end

--- The same for all tasks that have not ended, in order of age.
function core:dump()
  local busy = self.busy
  self.busy = true
  local list = self:living()
  self.busy = busy
  local texts = {("%d task%s at %.3f s"):format(#list, #list == 1 and "" or "s", self.now)}
  for _, t in ipairs(list) do
    texts[#texts + 1] = self:describe(t)
  end
  return table.concat(texts, "\n\n")
end

-- ---------------------------------------------------------------------------
-- Failures

--- Why a task failed, where, and who spawned it, who spawned that, and so on.
function core:story(t)
  local lines = frames(self, t)
  table.insert(lines, 1, ("%s failed: %s"):format(self:title(t), text(t.results[1])))
  if #lines > 1 then  -- one that was closed has none
    table.insert(lines, 2, "stack traceback:")
  end
  local o = t.origin
  while o do
    lines[#lines + 1] = "\t" .. spawned(o)
    if o.task and not o.before then
      lines[#lines + 1] = "\t..."
    end
    o = o.before
  end
  local cause = t.cause
  if cause and rawequal(cause.error, t.results[1]) then
    lines[#lines + 1] = cause.text
  end
  return table.concat(lines, "\n")
end

--- What t did that has failed, for the story of a task in which its error is
-- raised: a table with the error and a text. Runs nobody's code.
function core:cause(t)
  local lines, err = frames(self, t), t.results[1]
  table.insert(lines, 1, ("it is the error of %s"):format(self:title(t)))
  lines[#lines + 1] = "\t" .. spawned(t.origin)
  local cause = t.cause
  if cause and rawequal(cause.error, err) then
    lines[#lines + 1] = cause.text
  end
  return {error = err, text = table.concat(lines, "\n")}
end

--- Gives the story of a task that failed to on_error(err, thread, story). When
-- that fails, both stories go to stderr.
function core:report(t, on_error)
  local story = self:story(t)
  local ok, err = xpcall(on_error, function(err)
    return traceback(text(err), 2)
  end, t.results[1], t.thread, story)
  if not ok then
    io.stderr:write(story, "\n", "on_error failed: ", err, "\n")
  end
end
