/*
** libiter.c
** The yields of a function as the iterations of a generic 'for'
*/

#include "lib.h"

/* Name of the closing value's metatable in the registry. */
#define CLOSINGNAME "cfiber.iter"


/*
** An error of 'co', on top of L, passes on. A string gets the traceback of
** 'co' below it, which nobody could ask for later: the thread is closed before
** the error goes on, as by a 'wrap' function. A closing that fails replaces
** the error.
*/
static RARE int itererror (struct universe *u, lua_State *L, lua_State *co) {
  int status = lua_status(co);
  if (status == LUA_OK || status == LUA_YIELD)  /* a refusal? */
    return lib_raise(L);
  lua_pushvalue(L, -1);
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
    luaL_traceback(L, co, lua_tostring(L, -1), 0);
    lua_replace(L, -2);
  }
  if (fiber_close(u, L, co) != LUA_OK) {
    lua_xmove(co, L, 1);  /* the error, or the one that closing raised */
    if (lua_rawequal(L, -1, -3))
      lua_pop(L, 1);
  }
  return lua_error(L);
}


/* Resumes the thread with the 'narg' values on top of L. */
INLINE int step (struct universe *u, lua_State *L, lua_State *co, int narg) {
  int nres;
  int status = fiber_resume(u, L, &co, narg, &nres);
  if (LIKELY(status == LUA_YIELD)) {
    nres = lib_moveresults(L, co, nres);
    if (LIKELY(nres >= 0))
      return nres;
    lua_pushliteral(L, "too many results to resume");
  }
  else if (status == LUA_OK) {
    lua_pop(co, nres);
    return 0;  /* nil ends the loop */
  }
  return itererror(u, L, co);
}


/* The iterator. What the loop passes is dropped, and so a yield returns
   nothing. Upvalue: the thread. */
static int iterate (lua_State *L) {
  return step(lib_universe(L), L, lua_tothread(L, lua_upvalueindex(1)), 0);
}


/* The same for a function with arguments, which wait on the stack of the
   thread until it starts. */
static int iteratewith (lua_State *L) {
  struct universe *u = lib_universe(L);
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  int narg = 0;
  if (lua_gettop(co) > 1 && fiber_isfresh(co)) {
    narg = lua_gettop(co) - 1;
    luaL_checkstack(L, narg, "too many arguments");
    lua_xmove(co, L, narg);
  }
  return step(u, L, co, narg);
}


/* The thread of the closing value at index 1. */
static lua_State *checkclosing (lua_State *L) {
  lua_State *co;
  luaL_checkudata(L, 1, CLOSINGNAME);
  lua_getiuservalue(L, 1, 1);
  co = lua_tothread(L, -1);
  luaL_argexpected(L, co, 1, CLOSINGNAME);
  return co;
}


/* '__close' of the closing value: the loop is left. */
static int closeloop (lua_State *L) {
  lua_State *co = checkclosing(L);
  struct universe *u = lib_universe(L);
  int status = lib_checkclosable(u, L, co);
  if (status == THREAD_DEAD && lua_status(co) == LUA_OK)
    return 0;  /* the loop came to its end */
  if (fiber_close(u, L, co) != LUA_OK) {
    lua_xmove(co, L, 1);
    return lua_error(L);
  }
  return 0;
}


/* Pushes the metatable of closing values, complete from the start. */
static void pushclosingmeta (lua_State *L) {
  if (luaL_getmetatable(L, CLOSINGNAME) == LUA_TTABLE)
    return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 2);
  lua_pushliteral(L, CLOSINGNAME);
  lua_setfield(L, -2, "__name");
  lua_pushcfunction(L, closeloop);
  lua_setfield(L, -2, "__close");
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, CLOSINGNAME);
}


/* Pushes a value that closes the thread at 'index' when a loop ends. */
static void pushclosing (lua_State *L, int index) {
  lua_newuserdatauv(L, 0, 1);
  lua_pushvalue(L, index);
  lua_setiuservalue(L, -2, 1);
  pushclosingmeta(L);
  lua_setmetatable(L, -2);
}


/*
** iter(f, ...): the four values of a generic 'for' (manual 3.3.5) that calls
** f with the further arguments in a fiber of its own. Each yield is one
** iteration, with the yielded values; the end of f, or a first value that is
** nil, ends the loop. Its errors pass on. Leaving the loop closes the fiber.
*/
static int lib_iteration (lua_State *L) {
  int narg = lua_gettop(L) - 1;
  lua_State *co;
  luaL_checktype(L, 1, LUA_TFUNCTION);
  co = lua_newthread(L);
  fiber_reclaim(lib_universe(L), co);
  lua_insert(L, 1);
  luaL_argcheck(L, lua_checkstack(co, narg + 1), 2, "too many arguments");
  lua_xmove(L, co, narg + 1);
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, narg > 0 ? iteratewith : iterate, 1);
  lua_pushnil(L);
  lua_pushnil(L);
  pushclosing(L, 1);
  return 4;
}


const luaL_Reg lib_iter[] = {
  {"iter", lib_iteration},
  {NULL, NULL}
};
