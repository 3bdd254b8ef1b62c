/*
** lib.h
** Functions called from Lua, in groups. Each is a C closure whose first
** upvalue is the universe.
*/

#ifndef lib_h
#define lib_h

#include <lauxlib.h>
#include <lua.h>

#include "config.h"
#include "fiber.h"

PRIVATE extern const luaL_Reg lib_coroutine[];  /* the eight of 'coroutine' */
PRIVATE extern const luaL_Reg lib_install[];
PRIVATE extern const luaL_Reg lib_limits[];

static inline struct universe *lib_universe (lua_State *L) {
  return (struct universe *)lua_touserdata(L, lua_upvalueindex(1));
}

#endif
