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

struct recent {
  uint16_t places[RECENT_PLACES];  /* by the thread's address: when it yielded,
                                      in units of age, by a clock of its own */
};

/*
** Places and clocks are those of addresses: another thread may take the place
** or look the same. Then a yield is of the slower kind, no more. The time is
** the number of compact yields so far.
*/
INLINE size_t recent_index (const void *co) {
  return ((uintptr_t)co >> MAP_HASH_SHIFT) & (RECENT_PLACES - 1);
}

INLINE uint16_t recent_clock (const void *co, size_t time) {
  size_t mark = ((uintptr_t)co >> MAP_HASH_SHIFT) / RECENT_PLACES;
  return (uint16_t)(mark * RECENT_MARK + time / RECENT_UNIT);
}

INLINE void recent_add (struct recent *r, const void *co, size_t time) {
  r->places[recent_index(co)] = recent_clock(co, time);
}

INLINE int recent_has (const struct recent *r, const void *co, size_t time) {
  uint16_t then = r->places[recent_index(co)];
  return (uint16_t)(recent_clock(co, time) - then) <= RECENT_UNITS;
}

#endif
