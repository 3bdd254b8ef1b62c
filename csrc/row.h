/*
** row.h
** Loads the threads that are resumed early. Knows no Lua.
**
** Threads that were made one after the other lie at equal distances: those
** that are resumed in such a row find theirs loaded. Addresses are numbers
** here: they may lie outside of all that there is. Fresh threads were mostly
** just made and are no part of a row.
*/

#ifndef row_h
#define row_h

#include <stdint.h>

#include "config.h"

struct row {
  uintptr_t last;  /* the thread that was resumed last */
  uintptr_t stride;  /* its distance from the one before */
};

/* Starts to load a thread and what lies behind it (see NEAR_STACK). */
INLINE void row_load (uintptr_t co) {
  PREFETCH((const void *)co);
  PREFETCH((const void *)(co + 64));
  PREFETCH((const void *)(co + 128));
  PREFETCH((const void *)(co + NEAR_STACK));
  PREFETCH((const void *)(co + NEAR_STACK + 64));
  PREFETCH((const void *)(co + NEAR_CALL));
  PREFETCH((const void *)(co + NEAR_CALL + 64));
  PREFETCH((const void *)(co + NEAR_CALL + 128));
}

/* 'thread', which is not fresh, is about to be resumed. */
INLINE void row_resume (struct row *r, const void *thread) {
  uintptr_t co = (uintptr_t)thread;
  uintptr_t stride = co - r->last;
  if (stride == 0)
    return;
  row_load(stride == r->stride ? co + ROW_AHEAD * stride : co);
  r->stride = stride;
  r->last = co;
}

#endif
