/*
** map.h
** From a thread's address to the fiber mounted on it. Knows no Lua.
**
** Open addressing with linear probing in a power of two of slots, never more
** than half of them in use. The hash shifts and does not scatter: threads
** made one after the other lie in slots one after the other.
*/

#ifndef map_h
#define map_h

#include <stddef.h>
#include <stdint.h>

#include "config.h"

struct map_slot {
  const void *key;  /* NULL: free */
  void *value;
};

struct map {
  struct map_slot *slots;
  size_t capacity;  /* a power of two */
  size_t count;
};

/* An empty map, of one slot that stays free. */
PRIVATE void map_init (struct map *m);

/* A lua_State and what 'lua_newthread' allocates beside it take 1 KB. */
#define MAP_HASH_SHIFT 9

INLINE size_t map_home (const struct map *m, const void *key) {
  return ((uintptr_t)key >> MAP_HASH_SHIFT) & (m->capacity - 1);
}

/* The slot of 'key', or the free one where the search for it ends. */
INLINE struct map_slot *map_locate (const struct map *m, const void *key) {
  size_t i = map_home(m, key);
  while (m->slots[i].key != key && m->slots[i].key != NULL)
    i = (i + 1) & (m->capacity - 1);
  return &m->slots[i];
}

/* The value of 'key', or NULL. */
INLINE void *map_find (const struct map *m, const void *key) {
  return m->count == 0 ? NULL : map_locate(m, key)->value;
}

/* The same, at a glance: NULL also where 'key' is not in its home slot. */
INLINE void *map_glance (const struct map *m, const void *key) {
  const struct map_slot *s = &m->slots[map_home(m, key)];
  return s->key == key ? s->value : NULL;
}

/* Makes room for one more key. 0, or -1 when memory is short. */
PRIVATE int map_reserve (struct map *m);

/* Gives back what a map takes in vain, if that is most of it. */
PRIVATE void map_shrink (struct map *m);

/* Makes the map empty and gives all memory back. */
PRIVATE void map_clear (struct map *m);

/* Adds a key that is not there, where there is room. */
PRIVATE void map_insert (struct map *m, const void *key, void *value);

/* Removes a key that is there. */
PRIVATE void map_remove (struct map *m, const void *key);

#endif
