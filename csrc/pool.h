/*
** pool.h
** Reuse of stacks: last in, first out, so that the next one is warm in the
** cache. Knows no Lua.
**
** A pool has stacks of one size, cut from slabs; a universe has a pool for
** each size that is asked for. A stack is
**
**              pool_get                    pool_put
**   (memory) ------------> in use <-----------------------> cached in a pool
**       ^                           pool_get, pool_reuse           |
**       +------------------------- pools_trim ---------------------+
**
** The one that came back last is warm, those before it are on a list. A stack
** that comes and goes all the time does so WARM_TURNS times without a look at
** anything else.
*/

#ifndef pool_h
#define pool_h

#include <stddef.h>

#include "pages.h"
#include "slab.h"
#include "stack.h"

struct pool {
  struct stack *warm;  /* the cached one to be used next, or NULL */
  int warmth;  /* how often one may be put there before more is looked at; only
                  while the limit leaves room for it */
  struct stack *free;  /* the others, the latest first; below one that is
                          trimmed, all are */
  size_t listed;  /* length of the list */
  size_t limit;  /* of all that are cached: that of 'all', or 0 after a shortage
                    of memory and without users */
  size_t reused;  /* how often one of them was taken */
  size_t put;  /* bytes of those put there, but for turns of the warm one, since
                  their pages were looked at */
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
  size_t made;  /* how many were ever made */
  size_t reused;  /* of pools that are gone */
  const char *failed;  /* what pool_get could not get, for a message */
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

/* Looks after the deep pages of the stacks put there since the last time, and
   of the warm one. */
PRIVATE void pool_clean (struct pool *p);

INLINE size_t pool_cached (const struct pool *p) {
  return p->listed + (p->warm != NULL);
}

/* The ways that look further than at the warm stack. */
PRIVATE struct stack *pool_find (struct pool *p);
PRIVATE void pool_keep (struct stack *s);

/* A stack of the pool's size. NULL with errno set when memory is short. */
PRIVATE struct stack *pool_get (struct pool *p);

/* One that is cached, or NULL. */
INLINE struct stack *pool_reuse (struct pool *p) {
  struct stack *s = p->warm;
  if (!LIKELY(s != NULL))
    return pool_find(p);
  p->warm = NULL;
  p->reused++;
  return s;
}

/* Takes a stack that came from the pool; nobody may stand on it. */
INLINE void pool_put (struct stack *s) {
  struct pool *p = s->pool;
  if (LIKELY(p->warm == NULL && p->warmth > 0)) {
    p->warmth--;
    p->warm = s;
  }
  else
    pool_keep(s);
}

#endif
