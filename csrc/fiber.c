/*
** fiber.c
** States and transitions of a fiber
*/

#include "fiber.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdint.h>
#include <string.h>

#include "lifecycle.h"
#include "overflow.h"

/* The record's place on a stack: whole cache lines. */
#define FIBER_BYTES ((sizeof(struct fiber) + 63) & ~(size_t)63)


/*
** {======================================================
** Mounting
** =======================================================
*/

static int closethread (lua_State *co) {
#if LUA_VERSION_NUM > 504 || LUA_VERSION_RELEASE_NUM >= 50406
  return lua_closethread(co, NULL);
#else
  return lua_resetthread(co);
#endif
}


/* First frame of every stack. The count of nested C calls starts at 0. */
static void entry (void *message) {
  struct fiber *f = (struct fiber *)message;
  if (f->body == BODY_CLOSE)
    f->status = closethread(f->L);
  else
    f->status = lua_resume(f->L, NULL, f->nvalues, &f->nvalues);
  f->state = FIBER_FINISHED;
  fiber_exit(f);
}


/*
** Threads that yielded compactly not long ago. Places and marks are those of
** addresses: another thread may take the place or look the same. Then a yield
** is of the slower kind, no more.
*/
INLINE struct recent *recentplace (struct universe *u, lua_State *co) {
  return &u->recent[((uintptr_t)co >> MAP_HASH_SHIFT) & (RECENT_PLACES - 1)];
}

INLINE unsigned char recentmark (lua_State *co) {
  return (unsigned char)(((uintptr_t)co >> MAP_HASH_SHIFT) / RECENT_PLACES);
}

INLINE unsigned char recenttime (const struct universe *u) {
  return (unsigned char)(u->compact_yields / RECENT_UNIT);
}

INLINE void remember (struct universe *u, lua_State *co) {
  struct recent *r = recentplace(u, co);
  r->mark = recentmark(co);
  r->time = recenttime(u);
}

INLINE int isrecent (struct universe *u, lua_State *co) {
  const struct recent *r = recentplace(u, co);
  return r->mark == recentmark(co)
      && (unsigned char)(recenttime(u) - r->time) <= RECENT_UNITS;
}


INLINE struct fiber *mount (struct stack *s, lua_State *co,
                            enum fiber_body body) {
  struct fiber *f = (struct fiber *)(void *)(stack_top(s) - FIBER_BYTES);
  switch_prepare(&f->context, stack_low(s), f, entry);
  f->L = co;
  f->stack = s;
  f->size = s->size;
  f->anchored = 0;
  f->body = body;
  return f;
}


void fiber_unanchor (struct universe *u, struct fiber *f) {
  if (f->anchored) {
    f->anchored = 0;
    map_remove(&u->map, f->L);
  }
  if (u->last == f)
    u->last = NULL;
}


INLINE void unmount (struct universe *u, struct fiber *f) {
  fiber_unanchor(u, f);
  pool_put(f->stack);
}


INLINE struct fiber *suspended (struct universe *u, lua_State *co) {
  struct fiber *f = (struct fiber *)map_find(&u->map, co);
  return f != NULL && f->state == FIBER_SUSPENDED ? f : NULL;
}


void fiber_unwish (struct universe *u, const lua_State *co) {
  struct pool *p = (struct pool *)map_find(&u->wishes, co);
  if (p != NULL) {
    map_remove(&u->wishes, co);
    pools_leave(p);
  }
}


void fiber_abandon (struct universe *u, struct fiber *f) {
  if (f->state == FIBER_SUSPENDED)
    u->suspended--;
  unmount(u, f);
}


static void abandonsuspended (struct universe *u) {
  size_t i;
  for (i = 0; i < u->map.capacity; i++) {
    while (u->map.slots[i].key != NULL) {  /* removal may fill the slot again */
      struct fiber *f = (struct fiber *)u->map.slots[i].value;
      if (f->state == FIBER_SUSPENDED)
        fiber_abandon(u, f);
      else
        fiber_unanchor(u, f);
    }
  }
}


static void forgetwishes (struct universe *u) {
  size_t i;
  for (i = 0; i < u->wishes.capacity; i++) {
    while (u->wishes.slots[i].key != NULL)  /* as above */
      fiber_unwish(u, (const lua_State *)u->wishes.slots[i].key);
  }
}


void fiber_endall (struct universe *u) {
  const void *here = switch_here();
  abandonsuspended(u);
  while (u->running != NULL) {
    struct fiber *f = fiber_leaverunning(u);
    if (!stack_holds(f->stack, here))
      fiber_abandon(u, f);
  }
  forgetwishes(u);
  map_clear(&u->map);
  map_clear(&u->wishes);
  if (u->pools.usual != NULL)
    pools_leave(u->pools.usual);
  u->pools.usual = NULL;
  overflow_close(u);
  u->closed = 1;
}


