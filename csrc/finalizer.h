/*
** finalizer.h
** Which thread a finalizer ('__gc') runs on. Lua keeps the collector stopped
** until it returns, so no yield and no error may leave it for another thread.
*/

#ifndef finalizer_h
#define finalizer_h

#include <lua.h>

#include "compat.h"
#include "config.h"
#include "fiber.h"

/* compat_finalizes, without its call where measure_stop saw how. */
INLINE int finalizer_runs (const struct universe *u, lua_State *L) {
  return u->stop != NULL ? measure_finalizes(u->stop) : compat_finalizes(L);
}

/* Does a finalizer run on L itself, which runs or resumes another? A careful
   yes where L is in a hook. */
PRIVATE int finalizer_runson (const struct universe *u, lua_State *L);

/* Would a finalizer that runs be left if f, which runs, were suspended on L,
   the running thread? A careful yes where L is in a hook, unless 'hooked' tells
   that its hooks run, and where none shows inside or outside of f. */
PRIVATE int finalizer_isinside (const struct universe *u, lua_State *L,
                                const struct fiber *f, int hooked);

/* Where to raise an error of a function that was called on L. In a finalizer
   that is the thread that runs, as far as it shows, where L waits for that.
   Else L. */
PRIVATE lua_State *finalizer_blamed (const struct universe *u, lua_State *L);

#endif
