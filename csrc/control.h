/*
** control.h
** Transitions that coroutines do not have: part of the fiber layer
*/

#ifndef control_h
#define control_h

#include <lua.h>

#include "config.h"
#include "fiber.h"

/* Resumes '*co' by raising the value on top of L in it; results, refusals and
   errors are those of fiber_resume. The value stays on L, below them. A
   thread that stock code suspended raises it at the first call, return or
   instruction; if C code in it yields before, nothing is raised. One not
   started dies with it. */
PRIVATE int fiber_throw (struct universe *u, lua_State *L, lua_State **co,
                         int *nres);

/* Ends the fiber that L runs in, with the 'n' values on top of L: its resume
   returns them once its to-be-closed variables have run, or the error of one
   of them. Raises where that is refused; returns otherwise not. */
PRIVATE int fiber_quit (struct universe *u, lua_State *L, int n);

/* Suspends 'co', a fiber around L or the one L runs in, with all that runs
   inside; its resume returns the 'n' values on top of L. 'co' lies below them
   and stays: so who holds one of those inside holds it, and they are collected
   with it. Takes constant time, but for fibers that have no anchor yet, for
   one that was carried away inside another since it was resumed, and where
   stock coroutines resume fibers or call this. Returns, when 'co' is resumed,
   how many values are on top of L, or raises what is thrown. Raises where it
   is refused, with nothing done. */
PRIVATE int fiber_suspend (struct universe *u, lua_State *L, lua_State *co,
                           int n);

/* Ends the slice of f, which is around L or the one L runs in: suspends it
   with all that runs inside, from a hook on L. Returns 1 when it is resumed;
   what was passed is dropped, what is thrown is raised. Returns 0, with
   nothing done, where suspend is refused. May raise a memory error before it
   changes anything. */
PRIVATE int fiber_preempt (struct universe *u, lua_State *L, struct fiber *f);

/* Readies the fiber that runs on L for a yield from the middle of a C function
   and returns it. Raises where that is refused, with nothing done. */
PRIVATE struct fiber *fiber_readyinside (struct universe *u, lua_State *L);

/* Would that be accepted? Drops fibers that were jumped out of. */
PRIVATE int fiber_yieldsinside (struct universe *u, lua_State *L);

/* Yields the 'n' values on top of L and returns, when L is resumed, how many
   values are on top of L, or raises what is thrown. So it is a native yield in
   any case. Raises where it is refused, with nothing done. Who resumes it
   relies on the free slots that every C function starts with. */
INLINE int fiber_yieldinside (struct universe *u, lua_State *L, int n) {
  struct fiber *f = u->running;
  if (!LIKELY(f != NULL && f->L == L && fiber_isunder(f)
              && fiber_isreadyinside(u, f)))
    f = fiber_readyinside(u, L);
  if (!LIKELY(lua_checkstack(L, LUA_MINSTACK)))
    fiber_raise(L, "stack overflow");
  f->inside = 1;
  return fiber_pass(u, L, f, n);
}

/* Suspends the fiber L runs in, like fiber_suspend, and lets 'co', which is
   suspended or not started, take its place under the same resumer, with the
   'n' values on top of L. 'co' lies below them and is taken off, too, before
   it runs. What it yields, returns or raises goes to that resumer. Returns
   like fiber_suspend; when it is the same fiber, at once. */
PRIVATE int fiber_transfer (struct universe *u, lua_State *L, lua_State *co,
                            int n);

#endif
