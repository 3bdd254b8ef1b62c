/*
** memory.h
** How much address space this process has reserved
*/

#ifndef memory_h
#define memory_h

#include <stdio.h>

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

#endif
