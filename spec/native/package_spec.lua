-- package_spec.lua: what 'make install' installs is found by pkg-config and by
-- CMake, somewhere else than it was installed for

local building = require "building"
local child = require "child"
local helper = require "helper"

if helper.mode ~= "plain" or helper.cfiber.stats().switch == "ucontext" then
  return  -- it installs the same in every mode
end

local quote = child.quote

-- A project with a module and a program.
local project = [[
cmake_minimum_required(VERSION 3.13)
project(user LANGUAGES C)
find_package(cfiber 0.1 REQUIRED)
add_library(each MODULE each.c)
set_target_properties(each PROPERTIES PREFIX "" SUFFIX ".so")
target_include_directories(each PRIVATE "${INC}")
target_link_libraries(each PRIVATE cfiber::headers)
add_executable(host host.c)
target_include_directories(host PRIVATE "${INC}")
target_link_libraries(host PRIVATE cfiber::cfiber ${LUALIBS})
]]

describe("What 'make install' installs", function()
  local missing = building.missing {"${CC:-cc}", "${MAKE:-make}"}
  if missing then
    pending("is found: " .. missing)
    return
  end
  local top, prefix, pkgconfig

  lazy_setup(function()
    top = building.directory()
    prefix = top .. "/opt/cfiber"
    pkgconfig = ("export PKG_CONFIG_PATH=%s\n"):format(quote(prefix .. "/lib/pkgconfig"))
    building.check({}, ("${MAKE:-make} -s install DESTDIR=%s PREFIX=/opt/cfiber"):format(quote(top)))
    building.write(top .. "/host.c", building.host)
    building.write(top .. "/each.c", building.module)
    building.write(top .. "/hosted.lua", building.hosted)
    building.write(top .. "/program.lua", building.program)
  end)

  lazy_teardown(function()
    building.check({}, "rm -r " .. quote(top))
  end)

  -- Runs commands in the directory where the sources are.
  local function check(needs, commands)
    return building.check(needs, ("DIR=%s\n"):format(quote(top)) .. commands)
  end

  it("has all headers", function()
    assert.equal(check({}, "ls csrc/include"), check({}, "ls " .. quote(prefix .. "/include")))
  end)

  it("has what is in Lua, with types for editors and for Teal", function()
    check({}, ("diff -r lua %s"):format(quote(prefix .. "/share/lua/" .. child.version)))
  end)

  it("can be read by everybody", function()
    assert.equal("", check({}, ("find %s -type f ! -perm -444"):format(quote(prefix))))
  end)

  for _, language in ipairs {"C89", "C++"} do
    it("lets pkg-config tell where the header is, for modules in " .. language, function()
      building.trymodule(language, pkgconfig .. "FLAGS=$(pkg-config --define-prefix --cflags cfiber)", {"pkg-config"})
    end)
  end

  it("lets pkg-config tell what a program links", function()
    local output = check({"pkg-config"}, building.libraries .. pkgconfig .. [[
      eval "${CC:-cc} -o '$DIR/host' '$DIR/host.c' -I'$INC' \
        $(pkg-config --define-prefix --static --cflags --libs cfiber) $LUALIBS"
      "$DIR/host" "$DIR/hosted.lua"]])
    assert.equal(building.hostedoutput, output)
  end)

  it("has one version", function()
    local output = check({"pkg-config"}, pkgconfig .. "pkg-config --modversion cfiber")
    assert.equal(helper.cfiber._VERSION .. "\n", "cfiber " .. output)
  end)

  it("is found by CMake, for modules and programs", function()
    building.write(top .. "/CMakeLists.txt", project)
    local output = check({"cmake", "make"}, building.libraries .. [[
      unset MAKEFLAGS MAKELEVEL
      cmake -S "$DIR" -B "$DIR/cmake" -DCMAKE_C_COMPILER_FORCED=ON -DCMAKE_PREFIX_PATH="$DIR/opt/cfiber" \
        -DINC="$INC" -DLUALIBS="$LUALIBS" >"$DIR/log" 2>&1 && cmake --build "$DIR/cmake" >>"$DIR/log" 2>&1 \
        || { cat "$DIR/log"; exit 1; }
      if nm -u "$DIR/cmake/each.so" | grep cfiber; then exit 1; fi
      "$DIR/cmake/host" "$DIR/hosted.lua"
      LUA_CPATH="$DIR/cmake/?.so;"]] .. quote(package.cpath) .. [[ $LUA "$DIR/program.lua"]])
    assert.equal(building.hostedoutput .. building.output, output)
  end)

  -- Which of the versions CMake takes the installed one for.
  local function accepted(...)
    building.write(top .. "/find.cmake", [[
      function(add_library)
      endfunction()
      function(set_target_properties)
      endfunction()
      foreach(version ${VERSIONS})
        find_package(cfiber ${version} QUIET NO_DEFAULT_PATH PATHS "${DIR}/opt/cfiber")
        if(cfiber_FOUND)
          execute_process(COMMAND echo ${version})
        endif()
        unset(cfiber_DIR CACHE)
        unset(cfiber_FOUND)
      endforeach()]])
    return check({"cmake"}, ([[cmake -DVERSIONS="%s" -DDIR="$DIR" -P "$DIR/find.cmake"]]):format(
      table.concat({...}, ";")))
  end

  it("is no later version for CMake, and no other major one", function()
    local major, minor, patch = helper.cfiber._VERSION:match "(%d+)%.(%d+)%.(%d+)"
    local same = major .. "." .. minor
    local output = accepted(major, same, same .. "." .. patch, same .. "." .. patch + 1,
      major .. "." .. minor + 1, ("%d.0"):format(major + 1))
    assert.equal(table.concat({major, same, same .. "." .. patch, ""}, "\n"), output)
  end)
end)
