/*
** lib.h
** Functions called from Lua, in groups. Each is a C closure whose upvalue is
** the address of the universe, which the registry keeps alive.
*/

#ifndef lib_h
#define lib_h

#include <lauxlib.h>
#include <lua.h>

#include "config.h"
#include "fiber.h"
#include "lifecycle.h"

PRIVATE extern const luaL_Reg lib_coroutine[];  /* the eight of 'coroutine' */
PRIVATE extern const luaL_Reg lib_install[];
PRIVATE extern const luaL_Reg lib_limits[];
PRIVATE extern const luaL_Reg lib_stack[];

/* 'create' and 'wrap' as in 'coroutine'. */
PRIVATE int lib_create (lua_State *L);
PRIVATE int lib_wrap (lua_State *L);

INLINE struct universe *lib_universeat (lua_State *L, int index) {
  struct universe *u = universe_only();
  return LIKELY(u != NULL) ? u : (struct universe *)lua_touserdata(L, index);
}

INLINE struct universe *lib_universe (lua_State *L) {
  return lib_universeat(L, lua_upvalueindex(1));
}

#endif
