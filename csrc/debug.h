/*
** debug.h
** Checks of a debug build (-DCFIBER_DEBUG, 'make DEBUG=1'): two OS threads in
** one Lua state at once, and mistakes of this library, end the process with a
** line on stderr. Empty in other builds. Knows no Lua.
*/

#ifndef debug_h
#define debug_h

#include "config.h"
#include "switch.h"

/*
** DEBUG_ASSERT (condition && "what is wrong"): something in this library.
** debug_intrudes: the OS thread calls a function; 'user' is the place for the
**   one that entered the universe last, 'runs' tells whether fibers run in it,
**   which only that one may call from. Is this another? Fibers that an error
**   jumped out of count as running until the thread that ran them calls.
** debug_report: ends the process; the function of this name was called.
** debug_enter: the two together.
** debug_leave: what was entered is done; nobody else may have entered since.
*/

#if defined(CFIBER_DEBUG)

#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define DEBUG_ASSERT(condition) assert(condition)

static inline void debug_report (const char *name) {
  fprintf(stderr, "cfiber: %s: another OS thread runs in this Lua state\n",
          name);
  abort();
}

static inline int debug_intrudes (void **user, int runs) {
  void *self = switch_thread();
  void *before = __atomic_exchange_n(user, self, __ATOMIC_RELAXED);
  return runs && before != NULL && before != self;
}

static inline void debug_leave (void **user, const char *name) {
  if (__atomic_load_n(user, __ATOMIC_RELAXED) != switch_thread())
    debug_report(name);
}

#else

#define DEBUG_ASSERT(condition) ((void)0)

INLINE void debug_report (const char *name) {
  (void)name;
}

INLINE int debug_intrudes (void **user, int runs) {
  (void)user;
  (void)runs;
  return 0;
}

INLINE void debug_leave (void **user, const char *name) {
  (void)user;
  (void)name;
}

#endif

INLINE void debug_enter (void **user, int runs, const char *name) {
  if (debug_intrudes(user, runs))
    debug_report(name);
}

#endif
