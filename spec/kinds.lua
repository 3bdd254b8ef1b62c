-- kinds.lua: the kinds of Lua that C++ is tested in: compiled as C, and as C++;
-- in child processes, because libstdc++ stays in the process that loads it

local child = require "child"

-- In the second kind errors are exceptions. Modules are the same, the paths are
-- in the script.
local host = os.getenv "CFIBER_SPEC_HOST" or "build/spec/host"
local havehost

local function hosted(script)
  local r = child.shell("exec " .. host .. " $SCRIPT",
    ("package.path, package.cpath = %q, %q local cfiber = require 'helper'.cfiber "):format(package.path,
      package.cpath) .. script)
  assert(r.signal == nil and r.status == 0 and r.errors == "", r.errors)
  return r.output
end

local function tableless()
  return not child.unwinds() and "this Lua has no unwind tables" or nil
end

--- The kinds for scripts that need a C++ module. Each is a table: suffix (to the
-- name of a test), output (a function that runs a script and returns what it
-- prints), missing (what there is not, or nil).
return function(module)
  local missing = not package.searchpath(module, package.cpath) and "there is no C++ compiler" or nil
  if not missing and havehost == nil then
    havehost = os.execute(("${MAKE:-make} -s SWITCH=native %s >/dev/null 2>&1 && test -x %s"):format(host, host)) or false
  end
  return {
    {suffix = "", output = child.output, missing = missing or tableless()},
    {suffix = ", in a Lua compiled as C++", output = hosted,
      missing = missing or not havehost and "there is no Lua compiled as C++ with names for C (liblua-c++)" or nil},
  }
end
