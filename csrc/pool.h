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
  size_t size;  /* of the stacks it hands out; those of another are not cached */
  size_t cached;  /* length of the list */
  size_t limit;  /* of the list */
  size_t reserved;  /* bytes of all stacks, cached or in use */
  size_t made, reused;  /* how often pool_get did which */
};

PRIVATE void pool_init (struct pool *p, size_t size, size_t limit);

/* A stack of the pool's size. NULL with errno set when memory is short. */
PRIVATE struct stack *pool_get (struct pool *p);

/* Takes a stack that pool_get returned; nobody may stand on it. */
PRIVATE void pool_put (struct pool *p, struct stack *s);

/* Changes the size or the limit; what no longer fits is given back. */
PRIVATE void pool_resize (struct pool *p, size_t size, size_t limit);

/* Gives cached stacks back to the system until 'keep' are left; returns the
   bytes. */
PRIVATE size_t pool_trim (struct pool *p, size_t keep);

#endif
