-- child.lua: spec/child.lua for Windows, where there is no shell: scripts run in
-- processes of their own; tests that need commands around them are skipped

local spawn = require "windows.spawn"

local pending = require "busted.core"().pending  -- skips the test that runs

local child = dofile "spec/child.lua"

-- What ends a process by an exception is the signal of POSIX systems for it.
local signals = {[0xC0000005] = 11, [0xC00000FD] = 11}  -- access violation, stack overflow

local count = 0

local function write(name, text)
  local file = assert(io.open(name, "wb"))
  file:write(text)
  file:close()
end

local function read(name)
  local file = assert(io.open(name, "r"))
  local text = file:read "a"
  file:close()
  os.remove(name)
  return text
end

function child.shell()
  pending "needs a shell"
end

function child.islimited()
  return false
end

function child.release()
  local name = os.getenv "CFIBER_TEMPORARY" .. "/release"
  spawn(os.getenv "LUA" .. " -v", name, name .. ".err")
  os.remove(name .. ".err")
  return read(name):match "Lua (%d+%.%d+%.%d+)"
end

function child.after(commands, script, ...)
  if commands:find "%S" then
    pending "needs a shell"
  end
  count = count + 1
  local name = ("%s/child%d.lua"):format(os.getenv "CFIBER_TEMPORARY", count)
  local paths = ("package.path, package.cpath = %q, %q "):format(package.path, package.cpath)
  write(name, paths .. script)
  local status = spawn(("%s %s %s"):format(os.getenv "LUA", name, table.concat({...}, " ")), name .. ".out",
    name .. ".err")
  os.remove(name)
  local output, errors = read(name .. ".out"):gsub(name, "SCRIPT"), read(name .. ".err"):gsub(name, "SCRIPT")
  return {output = output, errors = errors, status = not signals[status] and status or nil, signal = signals[status]}
end

return child
