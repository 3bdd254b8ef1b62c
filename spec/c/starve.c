/*
** starve.c
** Makes allocations of a state fail on demand
*/

#include <lauxlib.h>
#include <lua.h>

struct starve {
  lua_Alloc alloc;
  void *ud;
  lua_Integer wait, fail;  /* allocations that succeed first, then fail */
};


static void *starved (void *ud, void *block, size_t old, size_t size) {
  struct starve *s = (struct starve *)ud;
  int grows = size > 0 && (block == NULL || size > old);
  if (grows && s->wait > 0)
    s->wait--;
  else if (grows && s->fail > 0) {
    s->fail--;
    return NULL;
  }
  return s->alloc(s->ud, block, old, size);
}


/* starve(wait, fail): after 'wait' allocations 'fail' ones fail. Lua tries
   each twice, after a collection. Returns what was left of the former two. */
static int starve (lua_State *L) {
  struct starve *s = (struct starve *)lua_touserdata(L, lua_upvalueindex(1));
  lua_Integer wait = luaL_checkinteger(L, 1);
  lua_Integer fail = luaL_checkinteger(L, 2);
  lua_pushinteger(L, s->wait);
  lua_pushinteger(L, s->fail);
  s->wait = wait;
  s->fail = fail;
  return 2;
}


/* The module goes when the state closes, and its function before it. */
static int stop (lua_State *L) {
  struct starve *s = (struct starve *)lua_touserdata(L, 1);
  lua_setallocf(L, s->alloc, s->ud);
  return 0;
}


int luaopen_starve (lua_State *L);

int luaopen_starve (lua_State *L) {
  struct starve *s =
    (struct starve *)lua_newuserdatauv(L, sizeof(struct starve), 0);
  s->wait = s->fail = 0;
  s->alloc = lua_getallocf(L, &s->ud);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, stop);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_pushcclosure(L, starve, 1);
  lua_setallocf(L, starved, s);
  return 1;
}
