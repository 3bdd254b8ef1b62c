/*
** pool.h
** Reuse of stacks: last in, first out, so that the next one is warm in the
** cache. Knows no Lua.
**
** A pool has stacks of one size, cut from slabs; a universe has a pool for
** each size that is asked for. A stack is
**
**             pool_make                    pool_get
**   (memory) <---------> cached in a pool <---------> in use
**             pool_trim                    pool_put
*/

#ifndef pool_h
#define pool_h

#include <stddef.h>

#include "pages.h"
#include "slab.h"
#include "stack.h"

struct pool {
  struct stack *free;  /* cached stacks, the latest first; below one that is
                          trimmed, all are */
  size_t cached;  /* length of the list */
  size_t limit;  /* of the list: that of 'all', or 0 after a shortage of
                    memory and without users */
  size_t reused;  /* how often pool_get found one there */
  size_t put;  /* bytes of those put there since the last look at them */
  size_t size;  /* of each stack, bytes */
  size_t users;  /* calls of pools_join not yet taken back */
  size_t live;  /* stacks there are, cached or in use */
  struct slab *open;  /* ring of slabs with free slots, or NULL. At most one,
                         the last, has fresh slots */
  int empty;  /* slabs in the ring that have no slot in use */
  struct pools *all;
  struct pool *next;
};

/* All pools of a universe and their sums. */
struct pools {
  struct pool *first;  /* the list of them */
  struct pool *usual;  /* the pool for threads without a wish */
  size_t limit;  /* of the stacks cached in each pool */
  enum pages_guard guard;  /* the way of the last guard, or of the next */
  size_t live;
  size_t peak;  /* most in use, seen whenever a stack was made or they were
                   counted: cached ones of two sizes are used uncounted */
  size_t reserved;  /* bytes of all slabs */
  size_t made;  /* how often pool_make did */
  size_t reused;  /* of pools that are gone */
  const char *failed;  /* what pool_make could not get, for a message */
};

/* The pool for stacks of 'size' bytes, made if need be; it stays until all who
   joined have left and all its stacks are back. NULL: no memory. */
PRIVATE struct pool *pools_join (struct pools *ps, size_t size);
PRIVATE void pools_leave (struct pool *p);

/* Changes the limit; what no longer fits is given back. */
PRIVATE void pools_limit (struct pools *ps, size_t limit);

/* Gives all cached stacks back to the system; returns their bytes. */
PRIVATE size_t pools_trim (struct pools *ps);

/* Memory is short: gives all cached stacks back. A pool caches none from then
   on, until one more stack could be made. */
PRIVATE void pools_short (struct pools *ps);

/* The stacks in use of all pools; sets 'peak'. */
PRIVATE size_t pools_inuse (struct pools *ps);

/* The cached stacks of all, and how often one was reused. */
PRIVATE size_t pools_cached (const struct pools *ps);
PRIVATE size_t pools_reused (const struct pools *ps);

/* The ways of pool_get and pool_put that go to the system. */
PRIVATE struct stack *pool_make (struct pool *p);
PRIVATE void pool_release (struct stack *s);

/* Looks after the deep pages of the stacks put there since the last time. */
PRIVATE void pool_clean (struct pool *p);

/* A stack of the pool's size. NULL with errno set when memory is short. */
INLINE struct stack *pool_get (struct pool *p) {
  struct stack *s = p->free;
  if (!LIKELY(s != NULL))
    return pool_make(p);
  p->free = s->next;
  p->cached--;
  p->reused++;
  s->trimmed = 0;
  return s;
}

/* Takes a stack that pool_get returned; nobody may stand on it. */
INLINE void pool_put (struct stack *s) {
  struct pool *p = s->pool;
  if (LIKELY(p->cached < p->limit)) {
    s->next = p->free;
    p->free = s;
    p->cached++;
    p->put += p->size;
    if (!LIKELY(p->put < TRIM_INTERVAL))
      pool_clean(p);
  }
  else
    pool_release(s);
}

#endif
