/*
** liblimits.c
** The limits of a universe and what it holds
*/

#include "lib.h"

#include <string.h>

#include "overflow.h"
#include "slice.h"

struct limit {
  const char *name;
  int type;  /* LUA_TNUMBER; LUA_TBOOLEAN, as 0 or 1; or LUA_TSTRING, as the
                place among the words */
  lua_Integer min, max;
};

enum { STACKSIZE, MAXDEPTH, NATIVELIMIT, POOLLIMIT, GUARD, OVERFLOWREPORT,
       LIMITS };

static const struct limit limits[LIMITS] = {
  {"stack_size", LUA_TNUMBER, (lua_Integer)STACK_SIZE_MIN,
   (lua_Integer)STACK_SIZE_MAX},
  {"max_depth", LUA_TNUMBER, 1, MAX_DEPTH_MAX},
  {"native_limit", LUA_TNUMBER, 0, COUNT_LIMIT_MAX},
  {"pool_limit", LUA_TNUMBER, 0, COUNT_LIMIT_MAX},
  {"guard", LUA_TSTRING, GUARD_ADVICE, GUARD_MPROTECT},
  {"overflow_report", LUA_TBOOLEAN, 0, 1}
};

static const char *const guards[] = {"advice", "mprotect"};


static void getlimits (const struct universe *u, lua_Integer *values) {
  values[STACKSIZE] = (lua_Integer)u->stack_size;
  values[MAXDEPTH] = u->max_depth;
  values[NATIVELIMIT] = (lua_Integer)u->native_limit;
  values[POOLLIMIT] = (lua_Integer)u->pools.limit;
  values[GUARD] = u->guard;
  values[OVERFLOWREPORT] = u->overflow_report;
}


/* Other threads than those with a wish take their stacks from another pool.
   Fails before anything has changed. */
static void setstacksize (struct universe *u, lua_State *L, size_t size) {
  struct pool *before = u->pools.usual;
  if (before != NULL && size != u->stack_size) {
    struct pool *p = pools_join(&u->pools, size);
    if (p == NULL)
      luaL_error(L, "not enough memory");
    u->pools.usual = p;
    pools_leave(before);
  }
  u->stack_size = size;
}


static void setlimits (struct universe *u, lua_State *L,
                       const lua_Integer *values) {
  setstacksize(u, L, pages_round((size_t)values[STACKSIZE]));
  u->max_depth = (int)values[MAXDEPTH];
  slice_counts(u);
  u->native_limit = (size_t)values[NATIVELIMIT];
  pools_limit(&u->pools, (size_t)values[POOLLIMIT]);
  u->guard = u->pools.guard = (enum pages_guard)values[GUARD];
  overflow_report(u, (int)values[OVERFLOWREPORT]);
}


static int findlimit (lua_State *L, int index) {
  int i;
  if (lua_type(L, index) == LUA_TSTRING) {
    for (i = 0; i < LIMITS; i++) {
      if (lua_rawlen(L, index) == strlen(limits[i].name)
          && strcmp(lua_tostring(L, index), limits[i].name) == 0)
        return i;
    }
  }
  luaL_argerror(L, 1, lua_pushfstring(L, "unknown limit '%s'",
                                      luaL_tolstring(L, index, NULL)));
  return 0;
}


static lua_Integer checkguard (lua_State *L, const struct limit *l) {
  lua_Integer i;
  for (i = l->min; i <= l->max; i++) {
    if (strcmp(lua_tostring(L, -1), guards[i]) == 0)
      return i;
  }
  return luaL_argerror(L, 1, lua_pushfstring(L,
      "%s: 'advice' or 'mprotect' expected, got '%s'", l->name,
      lua_tostring(L, -1)));
}


static lua_Integer checknumber (lua_State *L, const struct limit *l) {
  int isinteger;
  lua_Integer value = lua_tointegerx(L, -1, &isinteger);
  if (!isinteger || value < l->min || value > l->max)
    luaL_argerror(L, 1, lua_pushfstring(L, "%s out of range (%I to %I)",
        l->name, (LUAI_UACINT)l->min, (LUAI_UACINT)l->max));
  return value;
}


/* The new value of a limit, on top of the stack. */
static lua_Integer checklimit (lua_State *L, const struct limit *l) {
  if (lua_type(L, -1) != l->type)
    luaL_argerror(L, 1, lua_pushfstring(L, "%s: %s expected, got %s", l->name,
                                        lua_typename(L, l->type),
                                        luaL_typename(L, -1)));
  switch (l->type) {
    case LUA_TSTRING: return checkguard(L, l);
    case LUA_TBOOLEAN: return lua_toboolean(L, -1);
    default: return checknumber(L, l);
  }
}


static void pushlimit (lua_State *L, const struct limit *l, lua_Integer value) {
  switch (l->type) {
    case LUA_TSTRING: lua_pushstring(L, guards[value]); break;
    case LUA_TBOOLEAN: lua_pushboolean(L, (int)value); break;
    default: lua_pushinteger(L, value);
  }
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
      values[i] = checklimit(L, &limits[i]);
    }
    setlimits(u, L, values);
    getlimits(u, values);
  }
  lua_createtable(L, 0, LIMITS);
  for (i = 0; i < LIMITS; i++) {
    pushlimit(L, &limits[i], values[i]);
    lua_setfield(L, -2, limits[i].name);
  }
  return 1;
}


static void setcount (lua_State *L, const char *name, size_t n) {
  lua_pushinteger(L, (lua_Integer)n);
  lua_setfield(L, -2, name);
}


static int lib_stats (lua_State *L) {
  struct universe *u = lib_universe(L);
  struct pools *ps = &u->pools;
  fiber_settle(u, L);
  lua_createtable(L, 0, 11);
  setcount(L, "mounted", pools_inuse(ps));
  setcount(L, "suspended", u->suspended);
  setcount(L, "pooled", pools_cached(ps));
  setcount(L, "peak", ps->peak);
  setcount(L, "reserved", ps->reserved);
  setcount(L, "native_yields", u->native_yields);
  setcount(L, "compact_yields", u->compact_yields);
  setcount(L, "stacks_made", ps->made);
  setcount(L, "stacks_reused", pools_reused(ps));
  lua_pushstring(L, guards[ps->guard]);
  lua_setfield(L, -2, "guard");
  lua_pushliteral(L, SWITCH_NAME);
  lua_setfield(L, -2, "switch");
  return 1;
}


const luaL_Reg lib_limits[] = {
  {"config", lib_config},
  {"stats", lib_stats},
  {NULL, NULL}
};
