-- port_spec.lua: a system that has no context switch of its own

local building = require "building"
local helper = require "helper"

if helper.mode ~= "plain" or helper.cfiber.stats().switch == "ucontext" then
  return  -- a compiler does the same in every mode
end

local file <close> = assert(io.open "csrc/switch/select.h")
local ladder = file:read "a"

-- What the compiler says of a program on a system where these macros are not
-- defined; its C library's headers are those that are here.
local function compiled(without)
  local program = [[
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#if __has_include(<ucontext.h>)
#include <ucontext.h>
#endif
]]
  for name in pairs(without) do
    program = program .. "#undef " .. name .. "\n"
  end
  program = program .. '#include "switch.h"\nint main (void) { return puts(SWITCH_NAME) == EOF; }\n'
  return building.check({}, [[
    PROGRAM=$(mktemp)
    trap 'rm "$PROGRAM"' EXIT
    ${CC:-cc} -std=c99 -Icsrc -x c -o "$PROGRAM" "$SCRIPT" || exit 0
    "$PROGRAM"]], program)
end

-- The macros that the ladder asks for, as far as they are of processors, or all.
local function asked(all)
  local names = {}
  for name in ladder:gmatch "defined%((__[%w_]+)%)" do
    if all or not (name == "__unix__" or name == "__APPLE__" or name == "__GNUC__") then
      names[name] = true
    end
  end
  return names
end

describe("On a system without a port", function()
  it("<ucontext.h> is used", function()
    assert.equal("ucontext\n", compiled(asked(false)))
  end)

  it("that is not POSIX the compiler says what to do", function()
    local said = compiled(asked(true))
    assert.match("cfiber has no context switch for this system", said, 1, true)
    assert.match("doc/porting.md", said, 1, true)
    assert.match("SWITCH=ucontext", said, 1, true)
  end)
end)
