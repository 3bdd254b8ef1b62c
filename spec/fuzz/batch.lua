-- batch.lua: programs run by child processes, one for each build

local text = require "text"

local batch = {}

local directory = arg[0]:gsub("[^/]*$", "")
local interpreter = os.getenv "LUA" or "lua" .. _VERSION:match "%d+%.%d+"

--- Seconds after which a child is said to hang.
batch.patience = 120

local function quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- The child finds the modules of one build and this program's own.
local function command(build, job)
  return ("unset LUA_CPATH_5_4 LUA_CPATH_5_5; LUA_CPATH=%s exec timeout %d %s %sworker.lua %s 2>&1"):format(
    quote(build .. "/?.so"), batch.patience, quote(interpreter), quote(directory), quote(job))
end

local function ending(how, code)
  if how == "exit" and code == 124 then
    return "hangs"
  elseif how == "exit" and code > 128 then
    return "signal " .. code - 128
  end
  return how .. " " .. code
end

-- Reads what a child says. Calls 'event' with each "done" and "fail"; returns
-- the program that it was busy with and the lines of that when it ended.
local function listen(pipe, event)
  local busy, failure
  local rest = {}
  local function failed()
    if failure then
      event {fail = failure.kind, index = failure.index, details = table.concat(rest, "\n")}
      failure = nil
    end
  end
  for line in pipe:lines() do
    local word, index, more = line:match "^(%l+) (%d+) ?(.*)$"
    if word == "begin" then
      failed()
      busy, rest = tonumber(index), {}
    elseif word == "memory" then
      event {memory = tonumber(index)}
    elseif word == "done" and tonumber(index) == busy then
      local executed, hash = more:match "^(%d+) (%x+)$"
      event {index = busy, executed = tonumber(executed), hash = hash}
      busy = nil
    elseif word == "fail" and tonumber(index) == busy then
      failure, busy = {kind = more, index = busy}, nil
    else
      rest[#rest + 1] = line
    end
  end
  failed()
  return busy, table.concat(rest, "\n")
end

--- Runs a job (see worker.lua) in a child of a build; calls 'event' with
-- tables: 'index' of a program, and 'executed' and 'hash' or, where it failed,
-- 'fail', the kind of failure, and 'details'; or just 'memory'. Returns the
-- index of the program that ended the child, or nil.
function batch.run(build, job, event)
  local name = os.tmpname()
  text.save(name, job)
  local pipe = assert(io.popen(command(build, name)))
  local busy, rest = listen(pipe, event)
  local ok, how, code = pipe:close()
  os.remove(name)
  if busy or not ok then
    event {fail = "crash", index = busy or -1, details = ending(how, code) .. "\n" .. rest}
  end
  return busy
end

--- Runs programs in all builds. Returns the index of the first that fails, its
-- kind and details; or nil.
function batch.judge(builds, programs)
  local hashes, first = {}, nil
  local function fail(index, kind, details)
    if not first or index < first.index then
      first = {index = index, kind = kind, details = details}
    end
  end
  for _, build in ipairs(builds) do
    batch.run(build, {programs = programs}, function(e)
      if e.fail then
        fail(e.index, e.fail, build .. ": " .. e.details)
      elseif e.hash and hashes[e.index] and hashes[e.index] ~= e.hash then
        fail(e.index, "builds differ", build)
      end
      if e.hash then
        hashes[e.index] = e.hash
      end
    end)
  end
  if first then
    return first.index, first.kind, first.details
  end
end

return batch
