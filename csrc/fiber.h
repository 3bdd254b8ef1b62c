/*
** fiber.h
** States and transitions of a fiber
**
** A fiber is any Lua thread that was resumed through here. It needs a stack
** only while it is mounted; the record of that lies at the top of the stack:
**
**   low                                                         struct stack
**   | guard | ... C frames ... | frame of fiber_entry | struct fiber | record |
**
** fiber_entry runs the thread's body under 'lua_resume', so tracebacks, error
** states, to-be-closed variables and the yields of other libraries are Lua's
** own.
**
**               mount                yield, suspend, transfer
**   unmounted ---------> FIBER_RUNNING ----------------> FIBER_SUSPENDED
**       ^                  |     ^                          |     |
**       |  unmount         |     +--------------------------+     | close,
**       +-- FIBER_FINISHED <-+   resume, throw, transfer          | collected
**       |                  |   end, error, compact yield          |
**       +-- FIBER_EXITED <-+   exit; the resumer closes it        |
**       +-- FIBER_ESCAPED <+   C++ exception; the same            |
**       +---------------------------------------------------------+
**
** Unmounted is no state of a record: there is none, the thread is an ordinary
** coroutine (fresh, suspended by 'lua_yield', dead).
**
** Those that run form a list, from the innermost outwards. A suspend takes a
** part off it: the slot of the one that is suspended then holds the context
** of the innermost, and those inside stay as they are, FIBER_RUNNING and
** linked:
**
**   running --> C --> B --> A --> main        before C suspends B
**
**   running --> A --> main                    after
**               C --> B                       B's 'inner' is C
**
** A transfer puts another in the place of the innermost.
*/

#ifndef fiber_h
#define fiber_h

#include <limits.h>
#include <lua.h>
#include <stddef.h>
#include <stdint.h>

#include "annotate.h"
#include "compat.h"
#include "config.h"
#include "cxx.h"
#include "debug.h"
#include "map.h"
#include "measure.h"
#include "pool.h"
#include "recent.h"
#include "row.h"
#include "switch.h"

enum fiber_state {
  FIBER_RUNNING,  /* on its stack, or resuming another from it, or inside one
                     that was suspended with all that ran in it */
  FIBER_SUSPENDED,  /* natively; 'nvalues' yielded values on top of L */
  FIBER_EXITED,  /* for good, in the middle of its C frames; 'nvalues' results
                    on top of 'from'; what is left of its threads, L and 'at',
                    is to be closed */
  FIBER_ESCAPED,  /* by an exception, in the middle of its Lua frames: 'text';
                     L is to be closed */
  FIBER_FINISHED  /* nothing left on the stack; 'status' and 'nvalues' are
                     those of 'lua_resume' or of the close */
};

enum fiber_body {
  BODY_RESUME,  /* 'lua_resume': start, or go on after a compact yield */
  BODY_THROW,  /* the same, and an error is to be raised as soon as it runs:
                  the value on top of 'from' */
  BODY_CLOSE  /* run the to-be-closed variables of a thread, or, where others
                 are suspended, the destructors on its stack: no yield */
};

/* In place of a number of values: the stack is dropped, or looked at first
   (unwinding.h). */
#define FIBER_UNWIND INT_MIN
#define FIBER_LOOK (INT_MIN + 1)

/* Threads that are closed after another, for the case that a to-be-closed
   variable of that suspends the one that closes, and this is closed then. */
struct pending {
  int first, last;  /* their places on the stack of the one that closes */
  const struct pending *rest;  /* what comes after them, or NULL */
};

