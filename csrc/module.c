/*
** module.c
** luaopen_cfiber: builds the module's table
*/

#include "include/cfiber.h"

#include "lib.h"


/* Adds functions to the table on top of the stack. */
static void addfunctions (lua_State *L, struct universe *u,
                          const luaL_Reg *functions) {
  for (; functions->name != NULL; functions++) {
    lua_pushlightuserdata(L, u);
    lua_pushcclosure(L, functions->func, 1);
    lua_setfield(L, -2, functions->name);
  }
}


/* A switch would fault at the next return. */
static void checkshadow (lua_State *L) {
  if (switch_isshadowed())
    luaL_error(L, "cfiber cannot switch the shadow stack that this process "
                  "has (%s turns it off)", SWITCH_UNSHADOW);
}


int luaopen_cfiber (lua_State *L) {
  struct universe *u;
  luaL_checkversion(L);
  checkshadow(L);
  u = universe_push(L);
  lua_createtable(L, 0, 28);
  addfunctions(L, u, lib_coroutine);
  addfunctions(L, u, lib_control);
  addfunctions(L, u, lib_inspect);
  addfunctions(L, u, lib_install);
  addfunctions(L, u, lib_iter);
  addfunctions(L, u, lib_limits);
  addfunctions(L, u, lib_slice);
  addfunctions(L, u, lib_stack);
  capi_publish(L);
  lua_pushliteral(L, CFIBER_VERSION);
  lua_setfield(L, -2, "_VERSION");
  return 1;
}
