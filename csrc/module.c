/*
** module.c
** luaopen_cfiber: builds the module's table
*/

#include "include/cfiber.h"

#include "lib.h"
#include "lifecycle.h"


/* Adds functions to the table below the universe on top of the stack. */
static void addfunctions (lua_State *L, const luaL_Reg *functions) {
  for (; functions->name != NULL; functions++) {
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, functions->func, 1);
    lua_setfield(L, -3, functions->name);
  }
}


int luaopen_cfiber (lua_State *L) {
  luaL_checkversion(L);
  lua_createtable(L, 0, 16);
  universe_push(L);
  addfunctions(L, lib_coroutine);
  addfunctions(L, lib_install);
  addfunctions(L, lib_limits);
  lua_pop(L, 1);
  lua_pushliteral(L, CFIBER_VERSION);
  lua_setfield(L, -2, "_VERSION");
  return 1;
}
