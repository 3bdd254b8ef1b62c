---@meta cfiber.task
-- task/types.lua: what an editor shows of cfiber.task and the manual says of it; never required

---A scheduler for game loops and scripts. The module is one; `task.new` makes more, each with tasks, a time and an
---`on_error` of its own. A task is a thread. Functions are called without a self, methods of signals, channels, mutexes
---and groups with a colon. Times are seconds of the host's updates. All check their arguments and raise "bad argument
---...", methods also "calling 'get' on bad self". Those that wait raise "'wait' outside of a task" (each with its
---name), "attempt to yield from a finalizer", and the first error of a group whose block the task is in. Where the task
---is cancelled they do not return.
---@class cfiber.scheduler
---Called with the error of a task that nobody joins when it fails, its thread, and a text: the task's name, the error,
---its traceback, who spawned it; where it is the error of another task, that one too. By default it writes the text to
---stderr.
---@field on_error fun(err: any, thread: thread, story: string)
local task = {}

---@class cfiber.limits
---@field instructions? integer VM instructions of all tasks, 1 or more
---@field seconds? number of processor time

---@alias cfiber.body fun(...): ... | thread

-- ---------------------------------------------------------------------------
-- The host

---Another scheduler, with tasks and a time of its own.
---@return cfiber.scheduler
function task.new() end

---Lets `dt` seconds pass and runs what is due. Without limits a task that never waits holds it off for ever. Raises
---"update inside of an update of the same scheduler". An error of memory comes through it: no task is lost, the next
---update does what is left.
---```lua
---task.spawn(function()
---  while true do end
---end)
---print(task.update(1 / 60, {instructions = 1000}) == 1)  --> true
---```
---@param dt number seconds since the last update, 0 or more
---@param limits? cfiber.limits what does not fit goes on in the next update, all in turn
---@return integer left how many tasks did not fit into the limits; those that wait do not count: see `task.tasks`
---@return thread[]? stopped those of them that were stopped in the middle
function task.update(dt, limits) end

---Updates until no task is left; sleeps where nothing is to run. Raises "deadlock" where nothing can wake them, and
---"interrupted!" on Ctrl-C, each with what every task waits for; "run inside of an update of the same scheduler", and
---"to sleep, run needs luv or luasystem" where neither is there.
---@param limits? cfiber.limits | false of each update; by default a hundredth of a second; false: none
function task.run(limits) end

-- ---------------------------------------------------------------------------
-- Start

---Runs `f(...)` in a new task now, until it first waits. Outside of tasks the limits of the last update hold, and
---before the first one it is stopped after some 10,000 instructions: the rest comes in the next update. Raises "the
---task waits ..." or "is ..." where it waits or runs, "a task of another scheduler", "cannot start a dead thread" and
---the like.
---```lua
---task.spawn(function(text)
---  task.wait(1)
---  print(text)
---end, "a second later")
---
---for _ = 1, 61 do
---  task.update(1 / 60)
---end
-----> a second later
---```
---@param f cfiber.body a thread: suspended, or a task that yielded by itself, whose yield returns the arguments
---@param ... any
---@return thread
function task.spawn(f, ...) end

---The same as `spawn` at the end of this update, when nothing else is left to run.
---@param f cfiber.body
---@param ... any
---@return thread
function task.defer(f, ...) end

---The same as `spawn` when so many seconds have passed, but not before the next update.
---@param seconds number
---@param f cfiber.body
---@param ... any
---@return thread
function task.delay(seconds, f, ...) end

-- ---------------------------------------------------------------------------
-- Time

---Waits for so many seconds, by default and at least until the next update.
---@param seconds? number
---@return number passed seconds
function task.wait(seconds) end

---Waits for the n-th update from now.
---@param n integer 1 or more
---@return number passed seconds
function task.frames(n) end

---Waits until `predicate()` is true; it is called now and in each update.
---@generic T
---@param predicate fun(): T
---@return T
function task.wait_until(predicate) end

-- ---------------------------------------------------------------------------
-- End