struct fiber {  /* written by fiber.[ch], control.c and unwinding.c, the fields
                   from 'slice' on by slice.c; hot fields first */
  struct context context;  /* running: its resumer's; else its own */
  lua_State *L;  /* the thread mounted here */
  lua_State *from;  /* the thread that resumed it, last if it is suspended;
                       NULL: its anchor was condemned since */
  struct fiber *resumer;  /* the fiber it came from, or NULL: running only */
  int depth;  /* how many run up to this one: running only */
  int height;  /* how many run inside: if 'inner' is set */
  size_t stamp;  /* running: if equal to the universe's 'carried', it is on the
                    list of the running ones for sure, and 'depth' is true */
  uintptr_t mark;  /* suspended: of the thread (see marks_of) */
  int anchored;  /* the thread has an anchor, so that the collector cares,
                    and a place in the map: from the first native yield on */
  struct stack *stack;  /* the memory this record lies in */
  size_t size;  /* bytes of it below the record, at most */
  int nvalues;  /* values handed over, on top of L; negative: one, an error to
                   raise where it was suspended */
  int status;  /* FIBER_FINISHED: a Lua status */
  enum fiber_state state;
  enum fiber_body body;
  struct fiber *inner;  /* the innermost one that runs inside, or itself, when
                           suspended by control.c; else NULL */
  lua_State *at;  /* where 'inner' was suspended or this one exited: a thread,
                     which may be a stock coroutine on that stack */
  lua_State *origin;  /* the thread that was resumed, where this one has taken
                         its place by a transfer: the present one is then on
                         top of 'from', which keeps it alive; else NULL */
  struct cxx_exceptions exceptions;  /* beside 'context': of the same side */
  int unwinds;  /* the frames on its stack are being left */
  int inside;  /* it has yielded in the middle of a C function */
  int mixed;  /* its resumer ran a stock coroutine or kept state, once */
  int cameback;  /* this mounting began after a compact yield */
  const struct pending *rest;  /* BODY_CLOSE: threads to be closed after it
                                     and before 'from' goes on, or NULL */
  lua_Hook hook;  /* BODY_THROW: the thread's own hook, its mask and count */
  int hookmask, hookcount;
  struct slice *slice;  /* what counts its instructions, or NULL */
  size_t seen;  /* the last look that found its thread (lifecycle.c) */
  struct annotation annotation;  /* beside 'context': of the same side */
  struct cxx_unwinding unwinding;  /* if it unwinds */
  struct _Unwind_Exception *thrown;  /* while it is caught by fiber_entry */
  char *text;  /* FIBER_ESCAPED: its what(), to be freed, or NULL */
};

/* One 'global_State' and all its threads. Lies in a full userdata. */
struct universe {  /* hot fields first */
  struct fiber *running;  /* the innermost one, or NULL */
  struct fiber *last;  /* the last to yield natively, or NULL: a good guess
                          at the next to be resumed */
  void *thread;  /* the OS thread that runs it (see switch_thread), or NULL;
                    overflow*.c writes it, other threads may read it */
  int depth;  /* how many run: length of the list of resumers */
  int quick_depth;  /* resumes at less than this depth go the short way, where
                       none passes max_depth; 0 inside a slice */
  struct pool *quick;  /* the usual pool, as long as all threads take stacks
                          from there; else NULL: see fiber_setquick */
  size_t suspended;  /* natively */
  size_t native_limit;  /* of 'suspended', for yields that can be compact */
  size_t carried;  /* how often running fibers were suspended inside another */
  cxx_getter exceptions;  /* where the OS thread has its state of C++, or NULL
                             as long as no C++ is known to be loaded */
  size_t native_yields, compact_yields;
  struct marks marks;  /* where threads have what tells them apart */
  size_t nesting_at;  /* see measure_nesting */
  struct row row;  /* of most resumes: not those of 'last' */
  struct map map;  /* threads with an anchor: lua_State * -> struct fiber * */
  const unsigned char *stop;  /* see measure_stop */
  struct recent recent;
  void *user;  /* the OS thread that called last: debug.h, debug builds only */
  int max_depth;
  int highest;  /* most that were suspended inside one */
  size_t mixed;  /* how many fibers are */
  struct map wishes;  /* threads with a stack size of their own: lua_State *
                         -> struct pool * */
  struct map lost;  /* threads without an anchor that were jumped out of: some
                       are collected, others may be at their addresses */
  struct pools pools;
  size_t stack_size;  /* bytes, whole pages: of 'pools.usual' */
  enum pages_guard guard;  /* the way that is tried first */
  size_t condemned;  /* anchors that were found unreachable once */
  size_t outlived;  /* threads in the map that the collector's last cycle found
                       to be reachable */
  size_t expected;  /* of threads in the map: with more, it is looked whether
                       they are there */
  size_t looks;  /* how often that was done */
  int watched;  /* the end of the collector's next cycle will be noticed */
  int pressure;  /* native yields the collector was not told of */
  int heap;  /* KB that Lua had when it was told */
  const void *registry;  /* Lua's: tells one 'global_State' from another */
  int closed;  /* after its finalizer: everything is as in stock Lua */
  int overflow_report;  /* written by overflow*.c alone, as is the next */
  size_t count_at;  /* see measure_count */
  lua_Integer sliced;  /* VM instructions that slices took */
  struct universe *next;  /* in the process's list of them */
};

