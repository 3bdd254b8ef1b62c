/*
** capi_first.c
** A C module that was built for the first version of cfiber.h
*/

#include <lauxlib.h>
#include <lua.h>

/* That header is for Lua 5.4 alone; what it declares is the same in 5.5. */
#if LUA_VERSION_NUM == 505
#undef LUA_VERSION_NUM
#define LUA_VERSION_NUM 504
#include "first/cfiber.h"
#undef LUA_VERSION_NUM
#define LUA_VERSION_NUM 505
#else
#include "first/cfiber.h"
#endif


/* relay(co): yields what 'co' yields until it ends, then closes it; checks
   what the functions say on the way */
static int relay (lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  int n, status;
  while (cfiber_resume(L, co, 0, &n) == LUA_YIELD) {
    luaL_checkstack(L, n, NULL);
    lua_xmove(co, L, n);
    n = cfiber_yield(L, n);
    lua_pop(L, n);
  }
  lua_settop(co, 0);
  status = cfiber_status(L, co);
  lua_pushboolean(L, status == CFIBER_DEAD && cfiber_close(L, co) == LUA_OK
                       && cfiber_isyieldable(L) && cfiber_running(L) == L);
  return 1;
}


/* interrupt(co, err): leaves the running fiber, then throws into 'co' */
static int interrupt (lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  int n = cfiber_suspend(L, L, 0);
  lua_pop(L, n);
  lua_xmove(L, co, 1);
  lua_pushinteger(L, cfiber_throw(L, co, &n));
  lua_xmove(co, L, n);
  return n + 1;
}


int luaopen_capi_first (lua_State *L);

int luaopen_capi_first (lua_State *L) {
  cfiber_import(L);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, relay);
  lua_setfield(L, -2, "relay");
  lua_pushcfunction(L, interrupt);
  lua_setfield(L, -2, "interrupt");
  return 1;
}
