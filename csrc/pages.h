/*
** pages.h
** Memory from the system, in pages. Knows no Lua.
*/

#ifndef pages_h
#define pages_h

#include <stddef.h>

#include "config.h"

/* The size of a page in bytes, a power of two. */
PRIVATE size_t pages_size (void);

/* Reserves 'bytes' (a multiple of the page size) of zeroed memory. A page
   takes memory when it is first touched. NULL with errno set on failure. */
PRIVATE void *pages_reserve (size_t bytes);

/* Makes the pages from 'at' on fault on every access. 0, or -1 with errno. */
PRIVATE int pages_guard (void *at, size_t bytes);

/* Gives a whole reservation back. */
PRIVATE void pages_release (void *at, size_t bytes);

#endif
