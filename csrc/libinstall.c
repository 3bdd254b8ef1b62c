/*
** libinstall.c
** Puts fibers in the place of 'coroutine' and takes them out again
*/

#include "lib.h"

/* Registry: table with weak keys, from a table that fibers are installed in
   to a table of the functions that were there before. */
static const char savedkey = 0;


/* Pushes the table of saved functions. */
static void pushsaved (lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &savedkey) == LUA_TTABLE)
    return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 1);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &savedkey);
}


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


/* Sets the field 'name' of the table at 1 to the value on top, raw. */
static void rawsetname (lua_State *L, const char *name) {
  lua_pushstring(L, name);
  lua_insert(L, -2);
  lua_rawset(L, 1);
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
** Closures of its own, not those of 'cfiber': Lua looks functions up in the
** loaded modules to name them in tracebacks, and 'coroutine.yield' must not
** become 'cfiber.yield' by chance.
*/
static int lib_install_ (lua_State *L) {
  const luaL_Reg *r;
  checktarget(L);
  pushsaved(L);  /* at 2 */
  lua_pushvalue(L, 1);
  if (lua_rawget(L, 2) == LUA_TNIL) {
    lua_pushvalue(L, 1);
    save(L);
    lua_rawset(L, 2);
    for (r = lib_coroutine; r->name != NULL; r++) {
      lua_pushvalue(L, lua_upvalueindex(1));
      lua_pushcclosure(L, r->func, 1);
      rawsetname(L, r->name);
    }
  }
  lua_settop(L, 1);
  return 1;
}


static int lib_uninstall (lua_State *L) {
  const luaL_Reg *r;
  checktarget(L);
  pushsaved(L);  /* at 2 */
  lua_pushvalue(L, 1);
  if (lua_rawget(L, 2) == LUA_TTABLE) {  /* at 3 */
    for (r = lib_coroutine; r->name != NULL; r++) {
      lua_getfield(L, 3, r->name);
      rawsetname(L, r->name);
    }
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    lua_rawset(L, 2);
  }
  lua_settop(L, 1);
  return 1;
}


const luaL_Reg lib_install[] = {
  {"install", lib_install_},
  {"uninstall", lib_uninstall},
  {NULL, NULL}
};
