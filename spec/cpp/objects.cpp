/*
** objects.cpp
** C++ frames for Lua states that OS threads hand to each other: nothing here is
** shared between the states
*/

#include <lua.hpp>

#include <stdexcept>
#include <string>

#include <cfiber.h>


/* Counts in what the host keeps of a Lua state: made, destroyed. */
class object {
 public:
  explicit object (lua_State *L) :
    counts(static_cast<long *>(lua_touserdata(L, lua_upvalueindex(1)))) {
    counts[0]++;
  }
  ~object () { counts[1] += self == this; }

 private:
  const object *self = this;
  long *counts;
};


/* hold(f, ...): calls f with an object on the stack */
static int hold (lua_State *L) {
  object o(L);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}


/* within(text, f, ...): calls f inside a 'catch'; returns the text of the
   exception that it throws again then, whether no other is caught after that,
   and what f returned */
static int within (lua_State *L) {
  object o(L);
  try {
    try {
      throw std::runtime_error(luaL_checkstring(L, 1));
    }
    catch (const std::exception &) {
      lua_call(L, lua_gettop(L) - 2, LUA_MULTRET);
      throw;
    }
  }
  catch (const std::exception &e) {
    lua_pushstring(L, e.what());
    lua_replace(L, 1);
  }
  lua_pushboolean(L, std::current_exception() == nullptr);
  lua_insert(L, 2);
  return lua_gettop(L);
}


/* counts(): how many were made, how many destroyed */
static int counts (lua_State *L) {
  long *c = static_cast<long *>(lua_touserdata(L, lua_upvalueindex(1)));
  lua_pushinteger(L, c[0]);
  lua_pushinteger(L, c[1]);
  return 2;
}


static const luaL_Reg functions[] = {
  {"counts", counts},
  {"hold", hold},
  {"within", within},
  {nullptr, nullptr}
};


/* objects([counts]): the functions, which count there */
static int with (lua_State *L) {
  lua_settop(L, 1);
  if (lua_isnil(L, 1)) {
    long *c = static_cast<long *>(lua_newuserdatauv(L, 2 * sizeof(long), 0));
    c[0] = c[1] = 0;
    lua_replace(L, 1);
  }
  luaL_newlibtable(L, functions);
  lua_insert(L, 1);
  luaL_setfuncs(L, functions, 1);
  return 1;
}


extern "C" int luaopen_objects (lua_State *L) {
  cfiber_import(L);
  lua_pushcfunction(L, with);
  return 1;
}
