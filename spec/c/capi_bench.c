/*
** capi_bench.c
** Lua module for the benchmarks: resumes and yields between C functions
*/

#include <lauxlib.h>
#include <lua.h>

#include <cfiber.h>

int luaopen_capi_bench (lua_State *L);


/* fiber(): yields until something is passed in */
static int fiber (lua_State *L) {
  lua_settop(L, 0);
  while (cfiber_yield(L, 0) == 0) { }
  return 0;
}


/* resume(co, n): resumes n times */
static int resume (lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  lua_Integer n = luaL_checkinteger(L, 2);
  while (n-- > 0) {
    int came;
    if (cfiber_resume(L, co, 0, &came) != LUA_YIELD)
      return luaL_error(L, "it ended");
    lua_pop(co, came);
  }
  return 0;
}


static int again (lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  lua_settop(L, 0);
  return lua_yieldk(L, 0, 0, again);
}


/* stock(): the same with a continuation */
static int stock (lua_State *L) {
  return again(L, LUA_OK, 0);
}


/* stockresume(co, n) */
static int stockresume (lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  lua_Integer n = luaL_checkinteger(L, 2);
  while (n-- > 0) {
    int came;
    if (lua_resume(co, L, 0, &came) != LUA_YIELD)
      return luaL_error(L, "it ended");
    lua_pop(co, came);
  }
  return 0;
}


static const luaL_Reg functions[] = {
  {"fiber", fiber},
  {"resume", resume},
  {"stock", stock},
  {"stockresume", stockresume},
  {NULL, NULL}
};


int luaopen_capi_bench (lua_State *L) {
  cfiber_import(L);
  luaL_newlib(L, functions);
  return 1;
}
