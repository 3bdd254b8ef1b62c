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
#include "escape.h"
#include "finalizer.h"
#include "lifecycle.h"
#include "overflow.h"
#include "slice.h"
#include "unwinding.h"

/*
** {======================================================
** Mounting
** =======================================================
*/

/*
** Kept out of fiber_entry: after the longjmp of a compact yield the next
** returns are predicted from the calls that it skipped. From the body's setjmp
** to the function that Lua called there must be as many returns as in stock
** Lua, then all further ones are predicted right: 12 ns.
*/
static NOINLINE void run (struct fiber *f) {
  if (f->body == BODY_CLOSE)
    f->status = compat_closethread(f->L);
  else
    f->status = lua_resume(f->L, NULL, f->nvalues, &f->nvalues);
  f->state = FIBER_FINISHED;
}


/* The count of nested C calls starts at 0. */
void fiber_entry (void *message) {
  struct fiber *f = (struct fiber *)message;
  switch_outermost();
  SWITCH_CATCH(escape_personality, escape_landed);
  run(f);
  fiber_exit(f);
}


void fiber_form (struct fiber *f, struct stack *s) {
  f->stack = s;
  f->size = s->size;
  f->anchored = 0;
  f->inner = NULL;
  f->origin = NULL;
  f->unwinds = 0;
  f->inside = 0;
  f->mixed = 0;
  f->body = BODY_RESUME;
  f->slice = NULL;
  s->prepared = 1;
}


void fiber_unanchor (struct universe *u, struct fiber *f) {
  if (f->anchored) {
    f->anchored = 0;
    map_remove(&u->map, f->L);
  }
  if (u->last == f)
    u->last = NULL;
}


void fiber_untie (struct universe *u, struct fiber *f) {
  fiber_unanchor(u, f);
  u->mixed -= (size_t)f->mixed;
  f->mixed = 0;
}


/* In the middle of whatever it was. */
static void drop (struct universe *u, struct fiber *f) {
  unwind_forget(f);
  f->stack->prepared = 0;
  fiber_unmount(u, f);
}


void fiber_abandon (struct universe *u, struct fiber *f) {
  struct fiber *inner = f->inner;
  DEBUG_ASSERT((f->state != FIBER_SUSPENDED || u->suspended > 0)
               && "more fibers continue than were suspended");
  if (f->state == FIBER_SUSPENDED)
    u->suspended--;
  while (inner != NULL && inner != f) {
    struct fiber *resumer = inner->resumer;
    drop(u, inner);
    inner = resumer;
  }
  drop(u, f);
}


void fiber_unwish (struct universe *u, const lua_State *co) {
  struct pool *p = (struct pool *)map_find(&u->wishes, co);
  if (p != NULL) {
    map_remove(&u->wishes, co);
    pools_leave(p);
    fiber_setquick(u);
  }
}


void fiber_disown (struct universe *u, struct fiber *f) {
  if (f->state == FIBER_SUSPENDED)
    fiber_abandon(u, f);
  else
    fiber_unanchor(u, f);
}