---Ends a task: its `<close>` variables run, innermost first; where the host cancels and they wait, or go beyond the
---limits, the rest of that comes later. The limits do not hold where an update has stopped the task in the middle. What
---the task has spawned goes on, but for groups. A task may cancel itself, `task.cancel(task.running())`. Raises "not a
---task of this scheduler".
---```lua
---local t = task.spawn(function()
---  local _ <close> = setmetatable({}, {__close = function() print "closed" end})
---  task.wait(math.huge)
---end)
---print(task.cancel(t))
-----> closed
-----> true
---```
---@param t thread
---@return boolean alive whether it had not ended before
function task.cancel(t) end

---Waits until a task has ended. Raises "not a task of this scheduler", "a task cannot join itself".
---@param t thread
---@param timeout? number seconds
---@return boolean ok
---@return any ... its results; or its error, "cancelled", "timeout"
function task.join(t, timeout) end

-- ---------------------------------------------------------------------------
-- Several at once

---Waits until all have ended. Functions run in tasks of their own. The first error is raised, when those are cancelled.
---Raises "not a task of this scheduler", "a task cannot wait for itself".
---@param ... cfiber.body
---@return any ... the first result of each
function task.all(...) end

---Waits until one has ended without an error; the tasks of the other functions are cancelled. Raises the last error
---where all have failed, and what `all` raises.
---```lua
---task.spawn(function()
---  print(task.any(
---    function() task.wait(2) return "slow" end,
---    function() task.wait(1) return "fast" end))
---end)
---task.update(1)  --> 2 fast
---```
---@param ... cfiber.body
---@return integer index
---@return any ... its results
function task.any(...) end

---Runs `f(...)` in a task of its own, for at most so many seconds. Its error is raised.
---```lua
---task.spawn(function()
---  print(task.timeout(1, task.wait, 5))
---end)
---task.update(1)  --> false timeout
---```
---@param seconds number
---@param f fun(...): ...
---@param ... any
---@return boolean ok
---@return any ... results; or "timeout"
function task.timeout(seconds, f, ...) end

---Calls `f(..., callback)` and waits for the callback. A second call of the callback raises "callback called twice".
---Callbacks of luv come while its loop runs: in `run`, or where the host calls `uv.run "nowait"` in each frame.
---```lua
---local pending
---local function fetch(name, callback)  -- somebody's, who calls back
---  pending = function() callback("the " .. name) end
---end
---
---task.spawn(function()
---  print(task.await(fetch, "page"))
---end)
---pending()
---task.update(0)  --> the page
---```
---@param f fun(...)
---@param ... any
---@return any ... what the callback gets
function task.await(f, ...) end

-- ---------------------------------------------------------------------------
-- Names and pictures

---Reads or sets the name of a task, by default that of the running one. Raises "not a task of this scheduler".
---@param t thread
---@param name? string
---@return string
---@overload fun(name?: string): string
function task.name(t, name) end

---The running task's own values; reading finds also those of the task that spawned it.
---```lua
---task.spawn(function()
---  task.locals().user = "ann"
---  task.spawn(function()
---    print(task.locals().user)
---  end)
---end)
-----> ann
---```
---@return table
function task.locals() end

---The task that runs, also inside of a generator; nil outside of tasks.
---@return thread?
function task.running() end

---All tasks that have not ended, the oldest first.
---```lua
---task.spawn(task.wait, 1)
---print(#task.tasks())  --> 1
---```
---@return thread[]
function task.tasks() end

---All tasks that have not ended: what they wait for, since when, where, and who spawned them.
---@return string
function task.dump() end

---Records a timeline that Perfetto or chrome://tracing opens; without a path it ends, and the file is whole. Raises
---"trace needs dkjson", "cannot record a trace: ..." and "cannot write the trace: ..." with the reason of the system.
---@param path? string
function task.trace(path) end

-- ---------------------------------------------------------------------------
-- Signals

---@class cfiber.signal
local signal = {}

---A signal: what happens more than once, to those that are connected or wait.
---```lua
---local bell = task.signal()
---bell:connect(function(n) print("rings", n) end)
---task.spawn(function()
---  print("heard", bell:wait())
---end)
---bell:fire(3)
---task.update(0)
-----> rings 3
-----> heard 3
---```
---@return cfiber.signal
function task.signal() end

---What `connect` and `once` return.
---@class cfiber.connection
---@field connected boolean
local connection = {}

---From now on the function is not called.
---@return boolean was whether it was connected
function connection:disconnect() end

