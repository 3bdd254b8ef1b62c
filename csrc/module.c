/*
** module.c
** luaopen_cfiber: builds the module's table
*/

#include "include/cfiber.h"

#include "lib.h"


/* A switch would fault at the next return. */
static void checkshadow (lua_State *L) {
  if (switch_isshadowed())
    luaL_error(L, "cfiber cannot switch the shadow stack that this process "
                  "has (%s turns it off)", SWITCH_UNSHADOW);
}


int luaopen_cfiber (lua_State *L) {
  luaL_checkversion(L);
  checkshadow(L);
  universe_push(L);
  lua_createtable(L, 0, 28);
  luaL_setfuncs(L, lib_coroutine, 0);
  luaL_setfuncs(L, lib_control, 0);
  luaL_setfuncs(L, lib_inspect, 0);
  luaL_setfuncs(L, lib_install, 0);
  luaL_setfuncs(L, lib_iter, 0);
  luaL_setfuncs(L, lib_limits, 0);
  luaL_setfuncs(L, lib_slice, 0);
  luaL_setfuncs(L, lib_stack, 0);
  capi_publish(L);
  lua_pushliteral(L, CFIBER_VERSION);
  lua_setfield(L, -2, "_VERSION");
  return 1;
}
