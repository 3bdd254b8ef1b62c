/*
** libcoroutine.c
** The functions of 'coroutine' (manual 6.2) on fibers
*/

#include "lib.h"

/* 'co' stays on the stack of L: nothing else keeps it alive while it runs. */
static int lib_resume (lua_State *L) {
  lua_State *co = lib_checkthread(L);
  int nres;
  int status = fiber_resume(lib_universe(L), L, &co, lua_gettop(L) - 1, &nres);
  return lib_resumed(L, co, status, nres);
}


/* The error of 'co' or the refusal to resume it, on top of L, passes on. */
static int wraperror (struct universe *u, lua_State *L, lua_State *co) {
  int status = lua_status(co);
  if (status != LUA_OK && status != LUA_YIELD) {  /* error in the coroutine? */
    status = fiber_close(u, L, co);  /* close its variables */
    if (status != LUA_OK && !COMPAT_WRAP_KEEPS_ERROR)  /* no exit? */
      lua_xmove(co, L, 1);  /* the error, or the one that closing raised */
  }
  return status == LUA_ERRMEM ? lua_error(L) : lib_raise(L);
}


/* Upvalue: the thread, as in stock Lua. */
static int wrapped (lua_State *L) {
  struct universe *u = lib_universe(L);
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  int nres;
  int status = fiber_resume(u, L, &co, lua_gettop(L), &nres);
  if (LIKELY(status == LUA_YIELD || status == LUA_OK)) {
    nres = lib_moveresults(L, co, nres);
    if (LIKELY(nres >= 0))
      return nres;
    lua_pushliteral(L, "too many results to resume");
  }
  return wraperror(u, L, co);
}


int lib_create (lua_State *L) {
  lua_State *co;
  luaL_checktype(L, 1, LUA_TFUNCTION);
  co = lua_newthread(L);
  fiber_reclaim(lib_universe(L), co);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  return 1;
}


int lib_wrap (lua_State *L) {
  lib_create(L);
  lua_pushcclosure(L, wrapped, 1);
  return 1;
}


/* Where the universe is to be looked for: mostly, there are several Lua
   states. */
static NOINLINE int yieldofmany (lua_State *L) {
  return fiber_yield(lib_universe(L), L);
}


static int lib_yield (lua_State *L) {
  struct universe *u = universe_only();
  if (!LIKELY(u != NULL))
    return yieldofmany(L);
  lib_check(u, L);
  return fiber_yield(u, L);
}


static int lib_status (lua_State *L) {
  lua_State *co = lib_checkthread(L);
  lua_pushstring(L, fiber_statusname(fiber_status(lib_universe(L), L, co)));
  return 1;
}


static int lib_isyieldable (lua_State *L) {
  lua_State *co = lua_isnone(L, 1) ? L : lib_checkthread(L);
  lua_pushboolean(L, fiber_isyieldable(lib_universe(L), co));
  return 1;
}


static int lib_running (lua_State *L) {
  int ismain = lua_pushthread(L);
  lua_pushboolean(L, ismain);
  return 2;
}


#if defined(COMPAT_CLOSES_RUNNING)

/* The thread to close. Does not return if that is L. */
static lua_State *checkclosing (lua_State *L) {
  lua_State *co = lua_isnone(L, 1) ? L : lib_checkthread(L);
  if (co == L) {
    if (L == thread_main(L))
      luaL_error(L, "cannot close main thread");
    fiber_closerunning(lib_universe(L), L);
  }
  return co;
}

#else

#define checkclosing(L) lib_checkthread(L)

#endif


static int lib_close (lua_State *L) {
  lua_State *co = checkclosing(L);
  struct universe *u = lib_universe(L);
  lib_checkclosable(u, L, co);
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
