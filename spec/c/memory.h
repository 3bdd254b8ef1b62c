/*
** memory.h
** What memory this process has: address space reserved, pages resident
*/

#ifndef memory_h
#define memory_h

#if defined(_WIN32)

#include "windows/memory.h"

#else

#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* Pages, or 0 where the system does not tell (proc(5): statm is Linux's). */
static inline unsigned long memory_reserved (void) {
  unsigned long pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f != NULL) {
    if (fscanf(f, "%lu", &pages) != 1)
      pages = 0;
    fclose(f);
  }
  return pages;
}

/* Does memory_reserved tell what this process has? Not in an emulator of a
   processor (qemu), whose memory it counts. Such a one swallows any advice. */
static inline int memory_tells (void) {
  const size_t bytes = (size_t)1 << 20;
  unsigned long before = memory_reserved(), with;
  void *at = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int emulated;
  if (at == MAP_FAILED)
    return 0;
  with = memory_reserved();
  emulated = madvise(at, bytes, 0x7FFFFFFF) == 0;
  munmap(at, bytes);
  return !emulated && with > before && memory_reserved() == before;
}

/* Does malloc fail where address space is short? A sanitizer's does not. */
#if defined(__has_feature)
#define MEMORY_HAS(feature) __has_feature(feature)
#else
#define MEMORY_HAS(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || MEMORY_HAS(address_sanitizer)
#define MEMORY_FAILS 0
#else
#define MEMORY_FAILS 1
#endif

/* Address space for 'more' bytes and no more, or without limit. */
static inline void memory_limit (size_t more) {
  struct rlimit limit;
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = (rlim_t)memory_reserved() * (rlim_t)sysconf(_SC_PAGESIZE)
                 + more;
  setrlimit(RLIMIT_AS, &limit);
}

static inline void memory_unlimit (void) {
  struct rlimit limit;
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_AS, &limit);
}

/* How many pages of a mapping take memory. */
static inline size_t memory_resident (char *at, size_t bytes) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 0;
  char *p;
  for (p = at; p < at + bytes; p += page) {
    unsigned char is = 0;
    if (mincore(p, page, &is) == 0)
      n += is & 1;
  }
  return n;
}

/* Locks all memory that is reserved from now on. Could it? */
static inline int memory_lock (void) {
  return mlockall(MCL_FUTURE) == 0;
}

/* Puts memory at these pages that a child shares. Could it? */
static inline int memory_share (char *at, size_t bytes) {
  return mmap(at, bytes, PROT_READ | PROT_WRITE,
              MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at;
}

#endif

#endif