/* What 'fiber_status' returns; the names are those of 'coroutine.status'. */
enum { THREAD_RUNNING, THREAD_DEAD, THREAD_SUSPENDED, THREAD_NORMAL };
PRIVATE const char *fiber_statusname (int status);

/* Closes 'co', which is suspended or dead, like 'lua_closethread' (manual
   4.6): runs its to-be-closed variables and gives its stack back. What runs
   inside is closed before, innermost first; stock coroutines there that
   resume another stay as they are where that does not show (see chain.h).
   Returns a Lua status; unless it is LUA_OK the last error is on top of 'co'.
   Raises "C stack overflow" in L, with nothing done, when closes nest too
   deeply. */
PRIVATE int fiber_close (struct universe *u, lua_State *L, lua_State *co);

#if defined(COMPAT_CLOSES_RUNNING)
/* Ends the thread that L runs, from any depth, like 'lua_closethread(L, L)'
   (Lua 5.5's manual, 4.6): its to-be-closed variables run, its resume returns
   their error or nothing. Does not return, but raises where it would leave a
   finalizer. */
PRIVATE int fiber_closerunning (struct universe *u, lua_State *L);
#endif

/* One of THREAD_... as L sees it. */
PRIVATE int fiber_status (struct universe *u, lua_State *L, lua_State *co);

/* Was 'co', a thread in the middle of calls, left behind by the fiber that
   resumed it, which is off the list? A careful no where that does not show. */
PRIVATE int fiber_isleft (struct universe *u, lua_State *L, lua_State *co);

/* The fiber of 'co' if it is mounted, running or suspended, or NULL. */
PRIVATE struct fiber *fiber_find (struct universe *u, lua_State *co);

/* May 'co' yield, natively or not? */
PRIVATE int fiber_isyieldable (struct universe *u, lua_State *co);

/* Has 'co' a body and not begun it? */
PRIVATE int fiber_isfresh (lua_State *co);

/* Is 'co' in the state in which f, at its address, was suspended? */
INLINE int fiber_fits (const struct universe *u, const struct fiber *f,
                       const lua_State *co) {
  return f->state == FIBER_SUSPENDED && f->mark == marks_of(&u->marks, co);
}

/* f is suspended and does not fit 'co', at whose address it was: its thread
   went without a word, or was closed by Lua's own function, or C code makes
   calls on it, in which case f stays as it is. */
PRIVATE void fiber_mistaken (struct universe *u, lua_State *co,
                             struct fiber *f);

/* The fiber of 'co' if it is suspended natively, or NULL. */
INLINE struct fiber *fiber_suspended (struct universe *u, lua_State *co) {
  struct fiber *f = (struct fiber *)map_find(&u->map, co);
  if (f == NULL || f->state != FIBER_SUSPENDED)
    return NULL;
  if (LIKELY(fiber_fits(u, f, co)))
    return f;
  fiber_mistaken(u, co, f);
  return NULL;
}

/* Raises the message as an error, without a position. */
PRIVATE int fiber_raise (lua_State *L, const char *message);

/* Drops fibers that were jumped out of. A call from the running fiber needs no
   look at the stack. May run anything. */
PRIVATE void fiber_settle (struct universe *u, lua_State *L);

/* The fiber that L runs in, itself or as a stock coroutine on its stack; NULL
   outside of fibers. Drops fibers that were jumped out of, for which it may
   run anything. Raises where C code calls on a state that it kept: there is
   no saying what that state is in the middle of. */
PRIVATE struct fiber *fiber_caller (struct universe *u, lua_State *L);

/* Gives the fiber, which runs, an anchor and a place in the map. Runs the
   collector now and then. May raise. */
PRIVATE void fiber_anchor (struct universe *u, lua_State *L,
                           struct fiber *f);

