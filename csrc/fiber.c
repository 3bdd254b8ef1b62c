/*
** fiber.c
** States and transitions of a fiber
*/

#include "fiber.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdint.h>
#include <string.h>

#include "chain.h"
#include "lifecycle.h"
#include "overflow.h"
#include "slice.h"
#include "unwind.h"

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


/*
** Kept out of fiber_entry: after the longjmp of a compact yield the next returns
** are predicted from the calls that it skipped. From the body's setjmp to the
** function that Lua called there must be as many returns as in stock Lua, then
** all further ones are predicted right: 12 ns.
*/
static NOINLINE void run (struct fiber *f) {
  if (f->body == BODY_CLOSE)
    f->status = closethread(f->L);
  else
    f->status = lua_resume(f->L, NULL, f->nvalues, &f->nvalues);
  f->state = FIBER_FINISHED;
}


/* The count of nested C calls starts at 0. */
void fiber_entry (void *message) {
  struct fiber *f = (struct fiber *)message;
  switch_outermost();
  run(f);
  fiber_exit(f);
}


void fiber_unanchor (struct universe *u, struct fiber *f) {
  if (f->anchored) {
    f->anchored = 0;
    map_remove(&u->map, f->L);
  }
  if (u->last == f)
    u->last = NULL;
}


void fiber_abandon (struct universe *u, struct fiber *f) {
  struct fiber *inner = f->inner;
  DEBUG_ASSERT((f->state != FIBER_SUSPENDED || u->suspended > 0)
               && "more fibers continue than were suspended");
  if (f->state == FIBER_SUSPENDED)
    u->suspended--;
  while (inner != NULL && inner != f) {
    struct fiber *resumer = inner->resumer;
    unwind_forget(inner);
    fiber_unmount(u, inner);
    inner = resumer;
  }
  unwind_forget(f);
  fiber_unmount(u, f);
}


void fiber_unwish (struct universe *u, const lua_State *co) {
  struct pool *p = (struct pool *)map_find(&u->wishes, co);
  if (p != NULL) {
    map_remove(&u->wishes, co);
    pools_leave(p);
  }
}


void fiber_disown (struct universe *u, struct fiber *f) {
  if (f->state == FIBER_SUSPENDED)
    fiber_abandon(u, f);
  else
    fiber_unanchor(u, f);
}


/* Pushes a suspended thread with C++ frames and returns its fiber; or pushes
   nothing: NULL. Looks in the table of threads with anchors, which loses a
   thread that is collected in whatever way, as the map may not. */
static struct fiber *pushdestroyable (struct universe *u, lua_State *L) {
  threads_push(L);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    struct fiber *f = fiber_suspended(u, lua_tothread(L, -2));
    if (f != NULL && unwind_isneeded(u, f)) {
      lua_pop(L, 1);
      lua_remove(L, -2);
      return f;
    }
  }
  lua_pop(L, 1);
  return NULL;
}


/* The anchors of these had no finalizer, or Lua could not call it. No fiber can
   start any more. */
static void unwindsuspended (struct universe *u, lua_State *L) {
  struct fiber *f;
  while (u->suspended > 0 && (f = pushdestroyable(u, L)) != NULL) {
    unwind_fiber(u, L, f, NULL);
    fiber_abandon(u, f);
    lua_pop(L, 1);
  }
}


static void abandonsuspended (struct universe *u) {
  size_t i;
  for (i = 0; i < u->map.capacity; i++) {
    while (u->map.slots[i].key != NULL)  /* removal may fill the slot again */
      fiber_disown(u, (struct fiber *)u->map.slots[i].value);
  }
}


/* The caller stands on the stack of one of them or outside; further in they
   were jumped out of. */
static void abandonrunning (struct universe *u) {
  const void *here = switch_here();
  int inside = 0;  /* does the caller stand inside those that follow? */
  while (u->running != NULL) {
    struct fiber *f = fiber_leaverunning(u);
    int holds = stack_holds(f->stack, here);
    unwind_forget(f);
    if (inside || !fiber_athome(u))
      annotate_forget(&f->annotation);
    else if (!holds)
      annotate_jumped(&f->annotation);
    if (!holds)
      fiber_abandon(u, f);
    inside |= holds;
  }
}


