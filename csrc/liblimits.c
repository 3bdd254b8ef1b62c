/*
** liblimits.c
** The limits of a universe and what it holds
*/

#include "lib.h"

#include <string.h>

struct limit {
  const char *name;
  lua_Integer min, max;
};

enum { STACKSIZE, MAXDEPTH, NATIVELIMIT, POOLLIMIT, LIMITS };

static const struct limit limits[LIMITS] = {
  {"stack_size", (lua_Integer)STACK_SIZE_MIN, (lua_Integer)STACK_SIZE_MAX},
  {"max_depth", 1, MAX_DEPTH_MAX},
  {"native_limit", 0, COUNT_LIMIT_MAX},
  {"pool_limit", 0, COUNT_LIMIT_MAX}
};


static void getlimits (const struct universe *u, lua_Integer *values) {
  values[STACKSIZE] = (lua_Integer)u->pool.size;
  values[MAXDEPTH] = u->max_depth;
  values[NATIVELIMIT] = (lua_Integer)u->native_limit;
  values[POOLLIMIT] = (lua_Integer)u->pool.limit;
}


static void setlimits (struct universe *u, const lua_Integer *values) {
  u->max_depth = (int)values[MAXDEPTH];
  u->native_limit = (size_t)values[NATIVELIMIT];
  pool_resize(&u->pool, stack_round((size_t)values[STACKSIZE]),
              (size_t)values[POOLLIMIT]);
}


static int findlimit (lua_State *L, int index) {
  int i;
  if (lua_type(L, index) == LUA_TSTRING) {
    for (i = 0; i < LIMITS; i++) {
      if (strcmp(lua_tostring(L, index), limits[i].name) == 0)
        return i;
    }
  }
  luaL_argerror(L, 1, lua_pushfstring(L, "unknown limit '%s'",
                                      luaL_tolstring(L, index, NULL)));
  return 0;
}


/* The new value of limit i, on top of the stack. */
static lua_Integer checklimit (lua_State *L, int i) {
  const struct limit *l = &limits[i];
  int isinteger;
  lua_Integer value = lua_tointegerx(L, -1, &isinteger);
  if (lua_type(L, -1) != LUA_TNUMBER)
    luaL_argerror(L, 1, lua_pushfstring(L, "%s: number expected, got %s",
                                        l->name, luaL_typename(L, -1)));
  if (!isinteger || value < l->min || value > l->max)
    luaL_argerror(L, 1, lua_pushfstring(L, "%s out of range (%I to %I)",
        l->name, (LUAI_UACINT)l->min, (LUAI_UACINT)l->max));
  return value;
}


/* Sets all limits of the table or, after an error, none. */
static int lib_config (lua_State *L) {
  struct universe *u = lib_universe(L);
  lua_Integer values[LIMITS];
  int i;
  lua_settop(L, 1);
  getlimits(u, values);
  if (!lua_isnil(L, 1)) {
    luaL_checktype(L, 1, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
      i = findlimit(L, -2);
      values[i] = checklimit(L, i);
    }
    setlimits(u, values);
    getlimits(u, values);
  }
  lua_createtable(L, 0, LIMITS);
  for (i = 0; i < LIMITS; i++) {
    lua_pushinteger(L, values[i]);
    lua_setfield(L, -2, limits[i].name);
  }
  return 1;
}


static void setcount (lua_State *L, const char *name, size_t n) {
  lua_pushinteger(L, (lua_Integer)n);
  lua_setfield(L, -2, name);
}


static int lib_stats (lua_State *L) {
  const struct universe *u = lib_universe(L);
  lua_createtable(L, 0, 10);
  setcount(L, "mounted", u->pool.live - u->pool.cached);
  setcount(L, "suspended", u->suspended);
  setcount(L, "pooled", u->pool.cached);
  setcount(L, "peak", u->pool.peak);
  setcount(L, "reserved", u->pool.reserved);
  setcount(L, "native_yields", u->native_yields);
  setcount(L, "compact_yields", u->compact_yields);
  setcount(L, "stacks_made", u->pool.made);
  setcount(L, "stacks_reused", u->pool.reused);
  lua_pushliteral(L, SWITCH_NAME);
  lua_setfield(L, -2, "switch");
  return 1;
}


const luaL_Reg lib_limits[] = {
  {"config", lib_config},
  {"stats", lib_stats},
  {NULL, NULL}
};