/* Ends a mounting from outside, without running anything: takes the stack
   away from under a fiber that is suspended or was jumped out of, and from
   under those inside it. */
PRIVATE void fiber_abandon (struct universe *u, struct fiber *f);

/* Takes the wish of 'co' for a stack size away, if it has one. */
PRIVATE void fiber_unwish (struct universe *u, const lua_State *co);

/* Takes anchor and place in the map from a fiber. */
PRIVATE void fiber_unanchor (struct universe *u, struct fiber *f);

/* The same, and f no longer counts as mixed. */
PRIVATE void fiber_untie (struct universe *u, struct fiber *f);

/* Nobody can reach the fiber's thread: takes its stack away, if it is not
   inside another, with which it goes. */
PRIVATE void fiber_disown (struct universe *u, struct fiber *f);

/* The universe's end, inside its finalizer: takes all stacks but the caller's.
   Until 'pools.usual' is joined again there are none. May run anything. */
PRIVATE void fiber_endall (struct universe *u, lua_State *L);

/*
** {======================================================
** Resume and yield. Their usual way is inlined into the functions that Lua
** calls, or is the last thing that these call, so that both change stacks at
** the same depth (see INLINE); what is unusual prepares it in fiber.c.
** =======================================================
*/

/* Mounts 'co' or finds it suspended, and gives it its arguments. Returns the
   fiber to run, or NULL when that is not to be done: then '*status' and
   '*nres' are what fiber_resume returns. */
PRIVATE struct fiber *fiber_ready (struct universe *u, lua_State *L,
                                   lua_State **co, int narg, int *status,
                                   int *nres);

/* The same for a resume whose instructions nobody counts, or slice.c does,
   which finds the 'resumer' of the fiber set. */
PRIVATE struct fiber *fiber_prepare (struct universe *u, lua_State *L,
                                     lua_State *co, int narg, int *status,
                                     int *nres);
/* The fiber of 'co', which is suspended, mounted if need be, with its 'narg'
   arguments from L. NULL when a finalizer resumed it while the collector
   looked for memory. Raises a memory error. */
PRIVATE struct fiber *fiber_take (struct universe *u, lua_State *L,
                                  lua_State *co, int narg);

/* Is there room for so many arguments? 'f' is the fiber of 'co' or NULL. */
PRIVATE int fiber_takes (lua_State *co, const struct fiber *f, int narg);

/* Pushes the error for a resume of 'co', which would run nothing: a status. */
PRIVATE int fiber_refusedead (struct universe *u, lua_State *L, lua_State *co);

/* Unmounts a fiber that failed, exited or could not start; returns status and
   results as fiber_resume. */
PRIVATE int fiber_fail (struct universe *u, struct fiber *f, int *nres);

/* slice.h; and 'co' was just made, in a slice: its hook is not the user's. */
PRIVATE void slice_left (struct universe *u, struct fiber *f);
PRIVATE void slice_made (struct universe *u, lua_State *co);

/* The resumer of f, on L, goes on where something is to be done first: those
   that f resumed, directly or not, were jumped out of, or C++ is loaded, or
   the resumer's own stack is dropped: then does not return. */
PRIVATE void fiber_arrived (struct universe *u, struct fiber *f,
                            lua_State *L);

/* A yield on L ends with the message, an error or one that says what is to be
   done before. */
PRIVATE int fiber_raised (lua_State *L, struct fiber *message);

/* Leaves the stack that the caller stands on, or looks at it and returns the
   next message (unwinding.h). */
PRIVATE struct fiber *unwind_here (struct fiber *message);

/* The pool that 'co' takes its stack from. */
PRIVATE struct pool *fiber_pool (struct universe *u, const lua_State *co);

/* The OS thread may be another than before, and f is about to run on L. */
PRIVATE void fiber_visit (struct universe *u, lua_State *L, struct fiber *f);

/* Does the running code stand on the stack of f? */
INLINE int fiber_isunder (const struct fiber *f) {
  return (uintptr_t)f - (uintptr_t)switch_here() < f->size;
}

/* Is this the OS thread that the universe is known to run on? */
INLINE int fiber_athome (const struct universe *u) {
  return __atomic_load_n(&u->thread, __ATOMIC_RELAXED) == switch_thread();
}

