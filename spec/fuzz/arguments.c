/*
** arguments.c
** Fuzzes the functions of 'cfiber' and of cfiber.h: the bytes of an input say
** which are called with what, and where (arguments.lua does as they say). After
** each input nothing may be left: no mounted thread, no stack, no mapping, no
** memory, and the collector runs.
**
** An input is one byte and then what arguments.lua reads. Where the byte is odd
** the state is closed with everything as it is, and the last quarter is what
** finalizers read.
*/

#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE  /* syscall */
#endif

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../c/memory.h"
#include "../c/refuse.h"

#include "fiber.h"
#include "include/cfiber.h"
#include "lifecycle.h"

#define SCRIPT "spec/fuzz/arguments.lua"  /* from the project's directory */

/* Bytes that Lua may have. */
#define MEMORY_MAX ((size_t)32 << 20)

/* Bytes of stack that a body of arguments.lua needs at most, with the frames
   of a sanitizer. */
#define ROOM 40000

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* What is left of the input, and memory. */
static const uint8_t *next, *end;
static int protects;  /* the main thread is in a protected call */
static size_t bytes;  /* that Lua has */
static unsigned starving;  /* the allocation that will fail; 0: none */
static unsigned refused;  /* mappings so far */


static void wrong (const char *what) {
  fprintf(stderr, "arguments: %s\n", what);
  abort();
}


/* Nothing is refused any more. */
static void allow (void) {
  refused += refuse_mmap.first > 0 && refuse_mmap.uses >= refuse_mmap.first;
  refuse_mmap.first = refuse_mmap.last = 0;
  refuse_mprotect.last = 0;
}


static unsigned mappings (void) {
  return refuse_mmap.uses - refused - refuse_munmap.uses;
}


static void *allocate (void *ud, void *block, size_t before, size_t after) {
  void *now;
  (void)ud;
  if (block == NULL)
    before = 0;
  if (after == 0) {
    free(block);
    bytes -= before;
    return NULL;
  }
  if (after > before
      && ((starving > 0 && --starving == 0) || bytes + after > MEMORY_MAX))
    return NULL;
  now = realloc(block, after);
  if (now != NULL)
    bytes += after - before;
  return now;
}


/*
** {======================================================
** Functions for arguments.lua
** =======================================================
*/

/* byte(): the next byte, or 0. */
static int byte (lua_State *L) {
  lua_pushinteger(L, next < end ? *next++ : 0);
  return 1;
}


/* more(): are there more? */
static int more (lua_State *L) {
  lua_pushboolean(L, next < end);
  return 1;
}


/* room(): can the running stack take another body? */
static int room (lua_State *L) {
  const struct fiber *f = universe_push(L)->running;
  lua_pushboolean(L, f == NULL || !fiber_isunder(f)
                     || (char *)switch_here() - stack_low(f->stack) > ROOM);
  return 1;
}


/* starve(n): the nth allocation from now on fails. */
static int starve (lua_State *L) {
  starving = (unsigned)lua_tointeger(L, 1) & 255;
  return 0;
}


/* refuse(n): the system refuses the nth mapping from now on, and 3 guards. */
static int refuse (lua_State *L) {
  unsigned n = ((unsigned)lua_tointeger(L, 1) & 7) + 1;
  allow();
  refuse_mmap.why = refuse_mprotect.why = ENOMEM;
  refuse_mmap.first = refuse_mmap.last = refuse_mmap.uses + n;
  refuse_mprotect.first = refuse_mprotect.uses + 1;
  refuse_mprotect.last = refuse_mprotect.uses + 3;
  return 0;
}


/* raise(err): raises it on the main thread, whose protected call it leaves
   all fibers for. Not under ASan, which keeps marks of the frames that such a
   jump leaves on another stack than its own, nor out of a finalizer, which
   leaves the collector stopped in any Lua. */
static int raiseout (lua_State *L) {
  lua_State *main;
  lua_settop(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  main = lua_tothread(L, -1);
  lua_pop(L, 1);
  if (!protects || !MEMORY_FAILS || compat_finalizes(L)
      || !lua_checkstack(main, 1))
    return 0;
  lua_xmove(L, main, 1);
  return lua_error(main);
}

/* }====================================================== */


/*
** {======================================================
** The functions of cfiber.h
** =======================================================
*/

/* The thread at 1; the values above it move there. NULL: it has no room. */
static lua_State *pass (lua_State *L, int n) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "thread");
  if (co == L || !lua_checkstack(co, n))
    return NULL;
  lua_xmove(L, co, n);
  return co;
}


