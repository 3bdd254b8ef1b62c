/*
** control.c
** What C modules do at the border of what fibers allow
*/

#include <lauxlib.h>
#include <lua.h>


/* raise(co, err): raises 'err' on the state 'co' (nil: the main thread), which
   jumps off the stack of the one that runs. */
static int raise (lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  if (co == NULL) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    co = lua_tothread(L, -1);
    lua_pop(L, 1);
  }
  lua_settop(L, 2);
  luaL_checkstack(co, 1, NULL);
  lua_xmove(L, co, 1);
  return lua_error(co);
}


static int last (lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  return lua_gettop(L);
}


static int again (lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  return lua_yieldk(L, lua_gettop(L), 0, last);
}


/* twice(...): yields its arguments, then what comes back, and returns what
   comes back then; between the two runs no Lua. */
static int twice (lua_State *L) {
  return lua_yieldk(L, lua_gettop(L), 0, again);
}


/* hidden(f): calls f in a coroutine that no value of this function is, while
   it runs. Raises its error. */
static int hidden (lua_State *L) {
  lua_State *co = lua_newthread(L);
  int ref = luaL_ref(L, LUA_REGISTRYINDEX), status, n;
  lua_xmove(L, co, 1);
  status = lua_resume(co, L, 0, &n);
  if (status != LUA_OK && status != LUA_YIELD)
    lua_xmove(co, L, 1);
  luaL_unref(L, LUA_REGISTRYINDEX, ref);
  return status == LUA_OK || status == LUA_YIELD ? 0 : lua_error(L);
}


int luaopen_control (lua_State *L);

int luaopen_control (lua_State *L) {
  lua_createtable(L, 0, 3);
  lua_pushcfunction(L, hidden);
  lua_setfield(L, -2, "hidden");
  lua_pushcfunction(L, raise);
  lua_setfield(L, -2, "raise");
  lua_pushcfunction(L, twice);
  lua_setfield(L, -2, "twice");
  return 1;
}
