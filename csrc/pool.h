/*
** pool.h
** Reuse of stacks: last in, first out, so that the next one is warm in the
** cache. Knows no Lua.
*/

#ifndef pool_h
#define pool_h

#include <stddef.h>

#include "stack.h"

struct pool {
  struct stack *free;  /* cached stacks, the latest first */
  size_t size;  /* of the stacks it hands out; no others are cached */
  size_t cached;  /* length of the list */
  size_t limit;  /* of the list */
  size_t live;  /* stacks there are, cached or in use */
  size_t peak;  /* most that were in use at a time: none is made while one
                   is cached, so it grows only with 'live' */
  size_t reserved;  /* bytes of all of them */
  size_t made, reused;  /* how often pool_get did which */
};

PRIVATE void pool_init (struct pool *p, size_t size, size_t limit);

/* Changes the size or the limit; what no longer fits is given back. */
PRIVATE void pool_resize (struct pool *p, size_t size, size_t limit);

/* Gives cached stacks back to the system until 'keep' are left; returns the
   bytes. */
PRIVATE size_t pool_trim (struct pool *p, size_t keep);

/* The ways of pool_get and pool_put that go to the system. */
PRIVATE struct stack *pool_make (struct pool *p);
PRIVATE void pool_release (struct pool *p, struct stack *s);

/* A stack of the pool's size. NULL with errno set when memory is short. */
INLINE struct stack *pool_get (struct pool *p) {
  struct stack *s = p->free;
  if (!LIKELY(s != NULL))
    return pool_make(p);
  p->free = s->next;
  p->cached--;
  p->reused++;
  return s;
}

/* Takes a stack that pool_get returned; nobody may stand on it. */
INLINE void pool_put (struct pool *p, struct stack *s) {
  if (LIKELY(s->size == p->size && p->cached < p->limit)) {
    s->next = p->free;
    p->free = s;
    p->cached++;
  }
  else
    pool_release(p, s);
}

#endif
