/*
** qsort.c
** The 'qsort' of C with a comparator in Lua, which may yield
**
** glibc's 'qsort' takes memory for itself, so a jump out of a comparator loses
** memory: it runs in an inner fiber (inner.h), and its comparator asks.
*/

#include <limits.h>
#include <stdlib.h>

#include "inner.h"


struct sort {
  lua_State *L;  /* of the inner fiber */
  int stopped;  /* nobody is interested in the order any more */
};

/* 'qsort' passes its comparator nothing but the items. Each knows its sort: a
   global variable would serve one fiber, not two that sort at once. */
struct item {
  struct sort *sort;
  lua_Integer index;  /* in the list as it was */
};


/* Asks how two items compare; nothing here can raise an error. */
static int compare (const void *a, const void *b) {
  const struct item *x = (const struct item *)a;
  const struct item *y = (const struct item *)b;
  lua_State *L = x->sort->L;
  int answer, n;
  if (x->sort->stopped)
    return 0;
  lua_pushinteger(L, x->index);
  lua_pushinteger(L, y->index);
  n = cfiber_yield(L, 2);
  x->sort->stopped = (n == 0);
  answer = (int)lua_tointeger(L, -1);
  lua_pop(L, n);
  return n == 0 ? 0 : answer;
}


/* What the inner fiber runs: sort(items, n). The items are on its Lua stack,
   for they must last as long as it does. */
static int sort (lua_State *L) {
  struct item *items = (struct item *)lua_touserdata(L, 1);
  size_t n = (size_t)lua_tointeger(L, 2), i;
  struct sort s = {NULL, 0};
  s.L = L;
  for (i = 0; i < n; i++) {
    items[i].sort = &s;
    items[i].index = (lua_Integer)i + 1;
  }
  qsort(items, n, sizeof(*items), compare);
  return 0;
}


/* Answers the question on top of 'co' by calling the comparator. */
static void answer (lua_State *L, lua_State *co, int values, int comparator) {
  lua_Number order;
  lua_pushvalue(L, comparator);
  lua_rawgeti(L, values, lua_tointeger(co, -2));
  lua_rawgeti(L, values, lua_tointeger(co, -1));
  lua_pop(co, 2);
  lua_call(L, 2, 1);
  if (!lua_isnumber(L, -1))
    luaL_error(L, "the comparator returned a %s, not a number",
               luaL_typename(L, -1));
  order = lua_tonumber(L, -1);
  lua_pop(L, 1);
  lua_pushinteger(co, (order > 0) - (order < 0));
}


/* Pushes a copy of the list, which the comparator cannot change. */
static void copy (lua_State *L, int list, int n) {
  int i;
  lua_createtable(L, n, 0);
  for (i = 1; i <= n; i++) {
    lua_geti(L, list, i);
    lua_rawseti(L, -2, i);
  }
}


/* qsort(list, comparator): sorts the list in place. comparator(a, b) returns a
   number less than, equal to or greater than zero, as in C. An error in it
   leaves the list as it is. */
static int lqsort (lua_State *L) {
  enum {LIST = 1, COMPARATOR, VALUES, ITEMS};
  struct item *items;
  struct inner *in;
  lua_Integer n;
  int i, given;
  luaL_checktype(L, LIST, LUA_TTABLE);
  luaL_checkany(L, COMPARATOR);
  n = luaL_len(L, LIST);
  luaL_argcheck(L, n >= 0 && n < INT_MAX, LIST, "too many items");
  lua_settop(L, COMPARATOR);
  copy(L, LIST, (int)n);
  items = (struct item *)lua_newuserdatauv(L, (size_t)n * sizeof(*items), 0);
  in = inner_open(L, sort);
  lua_toclose(L, -1);
  lua_pushvalue(L, ITEMS);
  lua_xmove(L, in->co, 1);
  lua_pushinteger(in->co, n);
  for (given = 2; inner_resume(L, in, given) > 0; given = 1)
    answer(L, in->co, VALUES, COMPARATOR);
  for (i = 1; i <= n; i++) {
    lua_rawgeti(L, VALUES, items[i - 1].index);
    lua_seti(L, LIST, i);
  }
  return 0;
}


int luaopen_qsort (lua_State *L);

int luaopen_qsort (lua_State *L) {
  cfiber_import(L);
  lua_pushcfunction(L, lqsort);
  return 1;
}