/* The one place that changes stacks, from that of f to its resumer's or back.
   When it returns, the other side has run: Lua stacks may have moved, the
   collector may have run. Returns the message of the other side: the fiber
   that left for this side, which is another than f after a transfer; for a
   fiber, itself, or what has FIBER_UNWIND or FIBER_LOOK as its 'nvalues'. */
INLINE struct fiber *fiber_swap (struct fiber *f, struct fiber *message) {
  annotate_swap(&f->annotation);
  return (struct fiber *)switch_swap(&f->context, message);
}

INLINE struct fiber *fiber_leave (struct fiber *f) {
  return fiber_swap(f, f);
}

/* From f to g, which takes its place: g leaves to where f would have. */
INLINE struct fiber *fiber_cross (struct universe *u, struct fiber *f,
                                  struct fiber *g) {
  struct context outside = f->context;
  f->context = g->context;
  g->context = outside;
  annotate_exchange(&f->annotation, &g->annotation);
  if (!LIKELY(u->exceptions == NULL)) {
    cxx_exchange(u->exceptions, &f->exceptions);
    cxx_exchange(u->exceptions, &g->exceptions);
  }
  return fiber_swap(f, g);
}

/* The same for the last time: f is finished. */
INLINE void fiber_exit (struct fiber *f) {
  annotate_exit(&f->annotation);
  switch_exit(&f->context, f);
}

/* What 'quick_depth' is outside of slices. */
INLINE int fiber_quickdepth (const struct universe *u) {
  return u->max_depth > u->highest ? u->max_depth - u->highest : 0;
}

/* How many run inside f, which is suspended natively, or NULL. */
INLINE int fiber_height (const struct fiber *f) {
  return f != NULL && f->inner != NULL ? f->height : 0;
}

/* Takes the innermost fiber off the list of the running ones. */
INLINE struct fiber *fiber_leaverunning (struct universe *u) {
  struct fiber *f = u->running;
  u->running = f->resumer;
  u->depth--;
  return f;
}

/* The resumer of f has run a stock coroutine or kept state. */
INLINE void fiber_setmixed (struct universe *u, struct fiber *f) {
  if (!f->mixed) {
    f->mixed = 1;
    f->stack->prepared = 0;
    u->mixed++;
  }
}

/* f closes its thread from now on, and then those of 'rest'. */
INLINE void fiber_setclose (struct fiber *f, const struct pending *rest) {
  f->body = BODY_CLOSE;
  f->rest = rest;
  f->stack->prepared = 0;
}

/* Runs f, to which the message is sent, until it, or the one that took its
   place, yields or ends. Returns that one. */
INLINE struct fiber *fiber_send (struct universe *u, struct fiber *f,
                                 lua_State *from, struct fiber *message) {
  DEBUG_ASSERT(f != u->running && "cannot switch into itself");
  debug_enter(&u->user, u->running != NULL, "resume");
  f->state = FIBER_RUNNING;
  f->from = from;
  f->resumer = u->running;
  u->running = f;
  f->depth = ++u->depth;
  f->stamp = u->carried;
  if (!LIKELY(u->exceptions == NULL))
    cxx_exchange(u->exceptions, &f->exceptions);
  f = fiber_swap(f, message);
  debug_leave(&u->user, "resume");
  if (!LIKELY(u->running == f && u->exceptions == NULL))
    fiber_arrived(u, f, from);
  return fiber_leaverunning(u);
}

INLINE struct fiber *fiber_run (struct universe *u, struct fiber *f,
                                lua_State *from) {
  return fiber_send(u, f, from, f);
}

/* Nobody stands on the stack of f any more. */
INLINE void fiber_unmount (struct universe *u, struct fiber *f) {
  DEBUG_ASSERT(!stack_holds(f->stack, switch_here())
               && "cannot give away the stack one stands on");
  DEBUG_ASSERT(f != u->running && "cannot take the stack of a running fiber");
  DEBUG_ASSERT((f->anchored || f != u->last)
               && "what yielded natively has an anchor");
  if (!LIKELY(f->stack->prepared))
    fiber_untie(u, f);
  annotate_drop(&f->annotation, stack_low(f->stack), f->size);
  pool_put(f->stack);
}