---From now on each fire calls `f` with its values, in a task of its own.
---@param f fun(...)
---@return cfiber.connection
function signal:connect(f) end

---The same for one fire only.
---@param f fun(...)
---@return cfiber.connection
function signal:once(f) end

---Waits for the next fire. Between two waits fires are missed: `connect`, or a channel, sees all.
---@param timeout? number seconds; 0 does not wait
---@return any ... the values; or nil, "timeout"
function signal:wait(timeout) end

---Calls the connected functions in their order, then wakes those that wait.
---@param ... any
function signal:fire(...) end

-- ---------------------------------------------------------------------------
-- Channels

---`for v in ch do` gets until it is closed; `#ch` is the number of values in it.
---@class cfiber.channel
---@operator len: integer
---@operator call: any
local channel = {}

---A channel, as in Go: without a capacity a put waits for a get.
---```lua
---local numbers = task.channel()
---task.spawn(function()
---  for n in numbers do print(n) end
---  print "closed"
---end)
---task.spawn(function()
---  numbers:put(1)
---  numbers:put(2)
---  numbers:close()
---end)
---task.update(0)
-----> 1
-----> 2
-----> closed
---```
---@param capacity? integer values that can be put that nobody waits for, 0 by default
---@return cfiber.channel
function task.channel(capacity) end

---Puts a value into the channel, and waits while it is full.
---@param v any not nil
---@param timeout? number seconds; 0 does not wait
---@return true? put
---@return "timeout" | "closed" | nil reason
function channel:put(v, timeout) end

---Takes the oldest value out of the channel, and waits while there is none.
---@param timeout? number seconds; 0 does not wait
---@return any value or nil
---@return "timeout" | "closed" | nil reason
function channel:get(timeout) end

---Closes the channel: what is in it can still be got, what waits to put or to get returns `nil, "closed"`.
---@return boolean was whether it was open
function channel:close() end

---Does the first that can be done of several gets and puts, and nothing to the other channels. Raises
---"case 1 is not {channel} or {channel, value} of this scheduler".
---```lua
---local a, b = task.channel(), task.channel(1)
---b:put "in b"
---print(task.select({{a}, {b}}, 0))  --> 2 in b
---```
---@param cases table[] {channel} to get, {channel, value} to put; a nil value gets
---@param timeout? number seconds; 0 does not wait
---@return integer? index
---@return any ... what get or put returned; or "timeout"
function task.select(cases, timeout) end

-- ---------------------------------------------------------------------------
-- Mutexes

---@class cfiber.mutex
local mutex = {}

---A mutex: one task at a time holds it.
---```lua
---local m = task.mutex()
---local function work(name)
---  local _ <close> = m:lock()
---  task.wait(1)
---  print(name)
---end
---
---task.spawn(work, "first")
---task.spawn(work, "second")
---task.update(1)  --> first
---task.update(1)  --> second
---```
---@return cfiber.mutex
function task.mutex() end

---Holds it until it is unlocked or the task has ended. Raises "'lock' of a mutex that task 1 holds itself".
---@param timeout? number seconds; 0 does not wait
---@return cfiber.mutex? self for `local _ <close> = m:lock()`
---@return "timeout"? reason
function mutex:lock(timeout) end

---Gives it to the next task that waits for it. Raises "'unlock' of a mutex that nobody holds", or another task.
function mutex:unlock() end

-- ---------------------------------------------------------------------------
-- Groups

---@class cfiber.group
local group = {}

---`local g <close> = task.group()`: the block is not left before the group's tasks have ended. The first error of one
---cancels the others and is raised in the owner.
---```lua
---task.spawn(function()
---  do
---    local g <close> = task.group()
---    g:spawn(task.wait, 1)
---    g:spawn(task.wait, 2)
---  end
---  print "both have ended"
---end)
---task.update(1)
---task.update(1)  --> both have ended
---```
---@return cfiber.group group of the task that calls this, its owner
function task.group() end

---As `task.spawn`. Raises "the group was left" ("was cancelled", "has failed").
---@param f fun(...): ...
---@param ... any
---@return thread
function group:spawn(f, ...) end

---Waits until all have ended. Raises the first error of one, "a task cannot wait for its own group".
function group:wait() end

---Cancels the tasks; none can be spawned any more.
function group:cancel() end

return task
