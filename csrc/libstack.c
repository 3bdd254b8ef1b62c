/*
** libstack.c
** Stacks as Lua sees them: a size for each thread, memory given back
*/

#include "lib.h"

#include "pages.h"


/* The second argument: bytes, rounded up to the minimum and to whole pages. */
static size_t checksize (lua_State *L) {
  lua_Integer size = luaL_checkinteger(L, 2);
  if (size < 1 || (lua_Unsigned)size > STACK_SIZE_MAX)
    luaL_argerror(L, 2, lua_pushfstring(L,
        "stack size out of range (1 to %I)", (LUAI_UACINT)STACK_SIZE_MAX));
  return pages_round((size_t)size < STACK_SIZE_MIN ? STACK_SIZE_MIN
                                                   : (size_t)size);
}


/* Gives the thread on top of the stack the size. At the end of Lua nobody would
   take the wish back, and there are no stacks to come. */
static void wish (lua_State *L, size_t size) {
  struct universe *u = lib_universe(L);
  if (!u->closed || universe_reopen(u, L))
    thread_wish(u, L, lua_tothread(L, -1), size);
}


static int create (lua_State *L) {
  size_t size;
  if (LIKELY(lua_gettop(L) == 1) || lua_isnil(L, 2))
    return lib_create(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  size = checksize(L);
  lib_create(L);
  wish(L, size);
  return 1;
}


static int wrap (lua_State *L) {
  size_t size;
  if (LIKELY(lua_gettop(L) == 1) || lua_isnil(L, 2))
    return lib_wrap(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  size = checksize(L);
  lib_wrap(L);
  lua_getupvalue(L, -1, 1);  /* the thread */
  wish(L, size);
  lua_pop(L, 1);
  return 1;
}


static int trim (lua_State *L) {
  struct universe *u = lib_universe(L);
  threads_reconcile(u, L);
  lua_pushinteger(L, (lua_Integer)pools_trim(&u->pools));
  return 1;
}


/* In place of those of 'lib_coroutine', which ignore a second argument. */
const luaL_Reg lib_stack[] = {
  {"create", create},
  {"trim", trim},
  {"wrap", wrap},
  {NULL, NULL}
};