static int results (lua_State *L, lua_State *co, int status, int n) {
  if (status != LUA_OK && status != LUA_YIELD)
    n = 1;
  if (!lua_checkstack(L, n))
    lua_pop(co, n);
  else
    lua_xmove(co, L, n);
  return lua_gettop(L) - 1;
}


static int apiresume (lua_State *L) {
  int n = lua_gettop(L) - 1, status;
  lua_State *co = pass(L, n);
  if (co == NULL)
    return 0;
  status = cfiber_resume(L, co, n, &n);
  return results(L, co, status, n);
}


static int apithrow (lua_State *L) {
  lua_State *co;
  int status, n;
  lua_settop(L, 2);
  co = pass(L, 1);
  if (co == NULL)
    return 0;
  status = cfiber_throw(L, co, &n);
  return results(L, co, status, n);
}


/* Yields in a loop, from one C frame. */
static int apiyield (lua_State *L) {
  int n = lua_gettop(L), i;
  for (i = 0; i < 3; i++)
    n = cfiber_yield(L, n);
  return n;
}


static int apisuspend (lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "thread");
  return cfiber_suspend(L, co, lua_gettop(L) - 1);
}


static int apiclose (lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "thread");
  return cfiber_close(L, co) == LUA_OK ? 0 : results(L, co, LUA_ERRRUN, 1);
}


static int apistatus (lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "thread");
  lua_pushinteger(L, cfiber_status(L, co));
  lua_pushboolean(L, cfiber_isyieldable(L));
  lua_pushboolean(L, cfiber_running(L) == NULL);
  return 3;
}


static int last (lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  return lua_gettop(L);
}


/* Lua's own. */
static int yieldk (lua_State *L) {
  return lua_yieldk(L, lua_gettop(L), 0, last);
}


static const luaL_Reg functions[] = {
  {"close", apiclose},
  {"resume", apiresume},
  {"status", apistatus},
  {"suspend", apisuspend},
  {"throw", apithrow},
  {"yield", apiyield},
  {"yieldk", yieldk},
  {NULL, NULL}
};

/* }====================================================== */


static const luaL_Reg libraries[] = {
  {LUA_GNAME, luaopen_base},
  {LUA_COLIBNAME, luaopen_coroutine},
  {LUA_TABLIBNAME, luaopen_table},
  {LUA_STRLIBNAME, luaopen_string},
  {LUA_DBLIBNAME, luaopen_debug},
  {LUA_MATHLIBNAME, luaopen_math},
  {NULL, NULL}
};


static const luaL_Reg natives[] = {
  {"byte", byte},
  {"more", more},
  {"raise", raiseout},
  {"refuse", refuse},
  {"room", room},
  {"starve", starve},
  {NULL, NULL}
};


/* Leaves the functions 'run' and 'finish'. */
static int open (lua_State *L) {
  const luaL_Reg *l;
  for (l = libraries; l->name != NULL; l++) {
    luaL_requiref(L, l->name, l->func, 1);
    lua_pop(L, 1);
  }
  if (luaL_loadfile(L, SCRIPT) != LUA_OK)
    return lua_error(L);
  luaL_requiref(L, "cfiber", luaopen_cfiber, 0);
  cfiber_import(L);
  luaL_newlib(L, functions);
  luaL_newlib(L, natives);
  lua_call(L, 3, 2);
  return 2;
}


/* Nothing fails any more. */
static void relent (void) {
  starving = 0;
  allow();
}


static void run (lua_State *L, int closesearly) {
  const uint8_t *last = end;
  if (closesearly)
    end -= (end - next) / 4;
  while (next < end) {
    protects = 1;
    lua_pushvalue(L, 1);
    lua_pcall(L, 0, 0, 0);  /* hooks may raise anywhere */
    protects = 0;
    fiber_settle(universe_push(L), L);  /* this may be after a jump */
    lua_settop(L, 2);
  }
  relent();
  if (closesearly)
    end = last;
  else if (lua_pcall(L, 0, 1, 0) != LUA_OK || !lua_isnil(L, -1))
    wrong(luaL_tolstring(L, -1, NULL));
}


int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  unsigned before = mappings();
  lua_State *L;
  if (size == 0)
    return 0;
  bytes = 0;
  relent();
  next = data + 1;
  end = data + size;
#if LUA_VERSION_NUM > 504
  L = lua_newstate(allocate, NULL, 0);
#else
  L = lua_newstate(allocate, NULL);
#endif
  lua_pushcfunction(L, open);
  if (L == NULL || lua_pcall(L, 0, 2, 0) != LUA_OK)
    wrong(lua_tostring(L, -1));
  run(L, data[0] & 1);
  lua_close(L);
  relent();
  if (bytes != 0)
    wrong("Lua has memory left");
  if (mappings() != before)
    wrong("mappings are left");
  return 0;
}
