/*
** libinstall.c
** Puts fibers in the place of 'coroutine' and takes them out again
*/

#include "lib.h"

/* Registry: table with weak keys, from a table that fibers are installed in
   to a table of the functions that were there before. */
static const char savedkey = 0;


/* Leaves the table to work on at index 1: the argument or 'coroutine'. */
static void checktarget (lua_State *L) {
  lua_settop(L, 1);
  if (lua_isnil(L, 1)) {
    lua_getglobal(L, "coroutine");
    if (!lua_istable(L, -1))
      luaL_error(L, "no global table 'coroutine'");
    lua_replace(L, 1);
  }
  luaL_checktype(L, 1, LUA_TTABLE);
}


/* Saves the functions of the table at 1 in a table that it pushes. */
static void save (lua_State *L) {
  const luaL_Reg *r;
  lua_createtable(L, 0, 8);
  for (r = lib_coroutine; r->name != NULL; r++) {
    lua_pushstring(L, r->name);
    lua_rawget(L, 1);
    lua_setfield(L, -2, r->name);
  }
}


/*
** Pushes a table of the functions to install in the table at 1, or that are
** installed. Closures, which equal nothing but themselves, not the functions
** of 'cfiber': Lua looks functions up in the loaded modules to name them in
** tracebacks, and 'coroutine.yield' must not become 'cfiber.yield' by chance.
*/
static void pushfunctions (lua_State *L) {
  const luaL_Reg *r;
  lua_createtable(L, 0, 8);
  for (r = lib_coroutine; r->name != NULL; r++) {
    lua_pushstring(L, r->name);
    lua_rawget(L, 1);
    if (lua_tocfunction(L, -1) != r->func) {
      lua_pop(L, 1);
      lua_pushboolean(L, 1);
      lua_pushcclosure(L, r->func, 1);
    }
    lua_setfield(L, -2, r->name);
  }
}


/* Sets the fields of the table at 1 to those of the table on top. */
static void setfunctions (lua_State *L) {
  const luaL_Reg *r;
  for (r = lib_coroutine; r->name != NULL; r++) {
    lua_pushstring(L, r->name);
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    lua_rawset(L, 1);
  }
}


/* Everything that can fail comes before the first change; where a new field
   makes the table grow, another call completes what that left undone. */
static int installfunctions (lua_State *L) {
  checktarget(L);
  registry_pushweak(L, &savedkey);  /* at 2 */
  pushfunctions(L);  /* at 3 */
  lua_pushvalue(L, 1);
  if (lua_rawget(L, 2) == LUA_TNIL) {
    lua_pushvalue(L, 1);
    save(L);
    lua_rawset(L, 2);
  }
  lua_settop(L, 3);
  setfunctions(L);
  lua_settop(L, 1);
  return 1;
}


static int uninstallfunctions (lua_State *L) {
  checktarget(L);
  registry_pushweak(L, &savedkey);  /* at 2 */
  lua_pushvalue(L, 1);
  if (lua_rawget(L, 2) == LUA_TTABLE) {
    setfunctions(L);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    lua_rawset(L, 2);
  }
  lua_settop(L, 1);
  return 1;
}


const luaL_Reg lib_install[] = {
  {"install", installfunctions},
  {"uninstall", uninstallfunctions},
  {NULL, NULL}
};
