/*
** boundary.c
** C functions that call Lua functions which yield. Knows the headers of Lua
** alone: what it does any C module may do.
*/

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <string.h>

#define LOCALS 64


/* Calls the function at 1 with an integer; leaves its result on top. */
static void callwith (lua_State *L, lua_Integer i) {
  lua_pushvalue(L, 1);
  lua_pushinteger(L, i);
  lua_call(L, 1, 1);
}


/*
** loop(f, n): calls f(i) for i from 1 to n from a C loop that keeps its state
** in C locals. Returns the sum of the results and how many locals changed.
*/
static int loop (lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 2), sum = 0, i;
  volatile lua_Integer locals[LOCALS];
  double real = 0.5;
  int changed = 0, k;
  for (k = 0; k < LOCALS; k++)
    locals[k] = n * 1000 + k;
  for (i = 1; i <= n; i++) {
    callwith(L, i);
    sum += lua_tointeger(L, -1);
    real *= 2;
    lua_pop(L, 1);
  }
  for (k = 0; k < LOCALS; k++)
    changed += locals[k] != n * 1000 + k;
  lua_pushinteger(L, sum);
  lua_pushinteger(L, changed);
  lua_pushnumber(L, real);
  return 3;
}


/*
** buffer(f, n, size): adds f(i) and a block of 'size' bytes to a luaL_Buffer,
** for i from 1 to n. A small one lies on the stack, a large one is boxed.
*/
static int buffer (lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 2), i;
  size_t size = (size_t)luaL_checkinteger(L, 3);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (i = 1; i <= n; i++) {
    memset(luaL_prepbuffsize(&b, size), 'a' + (int)(i % 26), size);
    luaL_addsize(&b, size);
    callwith(L, i);
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
  return 1;
}


/* reference(f, v): keeps v in the registry while f runs, returns it. */
static int reference (lua_State *L) {
  int ref;
  lua_settop(L, 2);
  ref = luaL_ref(L, LUA_REGISTRYINDEX);
  callwith(L, ref);
  lua_pop(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
  luaL_unref(L, LUA_REGISTRYINDEX, ref);
  return 1;
}


/* nest(f, n): n calls of itself through lua_call, then f(n). Each adds 1. */
static int nest (lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 2);
  if (n == 0)
    callwith(L, n);
  else {
    lua_pushcfunction(L, nest);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, n - 1);
    lua_call(L, 2, 1);
  }
  lua_pushinteger(L, lua_tointeger(L, -1) + 1);
  return 1;
}


/* call(f, ...): f(...) through lua_call. */
static int call (lua_State *L) {
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}


/* Puts how the call ended before its results. */
static int ended (lua_State *L, int status, const char *how) {
  lua_pushinteger(L, status);
  lua_insert(L, 1);
  lua_pushstring(L, how);
  lua_insert(L, 1);
  return lua_gettop(L);
}


static int continued (lua_State *L, int status, lua_KContext context) {
  (void)context;
  return ended(L, status, "continued");
}


/* callk(f, ...): "returned" or "continued", the status, what f returned. */
static int callk (lua_State *L) {
  lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, continued);
  return ended(L, LUA_OK, "returned");
}


static int pcallk (lua_State *L) {
  int n = lua_gettop(L) - 1;
  return ended(L, lua_pcallk(L, n, LUA_MULTRET, 0, 0, continued), "returned");
}


static int pcall (lua_State *L) {
  int n = lua_gettop(L) - 1;
  return ended(L, lua_pcall(L, n, LUA_MULTRET, 0), "returned");
}


/* yieldk(...): lua_yieldk; returns "continued", the status, the values. */
static int yieldk (lua_State *L) {
  return lua_yieldk(L, lua_gettop(L), 0, continued);
}


/*
** on(co, f, ...): calls f(...) on the state 'co' (nil: the main thread)
** through lua_pcall, whatever state runs. Returns the status and f's first
** result or the error.
*/
static int on (lua_State *L) {
  int n = lua_gettop(L) - 2, status;
  lua_State *co = lua_tothread(L, 1);
  if (co == NULL) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    co = lua_tothread(L, -1);
    lua_replace(L, 1);
  }
  luaL_checkstack(co, n + 1, NULL);
  lua_xmove(L, co, n + 1);
  status = lua_pcall(co, n, 1, 0);
  lua_xmove(co, L, 1);
  lua_pushinteger(L, status);
  lua_insert(L, -2);
  return 2;
}


/* universe(chunk): runs a chunk in a lua_State of its own and closes that.
   Returns nothing, or the error message. */
static int universe (lua_State *L) {
  const char *chunk = luaL_checkstring(L, 1);
  lua_State *other = luaL_newstate();
  int failed;
  if (other == NULL)
    return luaL_error(L, "not enough memory");
  luaL_openlibs(other);
  failed = luaL_dostring(other, chunk);
  if (failed)
    lua_pushstring(L, lua_tostring(other, -1));
  lua_close(other);
  return failed;
}


static const luaL_Reg functions[] = {
  {"buffer", buffer},
  {"call", call},
  {"callk", callk},
  {"loop", loop},
  {"nest", nest},
  {"on", on},
  {"pcall", pcall},
  {"pcallk", pcallk},
  {"reference", reference},
  {"universe", universe},
  {"yieldk", yieldk},
  {NULL, NULL}
};


int luaopen_boundary (lua_State *L);

int luaopen_boundary (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
