-- libcfiber.a of a build with -flto could not be linked into a program: what its
-- one object held was still to be compiled, and every name of it showed.

local building = require "building"
local child = require "child"
local helper = require "helper"

if helper.mode ~= "plain" or helper.cfiber.stats().switch == "ucontext" then
  return  -- a compiler does the same in every mode
end

describe("libcfiber.a of a build with -flto", function()
  it("becomes part of a program, and shows nothing but the opening function", function()
    local directory = building.directory()
    building.write(directory .. "/host.c", building.host)
    building.write(directory .. "/hosted.lua", building.hosted)
    local output = building.check({"gcc", "nm"}, ([[
      DIR=%s CC=gcc
      BUILD=$(mktemp -d)
      trap 'rm -r "$DIR" "$BUILD"' EXIT
      make=${MAKE:-make}
      unset MAKE  # gcc runs it, to optimize in parallel
      $make -s BUILD="$BUILD" CC=gcc SWITCH=native CFLAGS="-O1 -flto=auto" "$BUILD/libcfiber.a" >/dev/null
      nm -g --defined-only "$BUILD/libcfiber.a" | sed -n 's/^[0-9a-f]* //p'
      ]] .. building.libraries .. [[
      gcc -Icsrc/include -I"$INC" -o "$DIR/host" "$DIR/host.c" "$BUILD/libcfiber.a" $LUALIBS
      "$DIR/host" "$DIR/hosted.lua"]]):format(child.quote(directory)))
    assert.equal("T luaopen_cfiber\n" .. building.hostedoutput, output)
  end)
end)