/*
** The innermost fiber was jumped out of. Its thread is dead; it is buried if
** it has an anchor, which tells that it is not yet collected.
*/
static void lose (struct universe *u, lua_State *L) {
  struct fiber *f = fiber_leaverunning(u);
  lua_State *co = f->anchored ? f->L : NULL;
  fiber_abandon(u, f);
  if (co != NULL)
    thread_bury(L, co);
}


/*
** An error that C code raises on an outer state jumps off the stack of the
** running fiber, and of more. The stack one stands on tells: what is further
** in is lost.
*/
static RARE void settle (struct universe *u, lua_State *L) {
  const void *here = switch_here();
  while (u->running != NULL && !stack_holds(u->running->stack, here))
    lose(u, L);
}


/* A call from the running fiber needs no look at the stack. */
static inline void checkrunning (struct universe *u, lua_State *L) {
  if (u->running != NULL && u->running->L != L)
    settle(u, L);
}


void fiber_loseinner (struct universe *u, struct fiber *f, lua_State *L) {
  while (u->running != f)
    lose(u, L);
}

/* }====================================================== */


/*
** {======================================================
** Resume
** =======================================================
*/

/* Before a fiber runs: the universe may have come to another OS thread. */
INLINE void comehome (struct universe *u) {
  if (!LIKELY(fiber_athome(u)))
    overflow_arrive(u);
}


/* Has 'co' a body and not begun it? */
INLINE int isfresh (lua_State *co) {
  lua_Debug ar;
  return lua_status(co) == LUA_OK && lua_gettop(co) > 0
      && !lua_getstack(co, 0, &ar);
}


/* The pool that 'co' takes its stack from. */
INLINE struct pool *poolof (struct universe *u, const lua_State *co) {
  if (!LIKELY(u->wishes.count == 0)) {
    struct pool *p = (struct pool *)map_find(&u->wishes, co);
    if (p != NULL)
      return p;
  }
  return u->pools.usual;
}


/* A stack for 'co', by force: a collection may free some. */
static RARE struct stack *collectstack (struct universe *u, lua_State *L,
                                        lua_State *co) {
  struct stack *s;
  lua_gc(L, LUA_GCCOLLECT, 0);
  s = pool_get(poolof(u, co));
  if (s == NULL) {
    int why = errno;
    lua_pushfstring(L, "not enough memory (%s %d KB: %s)", u->pools.failed,
                    (int)(poolof(u, co)->size >> 10), strerror(why));
    lua_error(L);
  }
  return s;
}


/*
** Mounts 'co', which can start. NULL when it no longer can: a finalizer
** resumed it while the collector looked for memory.
*/
INLINE struct fiber *start (struct universe *u, lua_State *L, lua_State *co,
                            int cameback) {
  struct stack *s = pool_get(poolof(u, co));
  struct fiber *f;
  if (!LIKELY(s != NULL)) {
    s = collectstack(u, L, co);
    if (cameback ? lua_status(co) != LUA_YIELD : !isfresh(co)) {
      pool_put(s);
      return NULL;
    }
  }
  f = mount(s, co, BODY_RESUME);
  f->cameback = cameback;
  return f;
}


/* The message goes to the resumer: 'co' may be in the middle of a C function
   on another stack, where nothing may allocate, collect or raise. */
static RARE int refuse (lua_State *L, const char *message) {
  lua_pushstring(L, message);
  return LUA_ERRRUN;
}


/* 'co' runs nothing when it is resumed. */
static RARE int refusedead (lua_State *L, lua_State *co) {
  lua_Debug ar;
  if (lua_status(co) == LUA_OK && lua_getstack(co, 0, &ar)
      && !thread_isburied(L, co))
    return refuse(L, "cannot resume non-suspended coroutine");
  return refuse(L, "cannot resume dead coroutine");
}


/* As in stock Lua, on the stack of the resumer. */
static RARE int resumestock (lua_State *L, lua_State *co, int narg,
                             int *nres) {
  int status;
  lua_xmove(L, co, narg);
  status = lua_resume(co, L, narg, nres);
  if (status != LUA_OK && status != LUA_YIELD)
    lua_xmove(co, L, 1);
  return status;
}


