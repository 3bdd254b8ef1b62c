/*
** lib.h
** Functions called from Lua, in groups
*/

#ifndef lib_h
#define lib_h

#include <lauxlib.h>
#include <lua.h>

#include "config.h"
#include "fiber.h"
#include "lifecycle.h"

PRIVATE extern const luaL_Reg lib_coroutine[];  /* the eight of 'coroutine' */
PRIVATE extern const luaL_Reg lib_inspect[];
PRIVATE extern const luaL_Reg lib_control[];
PRIVATE extern const luaL_Reg lib_install[];
PRIVATE extern const luaL_Reg lib_iter[];
PRIVATE extern const luaL_Reg lib_limits[];
PRIVATE extern const luaL_Reg lib_slice[];
PRIVATE extern const luaL_Reg lib_stack[];

/* Lets 'cfiber_import' find the functions of cfiber.h. May raise. */
PRIVATE void capi_publish (lua_State *L);

/* 'create' and 'wrap' as in 'coroutine'. */
PRIVATE int lib_create (lua_State *L);
PRIVATE int lib_wrap (lua_State *L);

/* Ends a debug build: another OS thread runs fibers. The function that L runs
   has the name that its caller uses. */
INLINE void lib_intruded (lua_State *L) {
  lua_Debug ar;
  if (!lua_getstack(L, 0, &ar) || !lua_getinfo(L, "n", &ar)
      || ar.name == NULL)
    ar.name = "a function of 'cfiber'";
  debug_report(ar.name);
}

INLINE void lib_check (struct universe *u, lua_State *L) {
  if (debug_intrudes(&u->user, u->running != NULL))
    lib_intruded(L);
}

INLINE struct universe *lib_universe (lua_State *L) {
  struct universe *u = universe_of(L);
  lib_check(u, L);
  return u;
}

/* The thread at index 1. */
INLINE lua_State *lib_checkthread (lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "thread");
  return co;
}

/* Raises unless 'co' is suspended or dead; returns which. */
INLINE int lib_checkclosable (struct universe *u, lua_State *L,
                              lua_State *co) {
  int status = fiber_status(u, L, co);
  if (status != THREAD_DEAD && status != THREAD_SUSPENDED)
    luaL_error(L, "cannot close a %s coroutine", fiber_statusname(status));
  return status;
}

/* Moves 'nres' results from 'co' to L, where a C function was called with
   LUA_MINSTACK free slots, of which two may be in use. Returns how many
   moved, or -1 when L cannot take them. */
INLINE int lib_moveresults (lua_State *L, lua_State *co, int nres) {
  if (nres == 0)
    return 0;
  if (LIKELY(nres < LUA_MINSTACK - 1) || lua_checkstack(L, nres)) {
    lua_xmove(co, L, nres);
    return nres;
  }
  lua_pop(co, nres);
  return -1;
}

/* Raises the error on top; a string gets the place of the call in front. */
INLINE int lib_raise (lua_State *L) {
  if (lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

/* Ends a C function with what 'coroutine.resume' returns. */
INLINE int lib_resumed (lua_State *L, lua_State *co, int status, int nres) {
  if (LIKELY(status == LUA_YIELD || status == LUA_OK)) {
    lua_pushboolean(L, 1);
    nres = lib_moveresults(L, co, nres);
    if (LIKELY(nres >= 0))
      return 1 + nres;
    lua_pushliteral(L, "too many results to resume");
  }
  lua_pushboolean(L, 0);
  lua_insert(L, -2);
  return 2;
}

#endif
