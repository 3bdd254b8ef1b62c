-- switch.lua: the context switch alone, in C, against that of Boost.Context

local bench = require "bench"

local ROUNDS, TRIPS = 11, 2000000
local directory = (os.getenv "BUILD" or "build") .. "/peers/"

local function nanoseconds(program)
  local pipe = io.popen(directory .. program .. " " .. TRIPS .. " 2>/dev/null")
  local result = tonumber(pipe:read "a")
  pipe:close()
  return result
end

if not nanoseconds "fcontext" then
  print "switch in C: left out, Boost.Context is not installed"
  return
end
local ours, peer = {}, {}
for i = 1, ROUNDS do
  ours[i], peer[i] = nanoseconds "switch", nanoseconds "fcontext"
end
bench.rounds({id = "switch", title = "there and back, in C alone", unit = "ns", against = "jump_fcontext"}, ours, peer)