void fiber_mistaken (struct universe *u, lua_State *co, struct fiber *f) {
  lua_Debug ar;
  if (lua_checkstack(co, LUA_MINSTACK)
      && (lua_status(co) == LUA_YIELD || !lua_getstack(co, 0, &ar)
          || !thread_isanchored(co)))
    fiber_abandon(u, f);
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
    if (fiber_athome(u)) {
      annotate_jumped(&u->running->annotation);
      switch_jumped(&u->running->context);
    }
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


struct pool *fiber_pool (struct universe *u, const lua_State *co) {
  if (!LIKELY(u->wishes.count == 0)) {
    struct pool *p = (struct pool *)map_find(&u->wishes, co);
    if (p != NULL)
      return p;
  }
  return u->pools.usual;
}


/* The running fiber will have resumed f on L. Is L a thread of its own? */
INLINE void mark (struct universe *u, lua_State *L, struct fiber *f) {
  if (!LIKELY(u->running == NULL || u->running->L == L))
    fiber_setmixed(u, f);
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
    s = pool_get(fiber_pool(u, co));
  }
  if (s == NULL) {
    int why = errno;
    L = finalizer_blamed(u, L);
    lua_pushfstring(L, "not enough memory (%s %d KB: %s)", u->pools.failed,
                    (int)(fiber_pool(u, co)->size >> 10), strerror(why));
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
  struct stack *s = pool_get(fiber_pool(u, co));
  if (s == NULL) {
    s = collectstack(u, L, co);
    if ((cameback ? lua_status(co) != LUA_YIELD : !fiber_isfresh(co))
        || !lua_checkstack(co, narg)) {
      pool_put(s);
      return NULL;
    }
  }
  return fiber_mount(s, co, cameback);
}


/* The message goes to the resumer: 'co' may be in the middle of a C function
   on another stack, where nothing may allocate, collect or raise. */
static RARE int refuse (lua_State *L, const char *message) {
  lua_pushstring(L, message);
  return LUA_ERRRUN;
}


int fiber_refusedead (struct universe *u, lua_State *L, lua_State *co) {
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
  return take(u, L, co, narg, fiber_suspended(u, co), compact);
}


struct fiber *fiber_prepare (struct universe *u, lua_State *L, lua_State *co,
                             int narg, int *status, int *nres) {
  struct fiber *f;
  int compact = lua_status(co) == LUA_YIELD;
  checkrunning(u, L);
  f = fiber_suspended(u, co);
  if (narg > 0 && !fiber_takes(co, f, narg))
    *status = refuse(L, "too many arguments to resume");
  else if (!compact && f == NULL && !fiber_isfresh(co))
    *status = fiber_refusedead(u, L, co);
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


struct fiber *fiber_ready (struct universe *u, lua_State *L, lua_State **co,
                           int narg, int *status, int *nres) {
  if (LIKELY(u->quick_depth > 0 || !slice_counts(u)))
    return fiber_prepare(u, L, *co, narg, status, nres);
  *status = slice_resume(u, L, co, narg, NULL, nres);
  return NULL;
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
    fiber_raise(finalizer_blamed(u, L),
                "attempt to yield from outside a coroutine");
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
    struct fiber *other = (struct fiber *)map_find(&u->map, f->L);
    if (!LIKELY(other == NULL))  /* of a thread that went without a word */
      fiber_disown(u, other);
    map_insert(&u->map, f->L, f);
    f->anchored = 1;
    f->stack->prepared = 0;
  }
}


/* Readies the running fiber for a native yield: 1. Or 0, it cannot or should
   not: 'lua_yield' decides. Or raises. */
static int readynative (struct universe *u, lua_State *L) {
  struct fiber *f = caller(u, L);
  if (f == NULL || f->L != L)
    return 0;  /* a stock coroutine yields itself */
  if (f->body == BODY_CLOSE)
    return 0;  /* 'lua_yield' refuses, as in stock Lua */
  if (lua_isyieldable(L)) {
    if (!fiber_prefersnative(u, f))
      return 0;
  }
  else if (finalizer_isinside(u, L, f, 0))
    fiber_raise(L, "attempt to yield from a finalizer");
  fiber_anchor(u, L, f);
  return 1;
}


int fiber_yieldnatively (struct universe *u, lua_State *L, struct fiber *f) {
  return fiber_pass(u, L, f, lua_gettop(L));
}


int fiber_yieldcompactly (lua_State *L) {
  return lua_yield(L, lua_gettop(L));
}


int fiber_yieldanyhow (struct universe *u, lua_State *L) {
  if (!readynative(u, L))
    return fiber_yieldcompactly(L);
  return fiber_yieldnatively(u, L, u->running);
}

/* }====================================================== */
