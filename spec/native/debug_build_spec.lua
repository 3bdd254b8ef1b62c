-- debug_build_spec.lua: 'make DEBUG=1' reports two OS threads in one Lua state, and a
-- module built with CFIBER_DEBUG what it calls too early

local building = require "building"
local child = require "child"
local helper = require "helper"

if helper.mode ~= "plain" or helper.cfiber.stats().switch == "ucontext" then
  return  -- a debug build is the same in every mode
end

-- Where the Makefile could link the first, it can link the second.
local usual, host = "build/host/threads", "build/debug/host/threads"

-- Runs the script of a Lua state in the host, in this many OS threads.
local function run(script, threads)
  return child.shell(("exec %s $SCRIPT %d 8 6"):format(host, threads or 1), script)
end

-- What an OS thread does while another, which waits for it, is in a fiber.
local intrusion = [[
local cfiber = require "cfiber"
local host = require "host"
local other = cfiber.create(function() cfiber.yield() end)
local function intrude()
  %s
end
return function()
  cfiber.wrap(function() host.elsewhere(intrude) end)()
  print "unnoticed"
end, function() return 0 end
]]

local function case(name, body)
  it(name, function()
    if not io.open(usual) then
      pending "there is no library of Lua to link the host with"
      return
    end
    building.need({}, "${CC:-cc}")
    building.check({}, "${MAKE:-make} -s DEBUG=1 CXX= BUILD=build/debug " .. host)
    body()
  end)
end

describe("A debug build", function()
  for _, call in ipairs {
    {"cfiber.resume(other)", "resume"},
    {"cfiber.status(other)", "status"},
    {"host.resume(other)", "cfiber_resume"},
    {"host.each(1)", "cfiber_yield"},
  } do
    case("names the function that a second OS thread calls: " .. call[1], function()
      local r = run(intrusion:format(call[1]))
      assert.equal(("cfiber: %s: another OS thread runs in this Lua state\n"):format(call[2]), r.errors)
      assert.equal("", r.output)
      assert.equal(6, r.signal)  -- SIGABRT
    end)
  end

  case("has nothing against states that are handed from thread to thread", function()
    local script = assert(io.open "spec/host/threads.lua"):read "a"
    local alone, together = run(script, 1), run(script, 4)
    assert.same({0, 0}, {alone.status, together.status}, together.errors)
    assert.match("^0 moves", alone.errors)
    assert.match("^[1-9]%d* moves, 8 closed elsewhere", together.errors)
    assert.equal(alone.output, together.output)
  end)
end)

describe("Of a debug build", function()
  it("no assertion fails in many kinds of work, nor where fibers are jumped out of", function()
    building.need({}, "${CC:-cc} ${CXX:-c++}")
    building.check({}, "${MAKE:-make} -s -j2 DEBUG=1 BUILD=build/debug all specmodules")
    local r = child.shell [[
      export BUILD=build/debug CFIBER_SPEC_MODE=plain
      eval "$(${MAKE:-make} -s BUILD=$BUILD env)"
      exec $LUA spec/run.lua spec/native/mixed_spec.lua spec/core/jump_spec.lua 2>&1
    ]]
    assert.equal(0, r.status, r.output)
  end)
end)

describe("A module built with CFIBER_DEBUG", function()
  it("names the function that it calls before an import", function()
    local directory = building.directory()
    building.write(directory .. "/early.c", [[
#include <cfiber.h>

int luaopen_early (lua_State *L) {
  return cfiber_isyieldable(L);
}
]])
    building.check({}, ("DIR=%s\n%s"):format(child.quote(directory), [[
      ${CC:-cc} -DCFIBER_DEBUG -shared -fPIC -Icsrc/include -I"$INC" -o "$DIR/early.so" "$DIR/early.c"]]))
    local r = child.bare(("package.cpath = %q require 'early'"):format(directory .. "/?.so"))
    building.check({}, "rm -r " .. child.quote(directory))
    assert.equal("cfiber_isyieldable: there was no 'cfiber_import' in this source file\n", r.errors)
    assert.equal(6, r.signal)
  end)
end)
