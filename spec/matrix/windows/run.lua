-- run.lua: runs specs with busted in a Lua for Windows
-- usage: LUA=lua.exe CFIBER_TEMPORARY=directory lua.exe spec/matrix/windows/run.lua path...
--
-- Of what busted needs this has what Debian has no sources for, as little as it
-- uses: two functions of luasystem, and one of lua-term.

package.path = "./spec/matrix/windows/?.lua;./spec/?.lua;" .. package.path

package.preload.system = function()
  return {gettime = os.time, monotime = os.clock, sleep = function() end}
end

package.preload.term = function()
  return {isatty = function() return false end}
end

table.insert(arg, 1, "--pattern=_spec")
table.insert(arg, 1, "--output=plainTerminal")
require "busted.runner" {standalone = false}
