/*
** fiber.h
** States and transitions of a fiber
**
** A fiber is any Lua thread that was resumed through here. It needs a stack
** only while it is mounted; the record of that lies at the top of the stack:
**
**   low                                                   struct stack
**   | guard | ... C frames ... | frame of 'entry' | struct fiber | record |
**
** 'entry' runs the thread's body under 'lua_resume', so tracebacks, error
** states, to-be-closed variables and the yields of other libraries are Lua's
** own.
**
**               mount                     native yield
**   unmounted ---------> FIBER_RUNNING ----------------> FIBER_SUSPENDED
**       ^                  |     ^                          |     |
**       |  unmount         |     +--------------------------+     | close,
**       +-- FIBER_FINISHED <-+         resume                     | collected
**       |    end, error, compact yield                            |
**       +---------------------------------------------------------+
**
** Unmounted is no state of a record: there is none, the thread is an ordinary
** coroutine (fresh, suspended by 'lua_yield', dead).
*/

#ifndef fiber_h
#define fiber_h

#include <lua.h>
#include <stddef.h>

#include "config.h"
#include "map.h"
#include "pool.h"
#include "switch.h"

enum fiber_state {
  FIBER_RUNNING,  /* on its stack, or resuming another from it */
  FIBER_SUSPENDED,  /* natively; 'nvalues' yielded values on top of L */
  FIBER_FINISHED  /* nothing left on the stack; 'status' and 'nvalues' are
                     those of 'lua_resume' or of the close */
};

enum fiber_body {
  BODY_RESUME,  /* 'lua_resume': start, or go on after a compact yield */
  BODY_CLOSE  /* run the to-be-closed variables of a thread */
};

struct fiber {  /* written by fiber.c alone */
  struct context context;  /* running: its resumer's; else its own */
  lua_State *L;  /* the thread mounted here */
  lua_State *from;  /* the thread that resumed it: running only */
  struct fiber *resumer;  /* the fiber it came from, or NULL: running only */
  struct stack *stack;  /* the memory this record lies in */
  struct anchor *anchor;  /* makes the collector care; NULL until the first
                             native yield of this mounting */
  int nvalues;  /* values handed over, on top of L */
  int status;  /* FIBER_FINISHED: a Lua status */
  enum fiber_state state;
  enum fiber_body body;
};

/* One 'global_State' and all its threads. Lies in a full userdata. */
struct universe {
  struct fiber *running;  /* the innermost one, or NULL */
  int depth;  /* how many run: length of the list of resumers */
  int max_depth;
  size_t suspended;  /* natively */
  size_t native_limit;  /* of 'suspended', for yields that can be compact */
  struct map map;  /* threads with an anchor: lua_State * -> struct fiber * */
  struct pool pool;
  size_t mounted, peak;
  size_t native_yields, compact_yields;
  int pressure;  /* native yields the collector was not told of */
  int closed;  /* after its finalizer: everything is as in stock Lua */
};

/* What 'fiber_status' returns; the names are those of 'coroutine.status'. */
enum { THREAD_RUNNING, THREAD_DEAD, THREAD_SUSPENDED, THREAD_NORMAL };

/* Like 'lua_resume' (manual 4.6): 'narg' arguments on top of 'co', results or
   the error on top of 'co' afterwards, the same status and messages.
   Raises a memory error in 'from' when there is no stack to be had; then
   the arguments are gone and 'co' is as it was. */
PRIVATE int fiber_resume (struct universe *u, lua_State *co, lua_State *from,
                          int narg, int *nres);

/* Yields the 'n' values on top of L. Ends a C function like 'lua_yield':
   "return fiber_yield(u, L, n)". Raises where a yield is refused. */
PRIVATE int fiber_yield (struct universe *u, lua_State *L, int n);

/* Closes 'co', which is suspended or dead, like 'lua_closethread': runs its
   to-be-closed variables and gives its stack back. Returns a Lua status;
   unless it is LUA_OK the error is on top of 'co'. Raises "C stack overflow"
   in L, with nothing done, when closes nest too deeply. */
PRIVATE int fiber_close (struct universe *u, lua_State *L, lua_State *co);

/* One of THREAD_... as L sees it. */
PRIVATE int fiber_status (struct universe *u, lua_State *L, lua_State *co);

/* May 'co' yield, natively or not? */
PRIVATE int fiber_isyieldable (struct universe *u, lua_State *co);

/* Ends a mounting from outside, without running anything: takes the stack
   away from under a fiber that is suspended or was jumped out of. */
PRIVATE void fiber_abandon (struct universe *u, struct fiber *f);

/* Takes anchor and place in the map from a fiber. */
PRIVATE void fiber_unanchor (struct universe *u, struct fiber *f);

/* The universe's end, inside its finalizer: takes all stacks away but the one
   the caller stands on. */
PRIVATE void fiber_endall (struct universe *u);

#endif
