/*
** recent.h
** Which threads yielded compactly not long ago. Knows no Lua.
*/

#ifndef recent_h
#define recent_h

#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "map.h"

struct recent_place {
  unsigned char mark;  /* of a thread */
  unsigned char time;  /* of its compact yield, in units of age */
};

struct recent {
  struct recent_place places[RECENT_PLACES];  /* by the thread's address */
};

/*
** Places and marks are those of addresses: another thread may take the place
** or look the same. Then a yield is of the slower kind, no more. The time is
** the number of compact yields so far.
*/
INLINE size_t recent_index (const void *co) {
  return ((uintptr_t)co >> MAP_HASH_SHIFT) & (RECENT_PLACES - 1);
}

INLINE unsigned char recent_mark (const void *co) {
  return (unsigned char)(((uintptr_t)co >> MAP_HASH_SHIFT) / RECENT_PLACES);
}

INLINE void recent_add (struct recent *r, const void *co, size_t time) {
  struct recent_place *p = &r->places[recent_index(co)];
  p->mark = recent_mark(co);
  p->time = (unsigned char)(time / RECENT_UNIT);
}

INLINE int recent_has (const struct recent *r, const void *co, size_t time) {
  const struct recent_place *p = &r->places[recent_index(co)];
  return p->mark == recent_mark(co)
      && (unsigned char)(time / RECENT_UNIT - p->time) <= RECENT_UNITS;
}

#endif
