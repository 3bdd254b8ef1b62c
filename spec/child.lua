-- child.lua: what may crash, ends the process or needs a new one

local child = {}

--- The version of Lua that runs, "5.4".
child.version = _VERSION:match "%d+%.%d+"

local interpreter = os.getenv "LUA" or "lua" .. child.version

local function write(name, text)
  local file = assert(io.open(name, "wb"))
  file:write(text)
  file:close()
end

local function read(name)
  local file = assert(io.open(name, "rb"))
  local text = file:read "a"
  file:close()
  os.remove(name)
  return text
end

--- The text as one word of the shell.
function child.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- Runs commands of the shell, with the interpreter in the variable LUA. Not by
-- os.execute: where the system does not know 'clone3' (qemu, Linux before 5.3)
-- the C library's 'system' leaves an errno, which Lua takes for a failure.
local function execute(commands)
  local out, err = os.tmpname(), os.tmpname()
  local _, how, code = io.popen(("export LUA=%s\n{ %s\n} >%s 2>%s"):format(child.quote(interpreter), commands, out,
    err)):close()
  return {
    output = read(out),
    errors = read(err):gsub("qemu: uncaught target signal [^\n]*\n", ""),  -- an emulator's own line
    status = how == "exit" and code or nil,
    signal = how == "signal" and code or nil,
  }
end

--- Runs commands of the shell, where $LUA is the interpreter and $SCRIPT the
-- name of a file that holds 'script', if there is one.
-- Returns a table: output, errors (what they wrote to stdout and stderr; the
-- name of the script's file is SCRIPT there), status (the exit status; nil
-- after a signal), signal (its number or nil). The signal of a command shows
-- when 'exec' puts it in the shell's place; else its status is 128 and more.
function child.shell(commands, script)
  if not script then
    return execute(commands)
  end
  local name = os.tmpname()
  write(name, script)
  local r = execute("SCRIPT=" .. name .. "\n" .. commands)
  os.remove(name)
  r.output, r.errors = r.output:gsub(name, "SCRIPT"), r.errors:gsub(name, "SCRIPT")
  return r
end

local release

--- The release of Lua that runs, "5.4.4".
function child.release()
  release = release or execute("$LUA -v 2>&1").output:match "Lua (%d+%.%d+%.%d+)"
  return release
end

-- The child finds the modules that its parent finds. In one line: the script
-- keeps its line numbers.
local paths = "package.path, package.cpath = %q, %q "
local locals = "local cfiber, stock = require 'helper'.cfiber, coroutine "

--- Runs a Lua script in a process of its own, after commands of the shell that
-- set variables or limits for it; the further arguments are its arguments.
-- Returns what child.shell returns.
function child.after(commands, script, ...)
  return child.shell(commands .. "\nexec $LUA $SCRIPT " .. table.concat({...}, " "),
    paths:format(package.path, package.cpath) .. script)
end

--- The same without any commands.
function child.bare(script, ...)
  return child.after("", script, ...)
end

--- The same in the mode of the suite, with the locals 'cfiber' and 'stock'.
function child.run(script, ...)
  return child.bare(locals .. script, ...)
end

--- Runs a script that must end well and quietly; returns what it printed.
function child.output(script, ...)
  local r = child.run(script, ...)
  assert(r.signal == nil, ("signal %s: %s"):format(r.signal, r.errors))
  assert(r.status == 0 and r.errors == "", ("exit status %s: %s"):format(r.status, r.errors))
  return r.output
end

--- Is what a process wrote the C library's report of a 'longjmp' out of a fiber's
-- stack, where Lua is built to abort at such a jump? On ARM its text is none.
function child.refusesjump(errors)
  return errors:find("longjmp causes uninitialized stack frame", 1, true)
    or errors:find "%*%*%* [^%a]* %*%*%*: terminated"
end

local unwinds

--- Does C++ get past the functions of the running Lua (see unwinding.lua)?
function child.unwinds()
  if unwinds == nil then
    unwinds = child.bare([[io.write(tostring(require "unwinding"()))]]).output == "true"
  end
  return unwinds
end

local limited

--- Does the system hold a process to 'ulimit -v'? qemu, which runs programs for
-- other processors, does not, and nothing can be scarce there.
function child.islimited()
  if limited == nil then
    local large = [["io.write(tostring(pcall(string.rep, ('x'):rep(1 << 20), 1 << 8)))"]]
    limited = child.shell("ulimit -v 100000; exec $LUA -e " .. large).output == "false"
  end
  return limited
end

return child
