/*
** measure.c
** How large a stack the Lua at hand needs
*/

#include "measure.h"

#include <lauxlib.h>
#include <stdint.h>
#include <string.h>

#include "annotate.h"

#define LEVELS 8

/* Nests 'gsub' and calls 'probe' at the outer and at the inner end. */
static const char chunk[] =
  "local gsub, probe, n = ...\n"
  "local function nest() n = n - 1\n"
  "  if n == 0 then probe() else gsub('a', 'a', nest) end end\n"
  "probe() nest()";

struct probe {
  uintptr_t outer, inner;  /* addresses of frames */
};


static int probe (lua_State *L) {
  struct probe *p = (struct probe *)lua_touserdata(L, lua_upvalueindex(1));
  uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  if (p->outer == 0)
    p->outer = here;
  p->inner = here;
  return 0;
}


/* Pushes the 'string.gsub' that Lua loaded; is it there, and in C? */
static int pushgsub (lua_State *L) {
  int found = 0;
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_istable(L, -1)) {
    lua_pushliteral(L, "string");
    if (lua_rawget(L, -2) == LUA_TTABLE) {
      lua_pushliteral(L, "gsub");
      lua_rawget(L, -2);
      found = lua_iscfunction(L, -1);
    }
  }
  return found;
}


size_t measure_stack (lua_State *L) {
  struct probe p = {0, 0};
  int top = lua_gettop(L);
  luaL_checkstack(L, 8, NULL);
  if (luaL_loadbufferx(L, chunk, sizeof(chunk) - 1, "=measure", "t") == LUA_OK
      && pushgsub(L)) {
    lua_replace(L, top + 2);
    lua_settop(L, top + 2);
    lua_pushlightuserdata(L, &p);
    lua_pushcclosure(L, probe, 1);
    lua_pushinteger(L, LEVELS + 1);
    lua_pcall(L, 3, 0, 0);
  }
  lua_settop(L, top);
  if (p.outer <= p.inner)
    return STACK_SIZE_FALLBACK;
  return (p.outer - p.inner) / LEVELS * NESTED_C_CALLS + STACK_SLACK;
}


/* Words of a thread that are looked at: fewer than the smallest has, which has
   the two pointers among its first ones. */
#define WORDS 16

struct look {
  struct marks *marks;
  uintptr_t outer;  /* address of a frame outside of the thread's */
};


/* Of Lua's errors only the innermost place to go to is on the C stack between
   two frames around 'lua_resume'. */
static int look (lua_State *L) {
  const struct look *l = (const struct look *)lua_touserdata(L, 1);
  uintptr_t here = (uintptr_t)__builtin_frame_address(0), words[WORDS];
  lua_Debug ar;
  int i, call = 0, jump = 0;
  memcpy(words, (const void *)L, sizeof(words));
  annotate_defined(words, sizeof(words));  /* some have no value yet */
  lua_getstack(L, 0, &ar);
  for (i = WORDS - 1; i > 0; i--) {
    if (words[i] == (uintptr_t)ar.i_ci)
      call = i;
    else if (words[i] - here < l->outer - here)
      jump = i;
  }
  if (call > 0 && jump > 0) {
    l->marks->call = (size_t)call * sizeof(uintptr_t);
    l->marks->jump = (size_t)jump * sizeof(uintptr_t);
  }
  return 0;
}


void measure_marks (lua_State *L, struct marks *m) {
  struct look l;
  lua_State *co = lua_newthread(L);
  int n;
  m->call = m->jump = 0;
  l.marks = m;
  l.outer = (uintptr_t)__builtin_frame_address(0);
  lua_sethook(co, NULL, 0, 0);
  lua_pushcfunction(co, look);
  lua_pushlightuserdata(co, &l);
  lua_resume(co, L, 1, &n);
  lua_pop(L, 1);
}
