/*
** leaving.cpp
** C functions that let exceptions out: they know nothing of cfiber
*/

#include <exception>
#include <stdexcept>
#include <string>

#include <lua.hpp>


static std::string told;

struct object {
  std::string name;
  explicit object (const char *n) : name(n) {}
  ~object () { told += name; }
};


/* told(): the names of those destroyed since the last call, in order */
static int tell (lua_State *L) {
  lua_pushstring(L, told.c_str());
  told.clear();
  return 1;
}


/* hold(name, f, ...) */
static int hold (lua_State *L) {
  object o(luaL_checkstring(L, 1));
  lua_call(L, lua_gettop(L) - 2, 0);
  return 0;
}


/* within(name, f, ...): inside a 'catch'; returns the text of the exception
   that it throws again then */
static int within (lua_State *L) {
  try {
    try {
      throw std::runtime_error(luaL_checkstring(L, 1));
    }
    catch (const std::exception &) {
      lua_call(L, lua_gettop(L) - 2, 0);
      throw;
    }
  }
  catch (const std::exception &e) {
    lua_pushstring(L, e.what());
    return 1;
  }
}


/* again(name, f, ...): throws again what f lets out, in a 'catch' */
static int again (lua_State *L) {
  try {
    return hold(L);
  }
  catch (const std::exception &) {
    told += "again";
    throw;
  }
}


/* state(): how many exceptions are thrown and not caught, is one caught? */
static int state (lua_State *L) {
  lua_pushinteger(L, std::uncaught_exceptions());
  lua_pushboolean(L, std::current_exception() != nullptr);
  return 2;
}


/* An object whose 'std::exception' does not lie at its start. */
struct first { virtual ~first () = default; int i = 0; };
struct derived : first, virtual std::runtime_error {
  explicit derived (const char *text) : std::runtime_error(text) {}
  ~derived () { told += "!"; }
};

struct hidden : private std::runtime_error {
  hidden () : std::runtime_error("hidden") {}
};


/* standard(text), other(), ...: let an exception out */
static int standard (lua_State *L) {
  object o("s");
  throw std::runtime_error(luaL_checkstring(L, 1));
}

static int other (lua_State *) { throw 1; }
static int pointer (lua_State *) { throw static_cast<std::exception *>(nullptr); }
static int unreachable (lua_State *) { throw hidden(); }
static int inherited (lua_State *L) { throw derived(luaL_checkstring(L, 1)); }

static int rethrown (lua_State *L) {
  std::rethrow_exception(std::make_exception_ptr(std::logic_error(
    luaL_checkstring(L, 1))));
}

static int incatch (lua_State *L) {
  try {
    throw 1;
  }
  catch (int) {
    throw std::runtime_error(luaL_checkstring(L, 1));
  }
}

static int guarded (lua_State *L) noexcept {
  lua_call(L, lua_gettop(L) - 1, 0);
  return 0;
}


static const luaL_Reg functions[] = {
  {"again", again},
  {"guarded", guarded},
  {"hold", hold},
  {"incatch", incatch},
  {"inherited", inherited},
  {"other", other},
  {"pointer", pointer},
  {"rethrown", rethrown},
  {"standard", standard},
  {"state", state},
  {"told", tell},
  {"unreachable", unreachable},
  {"within", within},
  {nullptr, nullptr}
};


extern "C" int luaopen_leaving (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
