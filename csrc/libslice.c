/*
** libslice.c
** Resume for a number of VM instructions
*/

#include "lib.h"
#include "slice.h"


/* Leaves true, how 'co' came back, and its results on L. These are off 'co'
   before anything allocates: a finalizer may resume or close it. */
static int pushresults (lua_State *L, lua_State *co, const char *how,
                        int nres) {
  if (!lua_checkstack(L, nres + 2)) {
    lua_pop(co, nres);
    lua_pushboolean(L, 0);
    lua_pushliteral(L, "too many results to resume");
    return 2;
  }
  lua_xmove(co, L, nres);
  lua_pushboolean(L, 1);
  lua_pushstring(L, how);
  lua_rotate(L, -(nres + 2), 2);
  return 2 + nres;
}


/*
** slice(co, budget, ...): resumes 'co' like 'resume' for at most 'budget' VM
** instructions (1 to 2147483647), which those of the fibers that it resumes
** count towards. Returns true, "yield" and the yielded values, or true,
** "return" and the results, or true, "budget" when the budget was spent, or
** false and the error. A fiber stopped by its budget goes on with any resume,
** which passes it nothing. The budget is not enforced below a hook that the
** running code itself sets with 'debug.sethook', until 'co' comes back.
*/
static int lib_sliced (lua_State *L) {
  lua_State *co = lib_checkthread(L);
  struct slice s = {NULL, luaL_checkinteger(L, 2), 1, 0, 0, 0, 0, NULL, 0, 0,
                    NULL};
  int nres;
  int status;
  luaL_argcheck(L, s.left >= 1 && s.left <= SLICE_MAX, 2,
                lua_pushfstring(L, "budget out of range (1 to %d)",
                                SLICE_MAX));
  status = slice_resume(lib_universe(L), L, &co, lua_gettop(L) - 2, &s, &nres);
  if (status == LUA_OK)
    return pushresults(L, co, "return", nres);
  if (status == LUA_YIELD)
    return pushresults(L, co, s.preempted ? "budget" : "yield", nres);
  lua_pushboolean(L, 0);
  lua_insert(L, -2);
  return 2;
}


const luaL_Reg lib_slice[] = {
  {"slice", lib_sliced},
  {NULL, NULL}
};
