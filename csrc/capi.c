/*
** capi.c
** The functions of cfiber.h: check arguments, call the fiber layer
*/

#include <lauxlib.h>
#include <lua.h>

#include "include/cfiber.h"

#include "control.h"
#include "finalizer.h"
#include "lib.h"
#include "unwinding.h"


/*
** {======================================================
** Arguments
** =======================================================
*/

INLINE int isof (const struct universe *u, lua_State *L) {
  return u->registry == lua_topointer(L, LUA_REGISTRYINDEX);
}


/* L may be of a Lua state that has not loaded the module. */
INLINE struct universe *universeof (lua_State *L, const char *name) {
  struct universe *u = universe_only();
  if (!LIKELY(u != NULL && ((u->running != NULL && u->running->L == L)
                            || isof(u, L))))
    u = universe_find(L);
  debug_enter(&u->user, u->running != NULL, name);
  return u;
}


/* Can L, which is not the state of the running fiber, be the one that runs or
   one that resumes it? Not if it is suspended, alone or inside another, or is
   in the middle of no call while a fiber runs. */
static RARE int canrun (struct universe *u, lua_State *L) {
  const struct fiber *f = (const struct fiber *)map_find(&u->map, L);
  const struct fiber *x = u->running;
  lua_Debug ar;
  if (lua_status(L) != LUA_OK)
    return 0;
  if (f == NULL)
    return x == NULL || !fiber_isunder(x) || lua_getstack(L, 0, &ar);
  while (x != NULL && x != f)
    x = x->resumer;
  return x != NULL;
}


/* L cannot run: an error in it would go on in the middle of its stack, or
   nowhere. Raises in the state that runs. */
static RARE void refusestate (struct universe *u, lua_State *L,
                              const char *message) {
  if (u->running != NULL && fiber_isunder(u->running))
    L = u->running->L;
  else
    L = thread_main(L);
  fiber_raise(finalizer_blamed(u, L), message);
}


/* Refuses L in a finalizer if it waits for another thread, which an error in L
   would leave. */
static RARE void checkwaiting (struct universe *u, lua_State *L,
                               const char *message) {
  lua_State *co = finalizer_blamed(u, L);
  if (co != L)
    fiber_raise(co, message);
}


/* L is not the state of the running fiber. */
static RARE void checkstate (struct universe *u, lua_State *L,
                             const char *message) {
  if (!canrun(u, L))
    refusestate(u, L, message);
  checkwaiting(u, L, message);
}


/* The universe of L, on which a function of this name was called; the message
   is for a state that is not the running one. */
INLINE struct universe *enteror (lua_State *L, const char *name,
                                 const char *message) {
  struct universe *u = universeof(L, name);
  if (!LIKELY(u->running == NULL ? lua_status(L) == LUA_OK
                                   && map_find(&u->map, L) == NULL
                                 : u->running->L == L))
    checkstate(u, L, message);
  return u;
}


/* The same where an error may come from anywhere. */
static struct universe *enterwary (lua_State *L, const char *name,
                                   const char *message) {
  struct universe *u = enteror(L, name, message);
  checkwaiting(u, L, message);
  return u;
}

#define NOTRUNNING(name) "cfiber_" name ": the state does not run"
#define enter(L, name) enterwary(L, "cfiber_" name, NOTRUNNING(name))


/* Raises an error of arguments. */
#define fail(u, L, ...) luaL_error(finalizer_blamed(u, L), __VA_ARGS__)

INLINE void checkthread (struct universe *u, lua_State *L, lua_State *co,
                         const char *name) {
  if (LIKELY(u->last != NULL && u->last->L == co))
    return;
  if (co == NULL)
    fail(u, L, "cfiber_%s: the thread is NULL", name);
  if (!isof(u, co))
    fail(u, L, "cfiber_%s: the thread is of another Lua state", name);
}


/* Are there 'n' values on the stack of 'co'? */
INLINE void checkvalues (struct universe *u, lua_State *L, lua_State *co,
                         int n, const char *name) {
  if (!LIKELY(n >= 0 && n <= lua_gettop(co)))
    fail(u, L, "cfiber_%s: %d values of %d", name, n, lua_gettop(co));
}

/* }====================================================== */


/*
** {======================================================
** Yield and suspend
** =======================================================
*/

/*
** L was resumed with 'n' values, now on top; below them are the 'base' that
** the C function had, and what a resumer in C left behind. One that took more
** than was yielded may have closed what the C function still uses.
*/
INLINE int arrived (lua_State *L, int base, int n) {
  int left = lua_gettop(L) - n - base;
  if (!LIKELY(left == 0)) {
    if (left < 0)
      luaL_error(L, "resumed with values missing that were not yielded");
    lua_rotate(L, base + 1, n);
    lua_settop(L, base + n);
  }
  return n;
}


static int yield (lua_State *L, int n) {
  struct universe *u = enteror(L, "cfiber_yield",
                               "attempt to yield from outside a coroutine");
  int base;
  checkvalues(u, L, L, n, "yield");
  base = lua_gettop(L) - n;
  return arrived(L, base, fiber_yieldinside(u, L, n));
}


