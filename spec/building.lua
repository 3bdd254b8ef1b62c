-- building.lua: for specs that compile C modules and programs

local child = require "child"

local pending = require "busted.core"().pending  -- skips the test that runs

local building = {}

--- A command of the shell that sets INC to where the Makefile finds Lua's
-- headers.
building.include = "INC=$(printf 'include Makefile\\nshow:;@echo $(LUA_INCDIR)' | ${MAKE:-make} -s -f - show)\n"

-- Where these are in a command they must be there.
local tools = {"${CC:-cc}", "${MAKE:-make}"}

--- Says which of these programs is not there; nil if all are.
function building.missing(names)
  for _, name in ipairs(names) do
    if child.shell(("set -- %s; command -v $1"):format(name)).status ~= 0 then
      return name .. " is not installed"
    end
  end
end

--- Skips the test where 'needs', a list of programs, or the compiler and make,
-- if the commands name them, are not all there. Not to be called in a setup.
function building.need(needs, commands)
  local all = {table.unpack(needs)}
  for _, tool in ipairs(tools) do
    table.insert(all, commands:find(tool, 1, true) and tool)
  end
  local missing = building.missing(all)
  if missing then
    pending(missing)
  end
end

--- Runs commands of the shell, with INC set if they use it and the script as
-- $SCRIPT (see child.shell), which must succeed; returns what they wrote to
-- stdout and stderr. Skips the test where something is not there: see
-- building.need.
function building.check(needs, commands, script)
  if commands:find("$INC", 1, true) then
    commands = building.include .. commands
  end
  building.need(needs, commands)
  local r = child.shell("exec 2>&1\nset -e\n" .. commands, script)
  assert(r.status == 0, r.output)
  return r.output
end

--- A new directory with a space in its name.
function building.directory()
  local name = os.tmpname()
  os.remove(name)
  name = name .. " build"
  building.check({}, "mkdir " .. child.quote(name))
  return name
end

function building.write(name, text)
  local file <close> = assert(io.open(name, "w"))
  file:write(text)
end

local file <close> = assert(io.open "README.md")
building.readme = file:read "a"

--- The C module of the README, which is C89 and C++ as well, the command that
-- builds it, and the program that uses it, with what that prints.
building.module, building.program = building.readme:match "\n```c\n(.-)```\n.-```lua\n(.-)```"
building.command = building.readme:match "\n    (cc [^\n]-%-o each%.so each%.c)\n"
building.output = "c\tb\ta\n"

-- The module in other words.
local languages = {
  C89 = {compiler = "${CC:-cc}", flags = "-x c -std=c89 -DLUA_USE_C89", text = building.module},
  ["C++"] = {
    compiler = "g++",
    flags = "-x c++",
    text = [[
extern "C" {
#include <lauxlib.h>
int luaopen_each (lua_State *L);
}
]] .. building.module,
  },
}

-- What builds the module. FLAGS may quote, as pkg-config does.
local build = [[
DIR=$(mktemp -d)
trap 'rm -r "$DIR"' EXIT
cp "$SCRIPT" "$DIR/each.c"
%s
eval "%s %s -pedantic -Wall -Wextra -Werror -shared -fPIC -o $DIR/each.so $DIR/each.c -I'$INC' $FLAGS"
if nm -u "$DIR/each.so" | grep cfiber; then exit 1; fi
LUA_CPATH="$DIR/?.so;"%s $LUA - <<'END'
%s
END
]]

--- Builds the module, in language "C89" or "C++", with no other file of the
-- project than the header. It must refer to nothing of cfiber and do what the
-- README says.
-- 'flags': commands of the shell that set FLAGS to the compiler's arguments
-- with which it finds the header, as one would type them; $DIR is an empty
-- directory. 'needs': as above, what the commands use.
function building.trymodule(language, flags, needs)
  local l = languages[language]
  local commands = build:format(flags, l.compiler, l.flags, child.quote(package.cpath), building.program)
  local output = building.check({l.compiler, table.unpack(needs or {})}, commands, l.text)
  assert(output == building.output, output)
end

--- A program with Lua and cfiber in it, C and C++: runs the file that its
-- argument names.
building.host = [[
#include <stdio.h>
#if defined(__cplusplus)
extern "C" {
#endif
#include <lauxlib.h>
#include <lualib.h>
#if defined(__cplusplus)
}
#endif
#include <cfiber.h>

int main (int argc, char **argv) {
  lua_State *L = luaL_newstate();
  int status;
  luaL_openlibs(L);
  luaL_requiref(L, "cfiber", luaopen_cfiber, 0);
  lua_pop(L, 1);
  status = luaL_dofile(L, argv[argc - 1]);
  if (status != LUA_OK)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return status;
}
]]

--- What a host runs, and what that prints.
building.hosted = [[
local cfiber = require "cfiber"
assert(not _G.cfiber)
cfiber.wrap(function() ("host"):gsub("%a", function(c) io.write(c, "\n") cfiber.yield() end) end)()
]]
building.hostedoutput = "h\n"

--- A command of the shell that sets LUALIBS to what links Lua: into the
-- program if that is possible. It fails where there is no library.
building.libraries = ([[
for LUALIBS in "-l:lib%s.a -lm -ldl" "-l%s -lm -ldl" "-l%s -lm -ldl" "-L/usr/local/lib -llua -lm -ldl" ""; do
  [ -z "$LUALIBS" ] && echo "no library of Lua" && exit 1
  echo 'int lua_gettop (void *L); int main (void) { return lua_gettop(0); }' >"$DIR/try.c"
  ${CC:-cc} -o "$DIR/try" "$DIR/try.c" $LUALIBS 2>/dev/null && break
done
]]):format("lua" .. child.version, "lua" .. child.version, "lua-" .. child.version)

return building
