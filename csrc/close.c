/*
** close.c
** How fibers end: closed, by an exit or an error, with their universe
*/

#include "fiber.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "chain.h"
#include "control.h"
#include "escape.h"
#include "finalizer.h"
#include "lifecycle.h"
#include "overflow.h"
#include "slice.h"
#include "unwinding.h"


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


/* The end of a close of 'co' with this status. The exceptions that left
   handlers count as errors, the last one's text is 'text'. */
INLINE int closed (lua_State *co, int status, int escaped, char *text) {
  if (LIKELY(status == LUA_OK && !escaped))
    return LUA_OK;
  if (status == LUA_OK || escape_isstatus(status)) {
    lua_settop(co, 0);
    escape_push(co, text);
    return LUA_ERRRUN;
  }
  free(text);
  return status;
}


/* Closes a thread that has no stack, on one of its own. */
static int closealone (struct universe *u, lua_State *L, lua_State *co,
                       const struct pending *rest) {
  struct stack *s;
  char *text = NULL;
  int escaped = 0;
  while (!u->closed && (s = pool_get(fiber_pool(u, co))) != NULL) {
    struct fiber *f = fiber_mount(s, co, 0);
    fiber_setclose(f, rest);
    fiber_visit(u, L, f);
    slice_close(u, L, f);
    if (LIKELY(f->state == FIBER_FINISHED)) {
      int status = f->status;
      fiber_unmount(u, f);
      return closed(co, status, escaped, text);
    }
    if (f->state == FIBER_ESCAPED) {
      free(text);
      text = f->text;
      escaped = 1;
      fiber_unmount(u, f);
    }
    else
      endhandler(u, L, f);
  }
  /* closing must not fail for want of memory */
  return closed(co, compat_closethread(co), escaped, text);
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
  fiber_settle(u, L);
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


#if defined(COMPAT_CLOSES_RUNNING)
/*
** Is the list of places where errors of f go (struct lua_longjmp in ldo.c,
** which begins with the next one outwards) on its stack as a whole? A thread
** that was closed while it was suspended natively has one that goes on where
** that was.
*/
static int iswhole (const struct universe *u, const struct fiber *f) {
  uintptr_t low = (uintptr_t)stack_low(f->stack);
  uintptr_t at = u->marks.jump != 0 ? marks_jump(&u->marks, f->L) : 0;
  while (at - low < f->size) {
    uintptr_t next = *(const uintptr_t *)at;
    if (next <= at)
      return next == 0;
    at = next;
  }
  return 0;
}


/* May Lua jump to the outer end of the stack of f? Not past C++, nor out of a
   close. */
static int isjumpable (struct universe *u, const struct fiber *f) {
  return f->body != BODY_CLOSE && iswhole(u, f)
      && !(unwind_isneeded(u, f) && cxx_finds(fiber_entry));
}


/* Lua runs the variables, which cannot yield, where the caller stands, then
   jumps. Where it may not the fiber exits, after which they run on another
   stack. */
int fiber_closerunning (struct universe *u, lua_State *L) {
  struct fiber *f = fiber_caller(u, L);
  int own = f != NULL && f->L == L;
  if (own ? finalizer_isinside(u, L, f, 0) : finalizer_runson(u, L))
    return fiber_raise(L, "attempt to yield from a finalizer");
  if (own && !isjumpable(u, f))
    return fiber_quit(u, L, 0);
  if (own)
    fiber_setclose(f, NULL);
  return lua_closethread(L, L);
}
#endif


/* A fiber has exited. Nobody stands on its stack any more. There is room on
   the Lua stack of its resumer: nothing may raise before it is unmounted. */
static RARE int finishexit (struct universe *u, struct fiber *f, int *nres) {
  lua_State *L = f->from, *co = f->L;
  int n = f->nvalues, first = lua_gettop(L) + 1, status;
  pushstock(L, co, f->at);
  destroy(u, L, co, f, first, NULL);
  fiber_unmount(u, f);
  status = closeall(u, L, co, first);
  if (status == LUA_OK && lua_checkstack(co, n)) {
    lua_xmove(L, co, n);
    *nres = n;
    return LUA_OK;
  }
  lua_pop(L, n);
  if (status != LUA_OK)
    lua_xmove(co, L, 1);
  else {  /* not on 'co': nobody catches an error there */
    lua_pushliteral(L, "too many results to resume");
    status = LUA_ERRRUN;
  }
  return status;
}


/* Pushes the stock coroutines that ran inside 'co', innermost first, as far as
   they show. */
static void pushleft (struct universe *u, lua_State *L, lua_State *co) {
  int first = lua_gettop(L) + 1, n;
  for (n = 0; n < NESTED_C_CALLS; n++) {
    co = chain_pushresumed(L, co);
    if (co == NULL)
      return;
    if (!fiber_isleft(u, L, co)) {
      lua_pop(L, 1);
      return;
    }
    lua_insert(L, first);
  }
}


/* An exception has ended a fiber, as an error does. What is left of its threads
   is to be closed. */
static RARE int finishescaped (struct universe *u, struct fiber *f) {
  lua_State *L = f->from, *co = f->L;
  char *text = f->state == FIBER_ESCAPED ? f->text : NULL;
  int first = lua_gettop(L) + 1;
  fiber_unmount(u, f);
  pushleft(u, L, co);
  if (closeall(u, L, co, first) == LUA_OK)
    escape_push(L, text);
  else {  /* the error of a to-be-closed variable */
    lua_xmove(co, L, 1);
    free(text);
  }
  return LUA_ERRRUN;
}


int fiber_fail (struct universe *u, struct fiber *f, int *nres) {
  lua_State *L = f->from, *co = f->L;
  int status = f->status;
  if (f->state == FIBER_EXITED)
    return finishexit(u, f, nres);
  if (f->state == FIBER_ESCAPED || escape_isstatus(status))
    return finishescaped(u, f);
  lua_xmove(co, L, 1);  /* error message */
  if (status == LUA_ERRMEM)
    pools_short(&u->pools);
  fiber_unmount(u, f);
  if (LIKELY(lua_status(co) != LUA_OK))
    return status;
  lua_pop(L, 1);  /* 'lua_resume' refused it, but does not see why */
  return fiber_refusedead(u, L, co);
}

/* }====================================================== */


/*
** {======================================================
** The end of a universe
** =======================================================
*/

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
    else if (!holds) {
      annotate_jumped(&f->annotation);
      switch_jumped(&f->context);
    }
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
  fiber_setquick(u);
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

/* }====================================================== */
