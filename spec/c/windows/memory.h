/*
** memory.h
** What memory this process has, on Windows: nobody is asked, and tests that
** would are skipped
*/

#ifndef windows_memory_h
#define windows_memory_h

#include <stddef.h>

#define MEMORY_FAILS 1

static inline unsigned long memory_reserved (void) {
  return 0;
}

static inline int memory_tells (void) {
  return 0;
}

static inline void memory_limit (size_t more) {
  (void)more;
}

static inline void memory_unlimit (void) {
}

static inline size_t memory_resident (char *at, size_t bytes) {
  (void)at;
  (void)bytes;
  return 0;
}

static inline int memory_lock (void) {
  return 0;
}

/* No child has memory of its own. */
static inline int memory_share (char *at, size_t bytes) {
  (void)at;
  (void)bytes;
  return 1;
}

#endif