static void forgetwishes (struct universe *u) {
  size_t i;
  for (i = 0; i < u->wishes.capacity; i++) {
    while (u->wishes.slots[i].key != NULL)  /* as above */
      fiber_unwish(u, (const lua_State *)u->wishes.slots[i].key);
  }
}


void fiber_endall (struct universe *u, lua_State *L) {
  u->closed = 1;
  unwindsuspended(u, L);
  abandonsuspended(u);
  abandonrunning(u);
  forgetwishes(u);
  map_clear(&u->map);
  map_clear(&u->wishes);
  map_clear(&u->lost);
  if (u->pools.usual != NULL)
    pools_leave(u->pools.usual);
  u->pools.usual = NULL;
  overflow_close(u);
}


/*
** The innermost fiber was jumped out of. Its thread is dead; it is buried if
** it has an anchor, which tells that it is not yet collected. Where the jump
** was on another OS thread, what it left behind there cannot be mended here.
*/
static void lose (struct universe *u, lua_State *L) {
  struct fiber *f = fiber_leaverunning(u);
  lua_State *co = f->L;
  int anchored = f->anchored;
  if (u->exceptions != NULL && fiber_athome(u))
    *u->exceptions() = f->exceptions;
  fiber_abandon(u, f);
  if (anchored)
    thread_bury(L, co);
  else if (map_find(&u->lost, co) == NULL && map_reserve(&u->lost) == 0)
    map_insert(&u->lost, co, u);
}


/*
** An error that C code raises on an outer state jumps off the stack of the
** running fiber, and of more. The stack one stands on tells: what is further
** in is lost.
*/
static RARE void settle (struct universe *u, lua_State *L) {
  const void *here = switch_here();
  while (u->running != NULL && !stack_holds(u->running->stack, here)) {
    if (fiber_athome(u))
      annotate_jumped(&u->running->annotation);
    else
      annotate_forget(&u->running->annotation);
    lose(u, L);
  }
}


INLINE void checkrunning (struct universe *u, lua_State *L) {
  if (u->running != NULL && u->running->L != L)
    settle(u, L);
}


void fiber_settle (struct universe *u, lua_State *L) {
  checkrunning(u, L);
}


