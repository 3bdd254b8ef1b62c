-- amalgamation_spec.lua: cfiber compiled into a program, from one file

local building = require "building"
local child = require "child"
local helper = require "helper"

if helper.mode ~= "plain" or helper.cfiber.stats().switch == "ucontext" then
  return  -- a compiler does the same in every mode
end

local compilers = {C = "${CC:-cc} -x c", ["C++"] = "g++ -x c++"}

-- What else must compile, without a warning.
local strict = {
  "gcc -x c -std=c99", "gcc -x c -std=c99 -DCFIBER_SWITCH_UCONTEXT", "clang -x c -std=c99", "clang++ -x c++",
  "g++ -x c++ -std=c++17", "g++ -x c++ -DCFIBER_SWITCH_UCONTEXT",
}

describe("The amalgamation", function()
  local missing = building.missing {"${MAKE:-make}"}
  if missing then
    pending("can be made: " .. missing)
    return
  end
  local top

  lazy_setup(function()
    top = building.directory()
    building.check({}, "${MAKE:-make} -s amalgamation && cp build/amalgamation/* " .. child.quote(top))
    building.write(top .. "/host.c", building.host)
    building.write(top .. "/hosted.lua", building.hosted)
  end)

  lazy_teardown(function()
    building.check({}, "rm -r " .. child.quote(top))
  end)

  -- Runs commands where nothing else of the project is.
  local function check(needs, commands)
    return building.check(needs, ("DIR=%s\ncd \"$DIR\"\n%s"):format(child.quote(top), commands))
  end

  for language, compiler in pairs(compilers) do
    local needs = {compiler:match "%S+"}

    it("becomes part of a program by one call of a compiler, as " .. language, function()
      assert.equal(building.hostedoutput, check(needs, building.libraries .. compiler .. [[ \
        -Wall -Wextra -Werror -I. -I"$INC" host.c cfiber.c -x none -o host $LUALIBS
        ./host hosted.lua]]))
    end)

    it("shows nothing but the opening function, as " .. language, function()
      local names = check(needs, compiler .. [[ -I. -I"$INC" -c -o cfiber.o cfiber.c
        nm -g --defined-only cfiber.o]])
      -- The compiler's own, on i386, which do not leave a library.
      names = names:gsub("%x+ T __x86%.get_pc_thunk%.%l+\n", "")
      assert.match("^%x+ T luaopen_cfiber\n$", names)
    end)
  end

  for _, command in ipairs(strict) do
    it("compiles without a warning with " .. command, function()
      assert.equal("", check({command:match "%S+"}, command
        .. ' -pedantic -Wall -Wextra -fsyntax-only -I. -I"$INC" cfiber.c'))
    end)
  end

  it("says its version and license in each file", function()
    for name in check({}, "ls cfiber.*[ch]*"):gmatch "(cfiber%.[ch]p?p?)\n" do
      local file <close> = assert(io.open(top .. "/" .. name))
      local head = file:read "a":match "^/%*.-%*/"
      assert.match("** " .. name .. ":", head, 1, true)
      assert.match("** " .. helper.cfiber._VERSION .. "\n", head, 1, true)
      assert.match("** MIT License\n", head, 1, true)
    end
  end)

  it("names the file that a source includes in vain", function()
    building.write(top .. "/lost.c", '#include "nowhere.h"\n')
    local r = child.shell(('$LUA csrc/package/amalgamate.lua %s LICENSE %s csrc/include/cfiber.h'):format(
      child.quote(top), child.quote(top .. "/lost.c")))
    assert.equal(1, r.status)
    assert.match("lost.c includes nowhere.h, which is not there", r.errors, 1, true)
  end)
end)
