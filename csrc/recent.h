/*
** recent.h
** Which threads yielded compactly not long ago
*/

#ifndef recent_h
#define recent_h

#include <stdint.h>

#include "fiber.h"

/*
** Places and marks are those of addresses: another thread may take the place
** or look the same. Then a yield is of the slower kind, no more.
*/
INLINE struct recent *recentplace (struct universe *u, lua_State *co) {
  return &u->recent[((uintptr_t)co >> MAP_HASH_SHIFT) & (RECENT_PLACES - 1)];
}

INLINE unsigned char recentmark (lua_State *co) {
  return (unsigned char)(((uintptr_t)co >> MAP_HASH_SHIFT) / RECENT_PLACES);
}

INLINE unsigned char recenttime (const struct universe *u) {
  return (unsigned char)(u->compact_yields / RECENT_UNIT);
}

INLINE void recent_add (struct universe *u, lua_State *co) {
  struct recent *r = recentplace(u, co);
  r->mark = recentmark(co);
  r->time = recenttime(u);
}

INLINE int recent_has (struct universe *u, lua_State *co) {
  const struct recent *r = recentplace(u, co);
  return r->mark == recentmark(co)
      && (unsigned char)(recenttime(u) - r->time) <= RECENT_UNITS;
}

#endif
