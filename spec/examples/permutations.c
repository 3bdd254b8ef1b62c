/*
** permutations.c
** A C function that yields from a loop, in the middle of a recursion
**
**      for p in cfiber.wrap(permutations), {1, 2, 3} do ... end
**
** No state machine, no continuation: 'i' and 'n' of each level stay where they
** are, on the fiber's C stack.
*/

#include <lauxlib.h>
#include <lua.h>

#include <cfiber.h>


/* Exchanges two items of the list, which is the first argument. */
static void swap (lua_State *L, lua_Integer i, lua_Integer j) {
  lua_geti(L, 1, i);
  lua_geti(L, 1, j);
  lua_seti(L, 1, i);
  lua_seti(L, 1, j);
}


/* Yields the list with its first n items in every order. */
static void permute (lua_State *L, lua_Integer n) {
  lua_Integer i;
  if (n <= 1) {
    lua_pushvalue(L, 1);
    lua_pop(L, cfiber_yield(L, 1));  /* what comes back is not needed */
    return;
  }
  for (i = 1; i <= n; i++) {
    swap(L, i, n);
    permute(L, n - 1);
    swap(L, i, n);
  }
}


/* permutations(list): yields the list, each time in another order; in the end
   it is in its first order again. It is one and the same table. */
static int permutations (lua_State *L) {
  lua_Integer n;
  luaL_checktype(L, 1, LUA_TTABLE);
  n = luaL_len(L, 1);
  luaL_argcheck(L, n <= 20, 1, "more than 20 items");  /* 20! is 2.4e18 */
  lua_settop(L, 1);
  permute(L, n);
  return 0;
}


int luaopen_permutations (lua_State *L);

int luaopen_permutations (lua_State *L) {
  cfiber_import(L);
  lua_pushcfunction(L, permutations);
  return 1;
}
