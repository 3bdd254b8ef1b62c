/*
** lifecycle.h
** Who owns whom
**
**   registry --> universe (userdata)
**   registry --> threads: weak keys, an ephemeron table
**                  thread --> anchor (userdata) --> thread (user value)
**
** Threads have no '__gc'. An anchor has, and lives exactly as long as its
** thread: when nothing else holds the two, the anchor's finalizer finds the
** thread intact. Finalizers of other objects may still resume the thread in
** that cycle of the collector, as they may any coroutine; its stack is given
** back if the next cycle finds it unreachable again. A thread whose stack was
** taken away has 'false' in place of the anchor: it is buried, and dead for
** good.
*/

#ifndef lifecycle_h
#define lifecycle_h

#include <lua.h>

#include "config.h"
#include "fiber.h"

struct anchor {
  int condemned;  /* it was found unreachable once: 1 */
};

/* Pushes the universe of L, made at the first call. May raise. */
PRIVATE struct universe *universe_push (lua_State *L);

/* Opens a closed universe again, if this is not its end; did it? A universe
   that is made inside a finalizer starts closed: that may be the end of Lua,
   after which nobody would give the stacks back. */
PRIVATE int universe_reopen (struct universe *u, lua_State *L);

/* The universe, as long as the process has made no other; else NULL. To look
   for it costs 5 ns at every resume and yield. */
PRIVATE extern struct universe *universe_single;
INLINE struct universe *universe_only (void) {
  return __atomic_load_n(&universe_single, __ATOMIC_RELAXED);
}

/* The universe of L by a table of most there are, else from the registry, where
   it is made if need be. May raise where the table does not have it. */
PRIVATE struct universe *universe_find (lua_State *L);

/* The universe of L, which has one. */
INLINE struct universe *universe_of (lua_State *L) {
  struct universe *u = universe_only();
  return LIKELY(u != NULL) ? u : universe_find(L);
}

/* Pushes the table with weak keys that the registry has under the address
   'key', made at the first call. May raise. */
PRIVATE void registry_pushweak (lua_State *L, const char *key);

/* Makes sure that the thread 'co', which runs, has an anchor and that the map
   has room for it. Runs the collector now and then, so it may run finalizers.
   May raise. */
PRIVATE void anchor_make (struct universe *u, lua_State *L, lua_State *co);

/* Gives 'co', a thread just made, a wish: its stacks are to have 'size' bytes,
   whole pages. May raise, and run finalizers. */
PRIVATE void thread_wish (struct universe *u, lua_State *L, lua_State *co,
                          size_t size);

/* Pushes the table of the threads that have or had an anchor, which are its
   keys. May raise. */
PRIVATE void threads_push (lua_State *L);

/* Takes the stacks of threads that went without a word: Lua does not call a
   finalizer for which there is no memory, or no room on the C stack. Takes time
   with the number of fibers. May raise before it does anything. */
PRIVATE void threads_reconcile (struct universe *u, lua_State *L);

/* Marks 'co' as dead for good. May raise, unless 'co' has an anchor. */
PRIVATE void thread_bury (lua_State *L, lua_State *co);
PRIVATE int thread_isburied (lua_State *L, lua_State *co);

/* Has 'co' an anchor? It needs four free slots. */
PRIVATE int thread_isanchored (lua_State *co);

/* The thread outside of all. It needs a free slot. */
INLINE lua_State *thread_main (lua_State *L) {
  lua_State *main;
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  main = lua_tothread(L, -1);
  lua_pop(L, 1);
  return main;
}

#endif
