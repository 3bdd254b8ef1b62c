-- header_spec.lua: cfiber.h and cfiber.hpp compile wherever they may be
-- included, and the modules in README.md do what it says

local building = require "building"
local child = require "child"
local helper = require "helper"

if helper.mode ~= "plain" or helper.cfiber.stats().switch == "ucontext" then
  return  -- a compiler does the same in every mode
end

-- All of the header, in functions that work in C and C++.
local user = [[
#include "cfiber.h"

int all (lua_State *L, lua_State *co);

int all (lua_State *L, lua_State *co) {
  int n;
  cfiber_import(L);
  n = cfiber_yield(L, 0) + cfiber_suspend(L, co, 1) + cfiber_resume(L, co, 2, &n) + cfiber_throw(L, co, &n);
  if (cfiber_isyieldable(L) && cfiber_running(L) == co && cfiber_status(L, co) == CFIBER_SUSPENDED)
    n += cfiber_close(L, co);
  return n + luaopen_cfiber(L);
}
]]

-- Compiles a program without a warning, or skips the test.
local function compiles(compiler, text, flags)
  local r = child.shell(building.include .. ("command -v %s >/dev/null || exit 99\n%s %s -pedantic -Wall -Wextra -Werror "
    .. "-Icsrc/include -I\"$INC\" $SCRIPT"):format(compiler:match "%S+", compiler, flags or "-fsyntax-only"), text)
  if r.status == 99 then
    pending(compiler .. " is not installed")
  else
    assert.equal("", r.errors)
    assert.equal(0, r.status)
  end
end

describe("cfiber.h", function()
  for _, compiler in ipairs {
    "${CC:-cc} -x c -std=c89 -DLUA_USE_C89", "${CC:-cc} -x c -std=c99", "${CC:-cc} -x c -std=c17",
    "clang -x c -std=c89 -DLUA_USE_C89", "g++ -x c++ -std=c++98 -Wno-long-long", "g++ -x c++ -std=c++17",
    "clang++ -x c++ -std=c++17",
  } do
    it("compiles with " .. compiler, function()
      compiles(compiler, user)
    end)

    it("leaves nothing unused with " .. compiler, function()
      compiles(compiler, '#include "cfiber.h"\nint only (void);\nint only (void) { return 0; }\n')
    end)
  end

  for _, language in ipairs {"C89", "C++"} do
    it("is all that a module needs in " .. language, function()
      building.trymodule(language, [[cp csrc/include/cfiber.h "$DIR"; FLAGS='-I"$DIR"']])
    end)
  end

  it("includes nothing else of the project", function()
    for line in io.lines "csrc/include/cfiber.h" do
      assert.is_nil(line:match '^%s*#%s*include%s*"')
    end
  end)
end)

-- What is a template is compiled where it is used.
local typed = [[
#include "cfiber.hpp"

static_assert(!cfiber::detail::lasts<std::optional<const char *>>, "gone with its value");

static int all (lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  auto owned = std::make_unique<int>(1);
  cfiber::function(L, [owned = std::move(owned)] (lua_State *l) {
    auto [b, i, d, s, n, o] = cfiber::yield<bool, int, double, std::string, cfiber::nil_t, std::optional<long>>(l,
      true, 1, 1.5, "text", std::string("string"), std::string_view("view"), cfiber::nil, nullptr, cfiber::value{1});
    (void)n;
    return b && i > int(d) && s.empty() && o ? *owned : cfiber::yield(l);
  });
  cfiber::function(L, [] (lua_State *) {});
  try {
    return cfiber::resume<int>(L, co, 1u) + int(cfiber::get<std::string_view>(L, 2).size());
  }
  catch (const cfiber::error &e) {
    e.push(L);
  }
  catch (const cfiber::type_error &e) {
    cfiber::push(L, e.what());
  }
  return 1;
}

extern "C" int luaopen_all (lua_State *L);

extern "C" int luaopen_all (lua_State *L) {
  cfiber_import(L);
  return cfiber::protect<all>(L);
}
]]

describe("cfiber.hpp", function()
  for _, compiler in ipairs {"g++ -x c++ -std=c++17", "clang++ -x c++ -std=c++17"} do
    it("compiles with " .. compiler, function()
      compiles(compiler, typed, "-Wshadow -fsyntax-only")
    end)
  end

  it("includes nothing else of the project but cfiber.h", function()
    for line in io.lines "csrc/include/cfiber.hpp" do
      local name = line:match '^%s*#%s*include%s*"(.-)"'
      assert.is_true(name == nil or name == "cfiber.h")
    end
  end)
end)

describe("The C module of the README", function()
  it("does what it says, built with the line above it", function()
    building.need({}, "${CC:-cc} ${MAKE:-make}")
    local r = child.shell(building.include .. [[
      DIR=$(mktemp -d) && cp $SCRIPT $DIR/each.c && HERE=$PWD && cd $DIR || exit 1
      ]] .. building.command:gsub("^cc", "${CC:-cc} -Wall -Werror -I$HERE/csrc/include -I\"$INC\"") .. [[ && LUA_CPATH=]]
      .. child.quote("./?.so;" .. package.cpath) .. [[ $LUA - <<'END'
      ]] .. building.program .. [[

END
      rm -r $DIR]], building.module)
    assert.equal("", r.errors)
    assert.equal(building.output, r.output)
  end)
end)

describe("The C++ module of the README", function()
  it("does what it says, built with the line above it", function()
    local command, module, program = building.readme:match "\n    c%+%+ ([^\n]+)\n\n```cpp\n(.-)```\n\n```lua\n(.-)```"
    local output = building.check({"g++"}, [[
      DIR=$(mktemp -d)
      trap 'rm -r "$DIR"' EXIT
      cp "$SCRIPT" "$DIR/lines.cc"
      cp README.md "$DIR"
      HERE=$PWD
      cd "$DIR"
      g++ -Wall -Wextra -Werror -I"$HERE/csrc/include" -I"$INC" ]] .. command .. "\nLUA_CPATH="
      .. child.quote("./?.so;" .. package.cpath) .. " $LUA - <<'END'\n" .. program .. "\nEND\n", module)
    assert.equal("# cfiber\t0\n", output)
  end)
end)
