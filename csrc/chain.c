/*
** chain.c
** Which coroutines resumed each other on one stack
*/

#include "chain.h"

#include "compat.h"


/* Takes the value on top off T. Is it a thread that runs or resumes another?
   Else NULL. */
static lua_State *take (lua_State *T) {
  lua_Debug ar;
  lua_State *co = lua_tothread(T, -1);
  lua_pop(T, 1);
  return co != NULL && co != T && compat_runs(co)
      && lua_getstack(co, 0, &ar) ? co : NULL;
}


/* Such a thread among the values of the C function on top of T, which runs
   at 'ar', then among its upvalues. */
static lua_State *takeany (lua_State *T, const lua_Debug *ar) {
  lua_State *co = NULL;
  int i;
  for (i = 1; co == NULL && lua_getlocal(T, ar, i) != NULL; i++)
    co = take(T);
  for (i = 1; co == NULL && lua_getupvalue(T, -1, i) != NULL; i++)
    co = take(T);
  return co;
}


lua_State *chain_resumed (lua_State *T) {
  lua_Debug ar;
  lua_State *co = NULL;
  if (!lua_getstack(T, 0, &ar) || !lua_checkstack(T, 2))
    return NULL;
  lua_getinfo(T, "f", &ar);
  if (lua_iscfunction(T, -1))
    co = takeany(T, &ar);
  lua_pop(T, 1);
  return co;
}


lua_State *chain_pushresumed (lua_State *L, lua_State *T) {
  lua_State *co = T == L ? NULL : chain_resumed(T);
  if (co == NULL || !lua_checkstack(co, 1) || !lua_checkstack(L, LUA_MINSTACK))
    return NULL;
  lua_pushthread(co);
  lua_xmove(co, L, 1);
  return co;
}


int chain_push (lua_State *L, lua_State *outer, const lua_State *inner) {
  int base = lua_gettop(L), n;
  if (outer == inner)
    return 0;
  for (n = 0; (outer = chain_pushresumed(L, outer)) != inner; n++) {
    if (outer == NULL || n == NESTED_C_CALLS) {
      lua_settop(L, base);
      return -1;
    }
    lua_insert(L, base + 1);
  }
  lua_pop(L, 1);
  return n;
}
