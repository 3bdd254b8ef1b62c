/*
** libcoroutine.c
** The functions of 'coroutine' (manual 6.2) on fibers
*/

#include "lib.h"

static const char *const statusnames[] =
  {"running", "dead", "suspended", "normal"};


static lua_State *checkthread (lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "coroutine");
  return co;
}


/*
** Resumes 'co' with the 'narg' values on top of L. Returns how many results
** are on top of L now, or -1 when there is an error. 'co' stays on the stack
** of L or in a closure that runs: nothing else keeps it alive.
*/
INLINE int auxresume (struct universe *u, lua_State *L, lua_State *co,
                      int narg) {
  int status, nres;
  if (!lua_checkstack(co, narg)) {
    lua_pushliteral(L, "too many arguments to resume");
    return -1;
  }
  lua_xmove(L, co, narg);
  status = fiber_resume(u, co, L, narg, &nres);
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_xmove(co, L, 1);  /* error message */
    return -1;
  }
  if (!lua_checkstack(L, nres + 1)) {
    lua_pop(co, nres);
    lua_pushliteral(L, "too many results to resume");
    return -1;
  }
  lua_xmove(co, L, nres);
  return nres;
}


static int lib_resume (lua_State *L) {
  lua_State *co = checkthread(L);
  int r = auxresume(lib_universe(L), L, co, lua_gettop(L) - 1);
  if (r < 0) {
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
  }
  lua_pushboolean(L, 1);
  lua_insert(L, -(r + 1));
  return r + 1;
}


/* An error passes on; a string gets the place of the call in front. */
static int wraperror (struct universe *u, lua_State *L, lua_State *co) {
  int status = lua_status(co);
  if (status != LUA_OK && status != LUA_YIELD) {  /* error in the coroutine? */
    status = fiber_close(u, L, co);  /* close its variables */
    lua_xmove(co, L, 1);  /* the error, or the one that closing raised */
  }
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}


static int wrapped (lua_State *L) {
  struct universe *u = lib_universe(L);
  lua_State *co = lua_tothread(L, lua_upvalueindex(2));
  int r = auxresume(u, L, co, lua_gettop(L));
  return r < 0 ? wraperror(u, L, co) : r;
}


static int lib_create (lua_State *L) {
  lua_State *co;
  luaL_checktype(L, 1, LUA_TFUNCTION);
  co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  return 1;
}


static int lib_wrap (lua_State *L) {
  lib_create(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, -2);
  lua_pushcclosure(L, wrapped, 2);
  return 1;
}


static int lib_yield (lua_State *L) {
  return fiber_yield(lib_universe(L), L, lua_gettop(L));
}


static int lib_status (lua_State *L) {
  lua_State *co = checkthread(L);
  lua_pushstring(L, statusnames[fiber_status(lib_universe(L), L, co)]);
  return 1;
}


static int lib_isyieldable (lua_State *L) {
  lua_State *co = lua_isnone(L, 1) ? L : checkthread(L);
  lua_pushboolean(L, fiber_isyieldable(lib_universe(L), co));
  return 1;
}


static int lib_running (lua_State *L) {
  int ismain = lua_pushthread(L);
  lua_pushboolean(L, ismain);
  return 2;
}


static int lib_close (lua_State *L) {
  lua_State *co = checkthread(L);
  struct universe *u = lib_universe(L);
  int status = fiber_status(u, L, co);
  if (status != THREAD_DEAD && status != THREAD_SUSPENDED)
    return luaL_error(L, "cannot close a %s coroutine", statusnames[status]);
  if (fiber_close(u, L, co) == LUA_OK) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushboolean(L, 0);
  lua_xmove(co, L, 1);  /* error message */
  return 2;
}


const luaL_Reg lib_coroutine[] = {
  {"close", lib_close},
  {"create", lib_create},
  {"isyieldable", lib_isyieldable},
  {"resume", lib_resume},
  {"running", lib_running},
  {"status", lib_status},
  {"wrap", lib_wrap},
  {"yield", lib_yield},
  {NULL, NULL}
};
