/*
** calls.c
** Lua module for the benchmarks: a C function that does nothing and one that
** calls back
*/

#include <lauxlib.h>
#include <lua.h>

int luaopen_calls (lua_State *L);


/* empty(...): returns nothing */
static int empty (lua_State *L) {
  (void)L;
  return 0;
}


/* callback(f, n): calls f(i) for i = 1 to n */
static int callback (lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 2);
  lua_Integer i;
  for (i = 1; i <= n; i++) {
    lua_pushvalue(L, 1);
    lua_pushinteger(L, i);
    lua_call(L, 1, 0);
  }
  return 0;
}


static const luaL_Reg functions[] = {
  {"empty", empty},
  {"callback", callback},
  {NULL, NULL}
};


int luaopen_calls (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
