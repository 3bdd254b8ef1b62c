/*
** pages.h
** Memory from the system, in pages. Knows no Lua.
*/

#ifndef pages_h
#define pages_h

#include <stddef.h>

#include "config.h"

/* How pages are made to fault. */
enum pages_guard {
  GUARD_ADVICE,  /* an advice (Linux 6.13): the mapping stays one */
  GUARD_MPROTECT  /* a protection: splits the mapping, and the system limits
                     how many there are (vm.max_map_count: 32,000 guards) */
};

/* The size of a page in bytes, a power of two. */
PRIVATE size_t pages_size (void);

/* Rounds bytes up to whole pages. */
PRIVATE size_t pages_round (size_t bytes);

/* Reserves 'bytes' (a multiple of the page size) of zeroed memory. A page
   takes memory when it is first touched. NULL with errno set on failure. */
PRIVATE void *pages_reserve (size_t bytes);

/* Makes the pages from 'at' on fault on every access, in the way '*way'; sets
   it to the next one where the system refuses. 0, or -1 with errno. */
PRIVATE int pages_guard (void *at, size_t bytes, enum pages_guard *way);

/* Gives the memory of pages back and keeps their addresses: what they held is
   lost, guards stay. */
PRIVATE void pages_discard (void *at, size_t bytes);

/* Gives a whole reservation back. 0; or -1 with errno, and it is still
   there: its end would split one mapping too many. */
PRIVATE int pages_release (void *at, size_t bytes);

#endif