/* Unmounts a fiber that ended or yielded compactly: a Lua status. */
INLINE int fiber_finish (struct universe *u, struct fiber *f) {
  int status = f->status;
  u->compact_yields += status == LUA_YIELD;
  fiber_unmount(u, f);
  return status;
}

/* Ends a resume of '*co', from which f came back: see fiber_resume. */
INLINE int fiber_returned (struct universe *u, struct fiber *f,
                           lua_State **co, int *nres) {
  if (!LIKELY(f->L == *co)) {
    f->origin = NULL;
    *co = f->L;
  }
  *nres = f->nvalues;
  if (!LIKELY(u->quick_depth > 0))
    slice_left(u, f);
  if (f->state == FIBER_SUSPENDED)
    return LUA_YIELD;
  if (LIKELY(f->state == FIBER_FINISHED
             && (f->status == LUA_OK || f->status == LUA_YIELD)))
    return fiber_finish(u, f);
  else {
    int count = *nres, status = fiber_fail(u, f, &count);
    *nres = count;
    return status;
  }
}

/* Who changes what 'quick' depends on calls this after it. */
INLINE void fiber_setquick (struct universe *u) {
  u->quick = u->closed || u->wishes.count > 0 ? NULL : u->pools.usual;
}

/* 'co' was just made. A fiber at its address lost its thread without a word:
   Lua does not call a finalizer when that takes memory that is not there. */
INLINE void fiber_reclaim (struct universe *u, lua_State *co) {
  struct fiber *f = (struct fiber *)map_find(&u->map, co);
  if (!LIKELY(f == NULL))
    fiber_disown(u, f);
  if (!LIKELY(u->wishes.count == 0))
    fiber_unwish(u, co);
  if (!LIKELY(u->quick_depth > 0))
    slice_made(u, co);
}

/* The record's place on a stack: whole cache lines. */
#define FIBER_BYTES ((sizeof(struct fiber) + 63) & ~(size_t)63)

/* First function of every stack. */
PRIVATE void fiber_entry (void *message);

/* Prepares the record of a stack, but for what fiber_mount writes. Who changes
   what this writes, and does not change it back, says so on the stack. */
PRIVATE void fiber_form (struct fiber *f, struct stack *s);

/* Puts 'co' on a stack that is free. 'cameback' as in struct fiber. */
INLINE struct fiber *fiber_mount (struct stack *s, lua_State *co,
                                  int cameback) {
  struct fiber *f = (struct fiber *)(void *)(stack_top(s) - FIBER_BYTES);
  if (!LIKELY(s->prepared))
    fiber_form(f, s);
  DEBUG_ASSERT(f->stack == s && f->size == s->size && !f->anchored
               && f->inner == NULL && f->origin == NULL && !f->unwinds
               && !f->inside && !f->mixed && f->body == BODY_RESUME
               && f->slice == NULL && "a prepared stack has such a record");
  switch_prepare(&f->context, stack_low(s), f, fiber_entry);
  annotate_prepare(&f->annotation, stack_low(s), s->size);
  cxx_clear(&f->exceptions);
  f->L = co;
  f->cameback = cameback;
  return f;
}

/* Mounts 'co', unless it has an anchor or something else is unusual: NULL.
   Whether it can be resumed at all is for 'lua_resume' to say. */
INLINE struct fiber *fiber_start (struct universe *u, lua_State *co, int narg) {
  int compact = lua_status(co) == LUA_YIELD;
  struct stack *s;
  if (compact)
    row_resume(&u->row, co);
  else if (map_find(&u->map, co) != NULL)
    return NULL;
  if (u->quick == NULL || (narg > 0 && !lua_checkstack(co, narg))
      || (s = pool_reuse(u->quick)) == NULL)
    return NULL;
  return fiber_mount(s, co, compact);
}

/* Resumes '*co' with the 'narg' values on top of L, which move there. Returns
   a Lua status: after LUA_YIELD or LUA_OK '*nres' results are on top of '*co',
   else the error is on top of L. After a transfer '*co' is another thread, the
   one that yielded or ended; L then holds it, below an error. The errors are
   those of 'coroutine.resume' (manual 6.2); a refusal leaves the arguments and
   all else as it was. Raises a memory error in L when there is no stack to be
   had. */
