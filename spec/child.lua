-- child.lua: scripts that may crash or end the process run in a child

local child = {}

local interpreter = os.getenv "LUA" or "lua5.4"

local function write(name, text)
  local file = assert(io.open(name, "w"))
  file:write(text)
  file:close()
end

local function read(name)
  local file = assert(io.open(name))
  local text = file:read "a"
  file:close()
  os.remove(name)
  return text
end

-- The child finds the modules that its parent finds. In one line: the script
-- keeps its line numbers.
local paths = "package.path, package.cpath = %q, %q "
local locals = "local cfiber, stock = require 'helper'.cfiber, coroutine "

--- Runs a Lua script in a process of its own; the further arguments are its
-- arguments.
-- Returns a table: output, errors (what it wrote to stdout and stderr),
-- status (the exit status; nil after a signal), signal (its number or nil).
function child.bare(script, ...)
  local name, out, err = os.tmpname(), os.tmpname(), os.tmpname()
  write(name, paths:format(package.path, package.cpath) .. script)
  local arguments = table.concat({...}, " ")
  local _, how, code = os.execute(("exec %s %s %s >%s 2>%s"):format(interpreter, name, arguments, out, err))
  os.remove(name)
  return {
    output = read(out),
    errors = read(err),
    status = how == "exit" and code or nil,
    signal = how == "signal" and code or nil,
  }
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

return child
