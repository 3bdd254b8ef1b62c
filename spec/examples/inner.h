/*
** inner.h
** A call into a C library, in a fiber of its own
**
** A fiber that fails, is closed or collected does not go on: C functions that
** it left in the middle never return. A library that lives through a longjmp
** out of a callback does not mind. Others lose memory, or worse.
**
** So the call into the library gets an inner fiber, and its callbacks do not
** call Lua functions: they yield the question and get the answer. The one who
** resumes the inner fiber calls the Lua function, with no frame of the library
** on his stack, and may be left at any time. A guard sees to it that the
** library's call returns: it lets the inner fiber go on with no answer at all.
**
**      caller's fiber                            inner fiber
**      inner_resume -----------------> f(L) -> library -> callback
**      calls Lua  <-- question --------------------- cfiber_yield
**      inner_resume --- answer -----------------------> returns 1
**         ...
**      the guard is closed --- nothing ---------------> returns 0: stop
*/

#ifndef inner_h
#define inner_h

#include <lauxlib.h>
#include <lua.h>

#include <cfiber.h>

#define INNER "inner fiber"

/* The guard: a full userdata, whose user value is the thread. */
struct inner {
  lua_State *co;
};

/* Its '__close' and '__gc'. A callback that got no answer makes its library
   return as soon as it can, so this comes to an end. */
static int inner_finish (lua_State *L) {
  struct inner *in = (struct inner *)luaL_checkudata(L, 1, INNER);
  while (in->co != NULL && cfiber_status(L, in->co) == CFIBER_SUSPENDED) {
    int n;
    cfiber_resume(L, in->co, 0, &n);
    lua_pop(in->co, n);
  }
  return 0;
}

/* The first yield of a fiber is the one that may lack memory; here the library
   is not yet called. */
static int inner_body (lua_State *L) {
  lua_CFunction f = lua_tocfunction(L, 1);
  lua_settop(L, 0);
  return cfiber_yield(L, 0) > 0 ? f(L) : 0;
}

/* The guard is on top. Its finalizer must run before that by which cfiber
   leaves C++ frames of a fiber, so it comes later: after the first yield. */
static void inner_arm (lua_State *L) {
  if (luaL_newmetatable(L, INNER)) {
    lua_pushcfunction(L, inner_finish);
    lua_setfield(L, -2, "__close");
    lua_pushcfunction(L, inner_finish);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
}

/* Pushes the guard of a new inner fiber for f, which begins with what it is
   first resumed with: one value or more. The guard then belongs into a
   to-be-closed place: 'lua_toclose', or the closing value of a 'for'.
   What f gets from a library it gives back itself, at its end. A finalizer
   would come too early: objects that f makes are younger than the guard, and
   Lua finalizes the younger ones first (manual 2.5.3). */
static struct inner *inner_open (lua_State *L, lua_CFunction f) {
  struct inner *in = (struct inner *)lua_newuserdatauv(L, sizeof(*in), 1);
  int n;
  in->co = lua_newthread(L);
  lua_setiuservalue(L, -2, 1);
  lua_pushcfunction(in->co, inner_body);
  lua_pushcfunction(in->co, f);
  if (cfiber_resume(L, in->co, 1, &n) != LUA_YIELD) {
    lua_xmove(in->co, L, 1);
    lua_error(L);
  }
  inner_arm(L);
  return in;
}

/* Goes on with the 'n' values on top of 'in->co'. Returns how many came back,
   which are there then, or -1 when f has ended. Raises the error of f. */
static int inner_resume (lua_State *L, struct inner *in, int n) {
  int status = cfiber_resume(L, in->co, n, &n);
  if (status == LUA_YIELD)
    return n;
  if (status != LUA_OK) {
    lua_xmove(in->co, L, 1);
    lua_error(L);
  }
  lua_pop(in->co, n);
  return -1;
}

#endif
