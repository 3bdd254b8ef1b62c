/*
** memory.h
** How much address space this process has reserved
*/

#ifndef memory_h
#define memory_h

#include <stdio.h>
#include <sys/mman.h>

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

#endif