struct fiber *fiber_ready (struct universe *u, lua_State *L, lua_State *co,
                           int narg, int *status, int *nres) {
  struct fiber *f = NULL;
  int compact = lua_status(co) == LUA_YIELD;
  checkrunning(u, L);
  if (!compact)
    f = suspended(u, co);
  if (narg > 0 && !lua_checkstack(co, narg))
    *status = refuse(L, "too many arguments to resume");
  else if (!compact && f == NULL && !isfresh(co))
    *status = refusedead(L, co);
  else if (u->depth >= u->max_depth)
    *status = refuse(L, "C stack overflow");
  else if (u->closed && !universe_reopen(u, L))
    *status = resumestock(L, co, narg, nres);
  else {
    comehome(u);
    if (f != NULL)
      u->suspended--;
    else if ((f = start(u, L, co, compact)) == NULL)  /* 'co' has changed */
      return fiber_ready(u, L, co, narg, status, nres);
    if (narg > 0)
      lua_xmove(L, co, narg);
    return f;
  }
  return NULL;
}


int fiber_finish (struct universe *u, struct fiber *f, int *nres) {
  int status = f->status;
  *nres = f->nvalues;
  if (status != LUA_OK && status != LUA_YIELD)
    lua_xmove(f->L, f->from, 1);  /* error message */
  if (status == LUA_YIELD) {
    u->compact_yields++;
    remember(u, f->L);
  }
  unmount(u, f);
  return status;
}

/* }====================================================== */


/*
** {======================================================
** Yield
** =======================================================
*/

static void raise (lua_State *L, const char *message) {
  lua_pushstring(L, message);
  lua_error(L);
}


/* Is L on the way from the main thread to the running fiber? */
static int isresumer (struct universe *u, lua_State *L) {
  struct fiber *f;
  for (f = u->running; f != NULL; f = f->resumer) {
    if (f->L == L || f->from == L)
      return 1;
  }
  return 0;
}


/*
** A yield on another state than that of the running fiber: of a stock
** coroutine, which yields itself, or by C code that kept a state.
*/
static void refuseelsewhere (struct universe *u, lua_State *L) {
  settle(u, L);
  if (isresumer(u, L) || suspended(u, L) != NULL)
    raise(L, "attempt to yield from outside a coroutine");
}


int fiber_yieldsnatively (struct universe *u, lua_State *L) {
  struct fiber *f = u->running;
  if (f == NULL || f->L != L || !fiber_isunder(f)) {
    refuseelsewhere(u, L);
    return 0;
  }
  if (f->body == BODY_CLOSE)
    return 0;  /* 'lua_yield' refuses, as in stock Lua */
  if (lua_isyieldable(L)) {
    if (u->suspended >= u->native_limit || !(f->cameback && isrecent(u, L)))
      return 0;
  }
  else if (finalizer_runson(L))
    raise(L, "attempt to yield from a finalizer");
  if (!f->anchored) {
    anchor_make(u, L);
    map_insert(&u->map, L, f);
    f->anchored = 1;
  }
  return 1;
}

/* }====================================================== */


/*
** {======================================================
** Close and status
** =======================================================
*/

int fiber_close (struct universe *u, lua_State *L, lua_State *co) {
  struct fiber *f;
  struct stack *s;
  int status;
  checkrunning(u, L);
  if (u->depth >= u->max_depth)
    return luaL_error(L, "C stack overflow");
  f = suspended(u, co);
  if (f != NULL)
    fiber_abandon(u, f);
  s = u->closed ? NULL : pool_get(poolof(u, co));
  if (s == NULL)  /* closing must not fail for want of memory */
    return closethread(co);
  comehome(u);
  f = mount(s, co, BODY_CLOSE);
  fiber_run(u, f, L);
  status = f->status;
  unmount(u, f);
  return status;
}


int fiber_status (struct universe *u, lua_State *L, lua_State *co) {
  lua_Debug ar;
  checkrunning(u, L);
  if (L == co)
    return THREAD_RUNNING;
  switch (lua_status(co)) {
    case LUA_YIELD:
      return THREAD_SUSPENDED;
    case LUA_OK:
      if (!lua_getstack(co, 0, &ar))  /* no frames: ended or not started */
        return lua_gettop(co) == 0 ? THREAD_DEAD : THREAD_SUSPENDED;
      if (suspended(u, co) != NULL)
        return THREAD_SUSPENDED;
      return thread_isburied(L, co) ? THREAD_DEAD : THREAD_NORMAL;
    default:  /* ended with an error */
      return THREAD_DEAD;
  }
}


int fiber_isyieldable (struct universe *u, lua_State *co) {
  struct fiber *f;
  if (lua_isyieldable(co) || suspended(u, co) != NULL)
    return 1;
  for (f = u->running; f != NULL; f = f->resumer) {
    if (f->L == co && f->body == BODY_RESUME)
      return !finalizer_runson(co);
  }
  return 0;
}

/* }====================================================== */
