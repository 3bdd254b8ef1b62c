---@meta cfiber
-- types.lua: what an editor shows of cfiber and the manual says of it; never required

---Lua's coroutines on native stacks. Threads are Lua's own: `type(co) == "thread"`. All functions check their arguments
---and raise "bad argument ..." as Lua's own do; what else they raise is said with each.
---@class cfiber
---@field _VERSION string "cfiber" and three numbers
local cfiber = {}

---@class cfiber.stacklimits
---Bytes of each stack, 65536 to 1073741824, rounded up to whole pages: reserved, not committed. By default what 200
---nested C calls of the Lua at hand take, measured when the module is loaded (580 KB for Debian's Lua 5.4).
---@field stack_size? integer
---Nested resumes, 1 to 1000000, after which a resume fails with "C stack overflow"; 1000 by default.
---@field max_depth? integer
---Natively suspended fibers, 0 to 100000000, after which every yield that can be compact is; 1024 by default.
---@field native_limit? integer
---Unused stacks, 0 to 100000000, that are kept for reuse, of each size; 1024 by default.
---@field pool_limit? integer
---How the pages below a stack are made to fault. "advice" is asked of the system at run time (Linux 6.13) and, where it
---is refused, the other takes its place; "mprotect" takes two mappings for each stack. "advice" by default, or what the
---environment variable `CFIBER_GUARD` says when the module is loaded.
---@field guard? "advice" | "mprotect"
---Whether C code that overruns its fiber's stack gets one line on stderr before the signal takes its course; by default
---where nobody else handles SIGSEGV.
---@field overflow_report? boolean

---@class cfiber.counts
---@field mounted integer threads that have a stack now
---@field suspended integer of them, those that are suspended natively
---@field pooled integer unused stacks kept for reuse
---@field peak integer most stacks in use, as far as it was looked
---@field reserved integer bytes of address space of all stacks
---@field native_yields integer so far
---@field compact_yields integer so far
---@field stacks_made integer so far
---@field stacks_reused integer so far
---@field sliced integer VM instructions that slices took so far, those of slices inside others once
---@field guard "advice" | "mprotect" how the last guard was made
---@field switch string the context switch in use: the machine's own, such as "x86-64", or "ucontext"

---@class cfiber.state
---@field status "running" | "suspended" | "normal" | "dead"
---@field mounted boolean whether it has a stack
---@field stack_size? integer bytes of its stack
---Bytes of it that were in use, at most, since the system gave its pages, by former fibers too.
---@field stack_used? integer
---@field resumer? thread where it runs or resumes another: the thread it came from

-- ---------------------------------------------------------------------------
-- The coroutine library

---A new thread that will call `f`; it does not start it.
---[`coroutine.create`](https://www.lua.org/manual/5.4/manual.html#pdf-coroutine.create)
---with a size. Raises "stack size out of range (1 to 1073741824)".
---@param f fun(...): ...
---@param size? integer bytes of its stack alone, rounded up to at least 65536 and to whole pages
---@return thread co
function cfiber.create(f, size) end

---Starts `co` or goes on with it, whoever created or suspended it.
---[`coroutine.resume`](https://www.lua.org/manual/5.4/manual.html#pdf-coroutine.resume). Returns
---`false` and "cannot resume dead coroutine", "cannot resume non-suspended coroutine", "C stack overflow" (see
---`max_depth`), "too many arguments to resume" or "too many results to resume" where it cannot. Raises "not enough
---memory" where no stack is to be had; then `co` has not started, and all is usable.
---@param co thread
---@param ... any arguments of its function, or what its yield returns
---@return boolean ok
---@return any ... what it yields or returns; or its error
function cfiber.resume(co, ...) end

---Suspends the running fiber, from inside any C function too.
---[`coroutine.yield`](https://www.lua.org/manual/5.4/manual.html#pdf-coroutine.yield). Raises "attempt to yield from
---outside a coroutine", "attempt to yield from a finalizer", and "attempt to yield across a C-call boundary" where
---stock functions resumed the coroutine and a C function is in the way.
---@param ... any what its resume returns after `true`
---@return any ... the arguments of the next resume
function cfiber.yield(...) end

---A function that resumes a new thread with `f` each time it is called.
---[`coroutine.wrap`](https://www.lua.org/manual/5.4/manual.html#pdf-coroutine.wrap)
---with a size. The function raises the errors of `f`, when the thread is closed, and those that `resume` returns.
---Raises "stack size out of range (1 to 1073741824)".
---@param f fun(...): ...
---@param size? integer bytes, as of `create`
---@return fun(...): ... resume
function cfiber.wrap(f, size) end

---"running" is the one that calls this, "suspended" one that can be resumed, "normal" one that resumes another or is
---inside a fiber that was suspended, "dead" one that has ended.
---[`coroutine.status`](https://www.lua.org/manual/5.4/manual.html#pdf-coroutine.status).
---@param co thread
---@return "running" | "suspended" | "normal" | "dead" status
function cfiber.status(co) end

---Whether a yield would be accepted.
---[`coroutine.isyieldable`](https://www.lua.org/manual/5.4/manual.html#pdf-coroutine.isyieldable).
---@param co? thread by default the running one
---@return boolean yieldable
function cfiber.isyieldable(co) end

---[`coroutine.running`](https://www.lua.org/manual/5.4/manual.html#pdf-coroutine.running).
---@return thread co the running thread
---@return boolean ismain whether it is the main one
function cfiber.running() end

---Ends a suspended or dead thread: its `<close>` variables run, innermost first, and its stack is free.
---[`coroutine.close`](https://www.lua.org/manual/5.4/manual.html#pdf-coroutine.close). Raises "cannot close a running
---coroutine" or "a normal", and "C stack overflow". In Lua 5.5 the running thread can be closed as well, from any depth,
---and is without an argument ([its manual](https://www.lua.org/manual/5.5/manual.html#pdf-coroutine.close)): its `resume`
---returns true, or false and the error of a `<close>` variable. Raises "cannot close main thread" there, and "attempt to
---yield from a finalizer" where it would leave one.
---@param co? thread
---@return boolean ok
---@return any err where ok is false: the error that ended it, or that of a `<close>` variable
function cfiber.close(co) end

-- ---------------------------------------------------------------------------
-- What coroutines lack

---Resumes `co` by raising `err` at its yield. One that has not started dies with it; C code that goes on after a
---`lua_yieldk` raises it when it next calls or returns. Where `co` was suspended compactly the error comes out of a
---debug hook: message handlers for it run without hooks. Returns and raises as `resume`.
---```lua
---local co = cfiber.create(function()
---  print(pcall(cfiber.yield))
---end)
---cfiber.resume(co)
---cfiber.throw(co, "stop")  --> false stop
---```
---@param co thread
---@param err any
---@return boolean ok
---@return any ... what `co` yields or returns next; or its error
function cfiber.throw(co, err) end

---Suspends `co`, the running fiber or one around it, with all that runs inside, fibers and stock coroutines; its
---`resume` returns `true` and the values. Resuming `co` goes on at the innermost point. Closing it closes all,
---innermost first, but for coroutines that C code resumes and keeps out of sight of `debug`. Raises "cannot suspend a
---suspended coroutine" ("a dead"), "cannot suspend a coroutine that is not a fiber around the call",
---"cannot suspend a coroutine that is being closed", "too many values to suspend", and the refusals of `yield`.
---```lua
---local task
---local function wait()
---  return cfiber.suspend(task)
---end
---
---task = cfiber.create(function()
---  for word in cfiber.iter(function() cfiber.yield("got " .. wait()) end) do
---    print(word)
---  end
---end)
---cfiber.resume(task)  -- 'wait' suspends the task, not the loop
---cfiber.resume(task, "it")  --> got it
---```
---@param co thread
---@param ... any
---@return any ... the arguments of the next resume of `co`
function cfiber.suspend(co, ...) end

---`co`, suspended or not started, takes the place of the running fiber under the same resumer; the one that leaves is
---suspended like any other. To itself: returns its arguments. Raises "attempt to transfer from outside a fiber",
---"cannot transfer to a dead coroutine" ("a normal"), "cannot transfer from a coroutine that is being closed", "too
---many values to transfer", "attempt to yield from a finalizer".
---```lua
---local a, b
---a = cfiber.create(function() cfiber.transfer(b, "from a") end)
---b = cfiber.create(function(x) return x end)
---print(cfiber.resume(a))  --> true from a
---print(cfiber.status(a), cfiber.status(b))  --> suspended dead
---```
---@param co thread
---@param ... any arguments of its function, or what its yield returns
---@return any ... the arguments of the next resume of the one that leaves, or transfer to it
function cfiber.transfer(co, ...) end

---Ends the running fiber from any depth, past every `pcall` and C frame: its `<close>` variables and C++ destructors
---run, its `resume` returns `true` and the values, or `false` and the error of a `<close>` variable. Raises "attempt to
---exit from outside a fiber", "too many results to exit".
---```lua
---local co = cfiber.create(function()
---  pcall(string.gsub, "a", "a", function() cfiber.exit "over" end)
---  print "never"
---end)
---print(cfiber.resume(co))  --> true over
---```
---@param ... any
function cfiber.exit(...) end

---For the generic `for` ([3.3.5](https://www.lua.org/manual/5.4/manual.html#3.3.5)): calls `f(...)` in a fiber of its
---own, each yield is one iteration, its end ends the loop (and so does a yield whose first value is nil). Leaving the
---loop early closes the fiber. Errors pass on; a message that is a string gets the traceback of `f` behind it.
---```lua
---local function count(n)
---  local _ <close> = setmetatable({}, {__close = function() print "left" end})
---  for i = 1, n do cfiber.yield(i) end
---end
---
---for i in cfiber.iter(count, 10) do
---  print(i)
---  if i == 2 then break end
---end
-----> 1
-----> 2
-----> left
---```
---@param f fun(...): ...
---@param ... any
---@return fun(): ... next
---@return nil state
---@return nil control
---@return any closing
function cfiber.iter(f, ...) end

---Resumes `co` for at most `budget` VM instructions, those of fibers that it resumes or closes included, and takes no
---more of the budgets around it than it executed. Who takes its place by `transfer` goes on with the budget. A fiber
---that was stopped, inside whatever C function, goes on with `slice` or any other resume, which passes it nothing.
---Returns errors as `resume`. Raises "budget out of range (1 to 2147483647)", and what `resume` raises.
---```lua
---local co = cfiber.create(function()
---  while true do
---    string.gsub("a", "a", function() end)
---  end
---end)
---print(cfiber.slice(co, 1000))  --> true budget
---print(cfiber.slice(co, 1000))  --> true budget
---```
---@param co thread
---@param budget integer VM instructions, 1 to 2147483647
---@param ... any arguments, as of `resume`
---@return boolean ok
---@return "yield" | "return" | "budget" | any how how it came back; or its error
---@return any ... what it yielded or returned
function cfiber.slice(co, budget, ...) end

-- ---------------------------------------------------------------------------
-- To see what runs

---What is known of a thread.
---```lua
---local co = cfiber.create(function()
---  string.gsub("a", "a", cfiber.yield)
---end)
---cfiber.resume(co)
---print(cfiber.info(co).status, cfiber.info(co).mounted)  --> suspended true
---```
---@param co thread
---@return cfiber.state state
function cfiber.info(co) end

---All mounted threads: those that run or resume another, the innermost first, then the suspended ones in no order.
---@return thread[] threads
function cfiber.list() end

---As [`debug.traceback`](https://www.lua.org/manual/5.4/manual.html#pdf-debug.traceback); where `co` runs or resumes
---another, the threads that resumed it follow, out to the main thread, each after a line `(...resumed by ...)`. Where
---`co` was suspended with others inside, it begins with the innermost and ends with `co`.
---@param co? thread may be left out: the running one
---@param message? any one that is neither a string nor nil is returned as it is
---@param level? integer at which level it begins; by default 1, for another thread 0
---@return any traceback
---@overload fun(message?: any, level?: integer): any
function cfiber.traceback(co, message, level) end

-- ---------------------------------------------------------------------------
-- In the place of coroutine

---Puts the first eight functions in the place of those in `t`. They are functions of their own, so that tracebacks say
---`coroutine.yield`, and those of `create` and `wrap` ignore a second argument, as Lua's own do. `require
---"cfiber.global"` calls it: `lua -l cfiber.global prog.lua` runs an unmodified program on fibers. Raises "no global
---table 'coroutine'".
---@param t? table by default the global `coroutine`
---@return table t
function cfiber.install(t) end

---Puts the former functions back.
---@param t? table by default the global `coroutine`
---@return table t
function cfiber.uninstall(t) end

-- ---------------------------------------------------------------------------
-- Limits and counts

---Sets the limits that `t` names, all or none, for this Lua state. Raises "unknown limit 'x'", "max_depth out of range
---(1 to 1000000)" and the like, "guard: 'advice' or 'mprotect' expected, got 'x'", "stack_size: number expected, got
---string", "not enough memory".
---```lua
---local limits = cfiber.config {native_limit = 100}
---print(limits.native_limit, limits.max_depth)  --> 100 1000
---```
---@param t? cfiber.stacklimits
---@return cfiber.stacklimits limits all of them
function cfiber.config(t) end

---All counts, or one alone, which costs some 50 ns. Raises "unknown count 'x'".
---@param name? string
---@return cfiber.counts counts or the one
---@overload fun(name: string): integer | string
function cfiber.stats(name) end

---Gives the stacks that are kept for reuse back to the system.
---@return integer bytes
function cfiber.trim() end

return cfiber