INLINE int fiber_resume (struct universe *u, lua_State *L, lua_State **co,
                         int narg, int *nres) {
  struct fiber *f = u->last;
  if (f == NULL || f->L != *co) {
    f = u->suspended == 0 ? NULL
        : (struct fiber *)map_glance(&u->map, *co);
    if (f != NULL)
      row_resume(&u->row, *co);
  }
  if (!LIKELY(u->depth < u->quick_depth && narg < LUA_MINSTACK
              && (u->running == NULL ? fiber_athome(u)
                  : u->running->L == L)))
    f = NULL;
  else if (f != NULL && fiber_fits(u, f, *co))
    u->suspended--;  /* a function that yielded has that many free slots */
  else
    f = f == NULL ? fiber_start(u, *co, narg) : NULL;
  if (LIKELY(f != NULL)) {
    if (narg > 0)
      lua_xmove(L, *co, narg);
  }
  else {
    lua_State *other = *co;  /* of '*co' no address is taken */
    int status, count = 0;
    f = fiber_ready(u, L, &other, narg, &status, &count);
    if (f == NULL) {
      *co = other;
      *nres = count;
      return status;
    }
  }
  f->nvalues = narg;
  f = fiber_run(u, f, L);
  return fiber_returned(u, f, co, nres);
}

/* Suspends f, which runs on L and has an anchor, natively with the 'n' values
   on top of L. Returns when it is resumed: how many values are on top; or
   raises what is thrown. */
INLINE int fiber_pass (struct universe *u, lua_State *L, struct fiber *f,
                       int n) {
  DEBUG_ASSERT(f == u->running && "only the innermost fiber can yield");
  DEBUG_ASSERT(f->anchored && "a suspended fiber needs an anchor");
  f->state = FIBER_SUSPENDED;
  f->mark = marks_of(&u->marks, L);
  f->nvalues = n;
  u->suspended++;
  u->native_yields++;
  u->last = f;
  f = fiber_leave(f);
  if (!LIKELY(f->nvalues >= 0))
    return fiber_raised(L, f);
  return f->nvalues;
}

/* Should f, which yields and could do it compactly, do it natively? It has an
   anchor, or comes back so often that it is worth one; that it yields is
   noted. */
INLINE int fiber_prefersnative (struct universe *u, struct fiber *f) {
  return u->suspended < u->native_limit
      && (f->anchored
          || (recent_again(&u->recent, f->L, u->compact_yields)
              && f->cameback));
}

/* May f yield natively at once, also below C frames? A careful no. */
INLINE int fiber_isreadyinside (const struct universe *u,
                                const struct fiber *f) {
  return f->anchored && f->body != BODY_CLOSE
      && u->stop != NULL && !measure_finalizes(u->stop);
}

/* Yields all values on L, on which f runs, where that is known to be allowed
   and the better way. */
PRIVATE int fiber_yieldnatively (struct universe *u, lua_State *L,
                                 struct fiber *f);
PRIVATE int fiber_yieldcompactly (lua_State *L);

/* The same in any case; raises where a yield is refused, and what fiber_throw
   passes. */
PRIVATE int fiber_yieldanyhow (struct universe *u, lua_State *L);

/* Yields all values on L. Ends a C function like 'lua_yield': "return
   fiber_yield(u, L)". Its only calls are the last thing it does: so each saves
   the registers that it needs, a compact yield none. */
INLINE int fiber_yield (struct universe *u, lua_State *L) {
  struct fiber *f = u->running;
  if (LIKELY(f != NULL && f->L == L && fiber_isunder(f)
             && u->nesting_at != 0)) {
    if (!LIKELY(measure_isyieldable(L, u->nesting_at))) {
      if (LIKELY(fiber_isreadyinside(u, f)))
        return fiber_yieldnatively(u, L, f);
    }
    else if (LIKELY(f->anchored && u->suspended < u->native_limit))
      return fiber_yieldnatively(u, L, f);
    else if (LIKELY(!fiber_prefersnative(u, f)))
      return fiber_yieldcompactly(L);
  }
  return fiber_yieldanyhow(u, L);
}

/* }====================================================== */

#endif
