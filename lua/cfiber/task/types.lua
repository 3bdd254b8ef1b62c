---@meta cfiber.task
-- task/types.lua: what an editor shows of cfiber.task; never required

---@class cfiber.scheduler
---Called with the error of a task that nobody joins, its thread, and a text: the task's name, the error, its traceback,
---who spawned it. By default it writes the text to stderr.
---@field on_error fun(err: any, thread: thread, story: string)
local task = {}

---@class cfiber.limits
---@field instructions? integer VM instructions of all tasks, 1 or more
---@field seconds? number of processor time

---@alias cfiber.body fun(...): ... | thread

---Another scheduler, with tasks and a time of its own.
---@return cfiber.scheduler
function task.new() end

---Lets `dt` seconds pass and runs what is due.
---@param dt number seconds since the last update, 0 or more
---@param limits? cfiber.limits what does not fit goes on in the next update, all in turn
---@return integer left how many tasks are left to run
---@return thread[]? stopped those of them that were stopped in the middle
function task.update(dt, limits) end

---Updates until no task is left; sleeps where nothing is to run. Raises "deadlock" where nothing can wake them, and
---"interrupted!" on Ctrl-C, each with what every task waits for.
---@param limits? cfiber.limits | false of each update; by default a hundredth of a second; false: none
function task.run(limits) end

---Runs `f(...)` in a new task now, until it first waits.
---@param f cfiber.body a thread: suspended, or a task that yielded by itself, whose yield returns the arguments
---@param ... any
---@return thread
function task.spawn(f, ...) end

---The same at the end of this update, when nothing else is left to run.
---@param f cfiber.body
---@param ... any
---@return thread
function task.defer(f, ...) end

---The same when so many seconds have passed, but not before the next update.
---@param seconds number
---@param f cfiber.body
---@param ... any
---@return thread
function task.delay(seconds, f, ...) end

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

---Ends a task: its `<close>` variables run, innermost first. A task may cancel itself.
---@param t thread
---@return boolean alive whether it had not ended before
function task.cancel(t) end

---Waits until a task has ended.
---@param t thread
---@param timeout? number seconds
---@return boolean ok
---@return any ... its results; or its error, "cancelled", "timeout"
function task.join(t, timeout) end

---Waits until all have ended. Functions run in tasks of their own. The first error is raised, when those are cancelled.
---@param ... cfiber.body
---@return any ... the first result of each
function task.all(...) end

---Waits until one has ended without an error; the tasks of the other functions are cancelled.
---@param ... cfiber.body
---@return integer index
---@return any ... its results
function task.any(...) end

---Runs `f(...)` in a task of its own, for at most so many seconds. Its error is raised.
---@param seconds number
---@param f cfiber.body
---@param ... any
---@return boolean ok
---@return any ... results; or "timeout"
function task.timeout(seconds, f, ...) end

---Calls `f(..., callback)` and waits for the callback.
---@param f fun(...)
---@param ... any
---@return any ... what the callback gets
function task.await(f, ...) end

---Reads or sets the name of a task, by default that of the running one.
---@param t thread
---@param name? string
---@return string
---@overload fun(name?: string): string
function task.name(t, name) end

---The running task's own values; reading finds also those of the task that spawned it.
---@return table
function task.locals() end

---All tasks that have not ended: what they wait for, since when, where, and who spawned them.
---@return string
function task.dump() end

---Records a timeline that Perfetto or chrome://tracing opens; without a path it ends.
---@param path? string
function task.trace(path) end

---@class cfiber.signal
local signal = {}

---@return cfiber.signal
function task.signal() end

---@class cfiber.connection
---@field connected boolean
local connection = {}

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

---Waits for the next fire.
---@param timeout? number seconds; 0 does not wait
---@return any ... the values; or nil, "timeout"
function signal:wait(timeout) end

---Calls the connected functions in their order, then wakes those that wait.
---@param ... any
function signal:fire(...) end

---`for v in ch do` gets until it is closed.
---@class cfiber.channel
---@operator len: integer
---@operator call: any
local channel = {}

---@param capacity? integer values that can be put that nobody waits for, 0 by default
---@return cfiber.channel
function task.channel(capacity) end

---@param v any not nil
---@param timeout? number seconds; 0 does not wait
---@return true? put
---@return "timeout" | "closed" | nil reason
function channel:put(v, timeout) end

---@param timeout? number seconds; 0 does not wait
---@return any value or nil
---@return "timeout" | "closed" | nil reason
function channel:get(timeout) end

---@return boolean was whether it was open
function channel:close() end

---Does the first that can be done of several gets and puts, and nothing to the other channels.
---@param cases table[] {channel} to get, {channel, value} to put
---@param timeout? number seconds; 0 does not wait
---@return integer? index
---@return any ... what get or put returned; or "timeout"
function task.select(cases, timeout) end

---@class cfiber.mutex
local mutex = {}

---@return cfiber.mutex
function task.mutex() end

---Holds it until it is unlocked or the task has ended.
---@param timeout? number seconds; 0 does not wait
---@return cfiber.mutex? self for `local _ <close> = m:lock()`
---@return "timeout"? reason
function mutex:lock(timeout) end

function mutex:unlock() end

---@class cfiber.group
local group = {}

---`local g <close> = task.group()`: the block is not left before the group's tasks have ended. The first error of one
---cancels the others and is raised in the owner.
---@return cfiber.group
function task.group() end

---@param f cfiber.body
---@param ... any
---@return thread
function group:spawn(f, ...) end

---Waits until all have ended.
function group:wait() end

---Cancels the tasks; none can be spawned any more.
function group:cancel() end

return task
