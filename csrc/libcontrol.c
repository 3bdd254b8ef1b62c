/*
** libcontrol.c
** Functions that 'coroutine' does not have
*/

#include "control.h"
#include "lib.h"


/* exit(...): does not return. */
static int lib_exit (lua_State *L) {
  return fiber_quit(lib_universe(L), L, lua_gettop(L));
}


/* suspend(co, ...): returns the arguments of the next resume. Of itself a fiber
   yields, which may be compact. */
static int lib_suspend (lua_State *L) {
  lua_State *co = lib_checkthread(L);
  struct universe *u = lib_universe(L);
  const struct fiber *f = u->running;
  if (co == L && f != NULL && f->L == L && f->body != BODY_CLOSE) {
    lua_remove(L, 1);
    return fiber_yield(u, L);
  }
  return fiber_suspend(u, L, co, lua_gettop(L) - 1);
}


/* throw(co, err): results as 'resume'. */
static int lib_throw (lua_State *L) {
  lua_State *co = lib_checkthread(L);
  int nres, status;
  lua_settop(L, 2);
  status = fiber_throw(lib_universe(L), L, &co, &nres);
  return lib_resumed(L, co, status, nres);
}


/* transfer(co, ...): returns the arguments of the next resume or transfer. */
static int lib_transfer (lua_State *L) {
  lua_State *co = lib_checkthread(L);
  return fiber_transfer(lib_universe(L), L, co, lua_gettop(L) - 1);
}


const luaL_Reg lib_control[] = {
  {"exit", lib_exit},
  {"suspend", lib_suspend},
  {"throw", lib_throw},
  {"transfer", lib_transfer},
  {NULL, NULL}
};
