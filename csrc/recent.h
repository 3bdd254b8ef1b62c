/*
** recent.h
** Which threads yielded not long ago. Knows no Lua.
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
  size_t mark = ((uintptr_t)co >> MAP_HASH_SHIFT)
                / (RECENT_PLACES / RECENT_MARK);
  return (uint16_t)(mark + time / RECENT_UNIT);
}

/* 'co' yields at this time: did it so not long ago? */
INLINE int recent_again (struct recent *r, const void *co, size_t time) {
  uint16_t *place = &r->places[recent_index(co)];
  uint16_t now = recent_clock(co, time);
  uint16_t age = (uint16_t)(now - *place);
  *place = now;
  return age <= RECENT_UNITS;
}

#endif
