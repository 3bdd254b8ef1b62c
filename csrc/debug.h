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
** debug_enter: the OS thread calls a function of this name; 'user' is the
**   place for the one that entered the universe last, 'runs' tells whether
**   fibers run in it, which only that one may call from.
** debug_leave: what was entered is done; nobody else may have entered since.
*/

#if defined(CFIBER_DEBUG)

#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define DEBUG_ASSERT(condition) assert(condition)

static inline void debug_report (const char *name, const char *text) {
  fprintf(stderr, "cfiber: %s: %s\n", name, text);
  abort();
}

static inline void debug_enter (void **user, int runs, const char *name) {
  void *self = switch_thread();
  void *before = __atomic_exchange_n(user, self, __ATOMIC_RELAXED);
  if (runs && before != NULL && before != self)
    debug_report(name, "another OS thread runs a fiber of this Lua state");
}

static inline void debug_leave (void **user, const char *name) {
  if (__atomic_load_n(user, __ATOMIC_RELAXED) != switch_thread())
    debug_report(name, "another OS thread came into this Lua state");
}

#else

#define DEBUG_ASSERT(condition) ((void)0)

INLINE void debug_enter (void **user, int runs, const char *name) {
  (void)user;
  (void)runs;
  (void)name;
}

INLINE void debug_leave (void **user, const char *name) {
  (void)user;
  (void)name;
}

#endif

#endif