void fiber_arrived (struct universe *u, struct fiber *f, lua_State *L) {
  if (f->nvalues == FIBER_UNWIND)
    unwind_here(f);
  while (u->running != f)
    lose(u, L);
  if (u->exceptions != NULL)
    cxx_exchange(u->exceptions, &f->exceptions);
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


/* The pool that 'co' takes its stack from. */
INLINE struct pool *poolof (struct universe *u, const lua_State *co) {
  if (!LIKELY(u->wishes.count == 0)) {
    struct pool *p = (struct pool *)map_find(&u->wishes, co);
    if (p != NULL)
      return p;
  }
  return u->pools.usual;
}


/* The running fiber will have resumed f on L. Is L a thread of its own? */
INLINE void mark (struct universe *u, lua_State *L, struct fiber *f) {
  if (!LIKELY(u->running == NULL || u->running->L == L || f->mixed)) {
    f->mixed = 1;
    u->mixed++;
  }
}


void fiber_visit (struct universe *u, lua_State *L, struct fiber *f) {
  comehome(u);
  mark(u, L, f);
}


/* A stack for 'co', by force: the stacks of fibers that are garbage come back
   in the second cycle of the collector (see lifecycle.h). */
static RARE struct stack *collectstack (struct universe *u, lua_State *L,
                                        lua_State *co) {
  struct stack *s = NULL;
  int cycle;
  for (cycle = 0; s == NULL && cycle < 2; cycle++) {
    lua_gc(L, LUA_GCCOLLECT, 0);
    s = pool_get(poolof(u, co));
  }
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
                            int narg, int cameback) {
  struct stack *s = pool_get(poolof(u, co));
  if (s == NULL) {
    s = collectstack(u, L, co);
    if ((cameback ? lua_status(co) != LUA_YIELD : !fiber_isfresh(co))
        || !lua_checkstack(co, narg)) {
      pool_put(s);
      return NULL;
    }
  }
  return fiber_mount(s, co, BODY_RESUME, cameback);
}


/* The message goes to the resumer: 'co' may be in the middle of a C function
   on another stack, where nothing may allocate, collect or raise. */
static RARE int refuse (lua_State *L, const char *message) {
  lua_pushstring(L, message);
  return LUA_ERRRUN;
}


/* 'co' runs nothing when it is resumed. */
static RARE int refusedead (struct universe *u, lua_State *L,
                            lua_State *co) {
  if (fiber_status(u, L, co) != THREAD_DEAD)
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


int fiber_takes (lua_State *co, const struct fiber *f, int narg) {
  return lua_checkstack(co, narg)
      && (f == NULL || f->inner == NULL || lua_checkstack(f->at, narg));
}


/* See fiber_take. */
INLINE struct fiber *take (struct universe *u, lua_State *L, lua_State *co,
                           int narg, struct fiber *f, int compact) {
  if (f != NULL)
    u->suspended--;
  else if ((f = start(u, L, co, narg, compact)) == NULL)
    return NULL;
  if (narg > 0)
    lua_xmove(L, co, narg);
  return f;
}


struct fiber *fiber_take (struct universe *u, lua_State *L, lua_State *co,
                          int narg) {
  int compact = lua_status(co) == LUA_YIELD;
  return take(u, L, co, narg, compact ? NULL : fiber_suspended(u, co),
              compact);
}


struct fiber *fiber_prepare (struct universe *u, lua_State *L, lua_State *co,
                             int narg, int *status, int *nres) {
  struct fiber *f = NULL;
  int compact = lua_status(co) == LUA_YIELD;
  checkrunning(u, L);
  if (!compact)
    f = fiber_suspended(u, co);
  if (narg > 0 && !fiber_takes(co, f, narg))
    *status = refuse(L, "too many arguments to resume");
  else if (!compact && f == NULL && !fiber_isfresh(co))
    *status = refusedead(u, L, co);
  else if (u->depth + fiber_height(f) >= u->max_depth)
    *status = refuse(L, "C stack overflow");
  else if (u->closed && !universe_reopen(u, L))
    *status = resumestock(L, co, narg, nres);
  else {
    comehome(u);
    f = take(u, L, co, narg, f, compact);
    if (f == NULL)  /* 'co' has changed */
      return fiber_prepare(u, L, co, narg, status, nres);
    mark(u, L, f);
    f->resumer = u->running;
    return f;
  }
  return NULL;
}

/* }====================================================== */


/*
** {======================================================
** Close and finish
** =======================================================
*/

static void pushthread (lua_State *L, lua_State *co) {
  lua_pushthread(co);
  lua_xmove(co, L, 1);
}


static int closealone (struct universe *u, lua_State *L, lua_State *co,
                       const struct pending *rest);

/*
** Closes the threads on L from index 'first' on but the last one, before which
** they are to be closed. Returns the status of the last that failed, or
** LUA_OK; pushes its error, or nil.
*/
static int closeinner (struct universe *u, lua_State *L, int first,
                       const struct pending *rest) {
  int result = LUA_OK;
  struct pending p;
  p.last = lua_gettop(L);
  p.rest = rest;
  lua_pushnil(L);  /* at p.last + 1: the error */
  for (p.first = first + 1; p.first <= p.last; p.first++) {
    lua_State *t = lua_tothread(L, p.first - 1);
    int status = closealone(u, L, t, &p);
    if (status != LUA_OK) {
      result = status;
      lua_xmove(t, L, 1);
      lua_replace(L, p.last + 1);
    }
  }
  return result;
}


/* Pushes 'at', which ran inside 'co' as a stock coroutine, or was the same,
   and those by way of which 'co' resumed it. Does not raise: where they do not
   show there are none. */
static void pushstock (lua_State *L, lua_State *co, lua_State *at) {
  if (at != co) {
    pushthread(L, at);
    chain_push(L, co, at);
  }
}


/* Runs the destructors on the stacks of f, the fiber of 'co', and of those
   inside it. The threads on L from index 'first' on are closed afterwards, then
   'co', then 'rest'. */
static void destroy (struct universe *u, lua_State *L, lua_State *co,
                     struct fiber *f, int first, const struct pending *rest) {
  struct pending p;
  if (!unwind_isneeded(u, f))
    return;
  pushthread(L, co);
  p.first = first;
  p.last = lua_gettop(L);
  p.rest = rest;
  unwind_fiber(u, L, f, &p);
  lua_pop(L, 1);
}


/* A to-be-closed variable has exited, which ends its handler, no more. It may
   have done so in a stock coroutine. */
static RARE void endhandler (struct universe *u, lua_State *L,
                             struct fiber *f) {
  const struct pending *rest = f->rest;
  lua_State *co = f->L;
  int first;
  lua_pop(L, f->nvalues);
  first = lua_gettop(L) + 1;
  pushstock(L, co, f->at);
  destroy(u, L, co, f, first, rest);
  pushthread(L, co);
  fiber_unmount(u, f);
  closeinner(u, L, first, rest);
  lua_settop(L, first - 1);
}


/* Closes a thread that has no stack, on one of its own. */
static int closealone (struct universe *u, lua_State *L, lua_State *co,
                       const struct pending *rest) {
  struct stack *s;
  while (!u->closed && (s = pool_get(poolof(u, co))) != NULL) {
    struct fiber *f = fiber_mount(s, co, BODY_CLOSE, 0);
    f->rest = rest;
    comehome(u);
    mark(u, L, f);
    fiber_run(u, f, L);
    if (LIKELY(f->state == FIBER_FINISHED)) {
      int status = f->status;
      fiber_unmount(u, f);
      return status;
    }
    endhandler(u, L, f);
  }
  return closethread(co);  /* closing must not fail for want of memory */
}


/*
** Closes the threads on L from index 'first' on and then 'co', inside which
** they ran; takes them off L. Returns the status of the last that failed, or
** LUA_OK; an error is on top of 'co'.
*/
static int closeall (struct universe *u, lua_State *L, lua_State *co,
                     int first) {
  int inner, status;
  if (lua_gettop(L) < first)
    return closealone(u, L, co, NULL);
  pushthread(L, co);
  inner = closeinner(u, L, first, NULL);
  status = closealone(u, L, co, NULL);
  if (status == LUA_OK && inner != LUA_OK) {
    status = inner;
    lua_xmove(L, co, 1);
  }
  lua_settop(L, first - 1);
  return status;
}


/* Pushes the threads that were to be closed after that of x, if x closes. */
static void pushpending (lua_State *L, const struct fiber *x) {
  const struct pending *p = x->body == BODY_CLOSE ? x->rest : NULL;
  for (; p != NULL; p = p->rest) {
    int i;
    luaL_checkstack(L, p->last - p->first + LUA_MINSTACK, NULL);
    for (i = p->first; i <= p->last; i++)
      pushthread(L, lua_tothread(x->from, i));
  }
}


/* Pushes the threads that run inside f, innermost first. */
static void pushinner (lua_State *L, const struct fiber *f) {
  const struct fiber *x = f->inner;
  if (x == NULL)
    return;
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  pushstock(L, x->L, f->at);
  for (; x != f; x = x->resumer) {
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    pushthread(L, x->L);
    pushpending(L, x);
    pushstock(L, x->resumer->L, x->from);
  }
}


int fiber_close (struct universe *u, lua_State *L, lua_State *co) {
  int first = lua_gettop(L) + 1;
  struct fiber *f;
  checkrunning(u, L);
  if (u->depth >= u->max_depth)
    return luaL_error(L, "C stack overflow");
  f = fiber_suspended(u, co);
  if (f != NULL) {
    pushinner(L, f);
    destroy(u, L, co, f, first, NULL);
    fiber_abandon(u, f);
  }
  return closeall(u, L, co, first);
}


/* A fiber has exited. Nobody stands on its stack any more. There is room on
   the Lua stack of its resumer: nothing may raise before it is unmounted. */
static RARE int finishexit (struct universe *u, struct fiber *f, int *nres) {
  lua_State *L = f->from, *co = f->L;
  int n = f->nvalues, first = lua_gettop(L) + 1, status;
  pushstock(L, co, f->at);
  destroy(u, L, co, f, first, NULL);
  fiber_unmount(u, f);
  status = closeall(u, L, co, first);
  if (status == LUA_OK && !lua_checkstack(co, n)) {
    lua_pushliteral(co, "too many results to resume");
    status = LUA_ERRRUN;
  }
  if (status == LUA_OK) {
    lua_xmove(L, co, n);
    *nres = n;
  }
  else {
    lua_pop(L, n);
    lua_xmove(co, L, 1);
  }
  return status;
}


struct fiber *fiber_ready (struct universe *u, lua_State *L, lua_State **co,
                           int narg, int *status, int *nres) {
  if (LIKELY(u->quick_depth > 0 || !slice_counts(u)))
    return fiber_prepare(u, L, *co, narg, status, nres);
  *status = slice_resume(u, L, co, narg, NULL, nres);
  return NULL;
}


int fiber_fail (struct universe *u, struct fiber *f, int *nres) {
  int status = f->status;
  if (f->state == FIBER_EXITED)
    return finishexit(u, f, nres);
  lua_xmove(f->L, f->from, 1);  /* error message */
  if (status == LUA_ERRMEM)
    pools_short(&u->pools);
  fiber_unmount(u, f);
  return status;
}

/* }====================================================== */


/*
** {======================================================
** Yield
** =======================================================
*/

int fiber_raised (lua_State *L, struct fiber *message) {
  while (message->nvalues < -1)
    message = unwind_here(message);
  return message->nvalues < 0 ? lua_error(L) : message->nvalues;
}


int fiber_raise (lua_State *L, const char *message) {
  lua_pushstring(L, message);
  return lua_error(L);
}


/* Is L the main thread, or on the way from there to the running fiber? */
static int isresumer (struct universe *u, lua_State *L) {
  struct fiber *f = u->running;
  int ismain = lua_pushthread(L);
  lua_pop(L, 1);
  while (f != NULL && f->L != L && f->from != L)
    f = f->resumer;
  return f != NULL || (ismain && u->running != NULL);
}


static RARE struct fiber *othercaller (struct universe *u, lua_State *L) {
  struct fiber *f;
  settle(u, L);
  f = u->running;
  if ((f == NULL || f->L != L)
      && (map_find(&u->map, L) != NULL || isresumer(u, L)))
    fiber_raise(L, "attempt to yield from outside a coroutine");
  return f;
}


INLINE struct fiber *caller (struct universe *u, lua_State *L) {
  struct fiber *f = u->running;
  if (LIKELY(f != NULL && f->L == L && fiber_isunder(f)))
    return f;
  return othercaller(u, L);
}


struct fiber *fiber_caller (struct universe *u, lua_State *L) {
  return caller(u, L);
}


void fiber_anchor (struct universe *u, lua_State *L, struct fiber *f) {
  if (f->anchored)
    return;
  unwind_look(u);
  anchor_make(u, L, f->L);
  if (!f->anchored) {  /* no finalizer was faster */
    map_insert(&u->map, f->L, f);
    f->anchored = 1;
  }
}


int fiber_yieldsnatively (struct universe *u, lua_State *L) {
  struct fiber *f = caller(u, L);
  if (f == NULL || f->L != L)
    return 0;  /* a stock coroutine yields itself */
  if (f->body == BODY_CLOSE)
    return 0;  /* 'lua_yield' refuses, as in stock Lua */
  if (lua_isyieldable(L)) {
    if (u->suspended >= u->native_limit || !f->cameback
        || !recent_has(&u->recent, L, u->compact_yields))
      return 0;
  }
  else if (finalizer_runson(L))
    fiber_raise(L, "attempt to yield from a finalizer");
  fiber_anchor(u, L, f);
  return 1;
}

/* }====================================================== */