static int suspend (lua_State *L, lua_State *co, int n) {
  struct universe *u = enter(L, "suspend");
  int base;
  checkthread(u, L, co, "suspend");
  checkvalues(u, L, L, n, "suspend");
  luaL_checkstack(L, 2 * LUA_MINSTACK, NULL);
  lua_pushthread(co);
  lua_xmove(co, L, 1);
  lua_insert(L, -(n + 1));  /* holds 'co' */
  base = lua_gettop(L) - n;
  n = arrived(L, base, fiber_suspend(u, L, co, n));
  lua_remove(L, base);
  return n;
}


static int isyieldable (lua_State *L) {
  return fiber_yieldsinside(universeof(L, "cfiber_isyieldable"), L);
}

/* }====================================================== */


/*
** {======================================================
** Resume, throw, close
** =======================================================
*/

/* Ends a resume of 'co' in L with the message, in place of 'n' arguments. */
static RARE int refuse (lua_State *L, lua_State *co, int n, int *nres,
                        const char *message) {
  lua_pop(co, n);
  if (!lua_checkstack(co, 1))
    return luaL_error(L, "stack overflow");
  *nres = 1;
  lua_pushstring(L, message);
  lua_xmove(L, co, 1);
  return LUA_ERRRUN;
}


/* Pushes 'co' on L, which holds it while it runs, and moves the 'n' values on
   top of 'co' there. They go first: 'co' may have no slot but theirs. */
INLINE void take (lua_State *L, lua_State *co, int n) {
  if (n > 0)
    lua_xmove(co, L, n);
  lua_pushthread(co);
  lua_xmove(co, L, 1);
  if (n > 0)
    lua_insert(L, -(n + 1));
}


/* Ends a resume of 'co' on L, which had 'base' values before. What came back
   is on 'other', which after a transfer is not 'co'. */
INLINE int finish (lua_State *L, lua_State *co, int base, int status,
                   int *nres, lua_State *other) {
  if (!LIKELY(status == LUA_YIELD || status == LUA_OK)) {
    other = L;
    *nres = 1;
  }
  if (!LIKELY(other == co)) {
    if (!lua_checkstack(co, *nres)) {
      lua_pop(other, *nres);
      lua_settop(L, base);
      return refuse(L, co, 0, nres, "too many results to resume");
    }
    lua_xmove(other, co, *nres);
  }
  lua_settop(L, base);
  return status;
}


INLINE void checkresume (struct universe *u, lua_State *L, lua_State *co,
                         int n, const int *nres, const char *name) {
  checkthread(u, L, co, name);
  checkvalues(u, L, co, n, name);
  if (!LIKELY(nres != NULL))
    fail(u, L, "cfiber_%s: the place for the number of results is NULL", name);
}


static int resume (lua_State *L, lua_State *co, int narg, int *nres) {
  struct universe *u = enteror(L, "cfiber_resume", NOTRUNNING("resume"));
  int base = lua_gettop(L), status;
  lua_State *other = co;
  checkresume(u, L, co, narg, nres, "resume");
  if (!LIKELY(co != L))
    return refuse(L, co, narg, nres, "cannot resume non-suspended coroutine");
  if (!LIKELY(lua_checkstack(L, narg + LUA_MINSTACK)))
    return refuse(L, co, narg, nres, "too many arguments to resume");
  take(L, co, narg);
  status = fiber_resume(u, L, &other, narg, nres);
  return finish(L, co, base, status, nres, other);
}


static int throwinto (lua_State *L, lua_State *co, int *nres) {
  struct universe *u = enter(L, "throw");
  int base = lua_gettop(L), status;
  lua_State *other = co;
  checkresume(u, L, co, 1, nres, "throw");
  if (co == L)
    return refuse(L, co, 1, nres, "cannot resume non-suspended coroutine");
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  take(L, co, 1);
  status = fiber_throw(u, L, &other, nres);
  return finish(L, co, base, status, nres, other);
}


static int statusof (lua_State *L, lua_State *co) {
  static const int codes[] = {  /* as the THREAD_ names are numbered */
    CFIBER_RUNNING, CFIBER_DEAD, CFIBER_SUSPENDED, CFIBER_NORMAL
  };
  struct universe *u = enter(L, "status");
  checkthread(u, L, co, "status");
  return codes[fiber_status(u, L, co)];
}


static int closethread (lua_State *L, lua_State *co) {
  struct universe *u = enter(L, "close");
  int status;
  checkthread(u, L, co, "close");
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  lib_checkclosable(u, L, co);
  lua_pushthread(co);
  lua_xmove(co, L, 1);  /* holds it */
  status = fiber_close(u, L, co);
  lua_pop(L, 1);
  return status;
}


static lua_State *running (lua_State *L) {
  struct universe *u = universeof(L, "cfiber_running");
  fiber_settle(u, L);
  return u->running != NULL ? u->running->L : NULL;
}

/* }====================================================== */


/* A module was loaded, perhaps the first that is written in C++. Where there
   is one universe and it is not that of L, L has none. */
static void imported (lua_State *L) {
  struct universe *u = universe_only();
  if (u == NULL || isof(u, L))
    unwind_look(universeof(L, "cfiber_import"));
}


static const struct cfiber_api api = {
  CFIBER_API_MAJOR, CFIBER_API_MINOR, sizeof(struct cfiber_api),
  yield, resume, throwinto, suspend, closethread, statusof, isyieldable,
  running, imported
};


void capi_publish (lua_State *L) {
  lua_pushlightuserdata(L, (void *)&api);
  lua_setfield(L, LUA_REGISTRYINDEX, CFIBER_REGISTRY_KEY);
}
