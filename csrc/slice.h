/*
** slice.h
** Resumes with a budget of VM instructions
**
** A count hook counts them: on the thread of the slice and, while that runs,
** on each fiber that is resumed inside. It takes the place of the user's hook,
** which gets what it asked for through it, and goes as soon as the fiber is
** left. A budget is charged when a step of the count ends and when one is
** broken off, with what that took: Lua does not tell how far a count has come,
** but measure.h finds where threads have it. Where it does not, each
** instruction is a step.
*/

#ifndef slice_h
#define slice_h

#include <lua.h>

#include "config.h"
#include "fiber.h"

/* How the user's count hook stands; outlives the slice. */
struct phase {
  lua_Hook hook;  /* the hook it belongs to */
  int count;
  int left;  /* instructions until the next call */
};

/* One resume inside a slice, on the C stack of its resumer, or one that goes on
   in a slice, on the Lua stack of that one's. It is that of the fiber that runs
   in this place, and of no other. */
struct slice {
  lua_State *L;  /* the thread of that, whose hook is replaced */
  lua_Integer left;  /* of the budget; may be overdrawn */
  int budgeted;  /* else it counts only for those around it */
  int preempted;  /* it ended because the budget was spent */
  int given;  /* it was there before the slice around it: see slice_left */
  int step;  /* instructions until the next count event */
  int charged;  /* how many of them are */
  lua_Hook hook;  /* the user's, with 'mask' and 'count' */
  int mask, count;
  struct phase *phase;  /* NULL: the user's is no count hook */
};

/* Resumes 'co' like fiber_resume; sets up 's', whose 'left' the caller sets
   to the budget, and fills in 'preempted'. With s == NULL there is no budget
   but those of the slices around. */
PRIVATE int slice_resume (struct universe *u, lua_State *L, lua_State **co,
                          int narg, struct slice *s, int *nres);

/* Runs f, which closes its thread: within the budgets around. */
PRIVATE void slice_close (struct universe *u, lua_State *L, struct fiber *f);

/* Readies 'co' for slice_pass: may run anything, may raise. */
PRIVATE struct phase *slice_ready (struct universe *u, lua_State *L,
                                   const struct fiber *f, lua_State *co);

/* g has taken the place of f by a transfer: what counted there goes on with g,
   and f, which may be resumed anywhere, runs without. 'phase' is what
   slice_ready returned for g's thread. */
PRIVATE void slice_pass (struct universe *u, struct fiber *f, struct fiber *g,
                         struct phase *phase);

/* f left, for a resumer that knows of no slice, or for that of the slice: those
   that got theirs in the middle, f and what is suspended inside it, run
   without. The resumer's step ends with the budgets that f drew on. */
PRIVATE void slice_left (struct universe *u, struct fiber *f);

/* Charges what the running code took so far. */
PRIVATE void slice_settle (struct universe *u);

/* Does a slice count what is resumed now? Sets 'quick_depth' to match. */
PRIVATE int slice_counts (struct universe *u);

#endif
