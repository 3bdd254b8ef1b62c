-- fuzz_spec.lua: the short form of spec/fuzz, whose long form is 'make fuzz'

local child = require "child"
local helper = require "helper"
local crashing_it = require "since"("5.4.3", "crashes where a coroutine that closes is closed or called")

-- What runs it compares all ways to yield, and this build with the other.
if helper.mode ~= "plain" or not package.searchpath("cfiber", package.cpath):match "build/cfiber%.so$" then
  return
end

-- Files for the fuzzer
local function shell(commands)
  local r = child.shell("set -e; " .. commands)
  return r.output .. r.errors, r.status
end

local function fuzz(options)
  return shell("exec $LUA spec/fuzz/run.lua --quiet " .. options)
end

setup(function()
  local output, status = shell "exec ${MAKE:-make} -s --no-print-directory SWITCH=ucontext build/ucontext/cfiber.so"
  assert(status == 0, output)
end)

describe("random programs agree on stock coroutines and all kinds of fibers", function()
  crashing_it("for seeds that are always the same", function()
    local output, status = fuzz "--seed 1 --programs 24"
    assert.equal(0, status, output)
  end)

  crashing_it("for a seed that is another each time", function()
    local output, status = fuzz "--programs 8"
    print((output:match "^[^\n]*"))
    assert.equal(0, status, output)
  end)
end)
