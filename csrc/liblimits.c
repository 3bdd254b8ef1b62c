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
    fiber_setquick(u);
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


enum { MOUNTED, SUSPENDED, POOLED, PEAK, RESERVED, NATIVEYIELDS, COMPACTYIELDS,
       STACKSMADE, STACKSREUSED, SLICED, LASTGUARD, SWITCH, STATS };

static const char *const stats[STATS] = {
  "mounted", "suspended", "pooled", "peak", "reserved", "native_yields",
  "compact_yields", "stacks_made", "stacks_reused", "sliced", "guard", "switch"
};


static lua_Integer getcount (struct universe *u, int i) {
  struct pools *ps = &u->pools;
  switch (i) {
    case MOUNTED: return (lua_Integer)pools_inuse(ps);
    case SUSPENDED: return (lua_Integer)u->suspended;
    case POOLED: return (lua_Integer)pools_cached(ps);
    case PEAK: return (lua_Integer)ps->peak;
    case RESERVED: return (lua_Integer)ps->reserved;
    case NATIVEYIELDS: return (lua_Integer)u->native_yields;
    case COMPACTYIELDS: return (lua_Integer)u->compact_yields;
    case STACKSMADE: return (lua_Integer)ps->made;
    case STACKSREUSED: return (lua_Integer)pools_reused(ps);
    default: return u->sliced;
  }
}


static void pushstat (lua_State *L, struct universe *u, int i) {
  switch (i) {
    case LASTGUARD: lua_pushstring(L, guards[u->pools.guard]); break;
    case SWITCH: lua_pushliteral(L, SWITCH_NAME); break;
    default: lua_pushinteger(L, getcount(u, i));
  }
}


static int findstat (lua_State *L) {
  size_t length;
  const char *name;
  int i;
  luaL_checktype(L, 1, LUA_TSTRING);
  name = lua_tolstring(L, 1, &length);
  for (i = 0; i < STATS; i++) {
    if (name[0] == stats[i][0] && strcmp(name, stats[i]) == 0
        && length == strlen(stats[i]))
      return i;
  }
  return luaL_argerror(L, 1, lua_pushfstring(L, "unknown count '%s'", name));
}


/*
** stats([name]): a table of all counts, or the one of this name alone, which
** takes no table. 'sliced' is the number of VM instructions that slices took,
** those of the running ones included; what was inside two slices counts once.
*/
static int lib_stats (lua_State *L) {
  struct universe *u = lib_universe(L);
  int i = lua_isnoneornil(L, 1) ? STATS : findstat(L);
  fiber_settle(u, L);
  slice_settle(u);
  if (i < STATS)
    pushstat(L, u, i);
  else {
    lua_createtable(L, 0, STATS);
    for (i = 0; i < STATS; i++) {
      pushstat(L, u, i);
      lua_setfield(L, -2, stats[i]);
    }
  }
  return 1;
}


const luaL_Reg lib_limits[] = {
  {"config", lib_config},
  {"stats", lib_stats},
  {NULL, NULL}
};
