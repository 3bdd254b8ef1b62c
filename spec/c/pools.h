/*
** pools.h
** Pools in tests, and what they say of themselves against what there is:
** their counts are added up again from the stacks in use, those cached and
** the slabs
*/

#ifndef pools_h
#define pools_h

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "pages.h"
#include "pool.h"

#define SIZE ((size_t)64 << 10)

#define CONSISTENT_SLABS 512

/* All slabs that are known, and how many of their stacks. */
struct consistent {
  struct slab *slabs[CONSISTENT_SLABS];
  int used[CONSISTENT_SLABS];
  size_t n;
};

static inline void consistent_add (struct consistent *c, struct slab *b,
                                   int used) {
  size_t i;
  for (i = 0; i < c->n && c->slabs[i] != b; i++)
    continue;
  if (i == c->n) {
    if (i == CONSISTENT_SLABS)
      return;
    c->slabs[c->n++] = b;
    c->used[i] = 0;
  }
  c->used[i] += used;
}

/* The bytes of all slabs, or SIZE_MAX if one counts other than we do. */
static inline size_t consistent_bytes (const struct consistent *c) {
  size_t i, bytes = 0;
  for (i = 0; i < c->n; i++) {
    const struct slab *b = c->slabs[i];
    if (b->used != c->used[i] || b->used > b->begun || b->begun > b->slots)
      return SIZE_MAX;
    bytes += b->bytes;
  }
  return bytes;
}

static inline const char *consistent_cached (struct consistent *c,
                                             const struct pool *p) {
  const struct stack *s;
  size_t n = 0;
  if (p->warm != NULL) {
    if (p->warm->pool != p || p->warm->size != p->size)
      return "the warm stack is not the pool's";
    consistent_add(c, p->warm->slab, 1);
  }
  for (s = p->free; s != NULL; s = s->next, n++) {
    if (s->pool != p || s->size != p->size)
      return "a cached stack is not the pool's";
    if (s == p->warm)
      return "the warm stack is on the list";
    if (s->trimmed && s->next != NULL && !s->next->trimmed)
      return "below a trimmed stack is one that is not";
    consistent_add(c, s->slab, 1);
  }
  if (p->listed != n || pool_cached(p) > p->limit)
    return "listed is not the length of the list, or above the limit";
  if (p->warmth > 0 && p->warm == NULL && n >= p->limit)
    return "there is no room for a warm stack";
  return NULL;
}

static inline const char *consistent_open (struct consistent *c,
                                           const struct pool *p) {
  struct slab *b = p->open;
  int empty = 0;
  if (b != NULL) do {
    if (b->used == b->slots)
      return "a full slab is in the ring";
    if (b->next->prev != b)
      return "the ring is broken";
    empty += b->used == 0;
    consistent_add(c, b, 0);
    b = b->next;
  } while (b != p->open);
  return empty == p->empty ? NULL : "empty slabs are miscounted";
}

static inline int consistent_isopen (const struct pool *p,
                                     const struct slab *b) {
  const struct slab *o = p->open;
  if (o != NULL) do {
    if (o == b)
      return 1;
    o = o->next;
  } while (o != p->open);
  return 0;
}

static inline size_t consistent_inuse (const struct pool *p,
                                       struct stack *const *held, size_t n) {
  size_t i, inuse = 0;
  for (i = 0; i < n; i++)
    inuse += held[i]->pool == p;
  return inuse;
}

/* Is all right, when 'held' are the stacks in use? NULL, or what is not. */
static inline const char *consistent_not (const struct pools *ps,
                                          struct stack *const *held,
                                          size_t n) {
  struct consistent c;
  const struct pool *p;
  const char *wrong;
  size_t i, live = 0;
  c.n = 0;
  for (i = 0; i < n; i++) {
    consistent_add(&c, held[i]->slab, 1);
    if ((held[i]->slab->used < held[i]->slab->slots)
        != consistent_isopen(held[i]->pool, held[i]->slab))
      return "the ring has not just the slabs with free slots";
  }
  for (p = ps->first; p != NULL; p = p->next) {
    if ((wrong = consistent_cached(&c, p)) != NULL
        || (wrong = consistent_open(&c, p)) != NULL)
      return wrong;
    if (p->live != pool_cached(p) + consistent_inuse(p, held, n))
      return "live stacks of a pool are miscounted";
    if (p->users == 0 && p->live == 0 && p->open == NULL)
      return "a pool outlives its last stack";
    live += p->live;
  }
  if (ps->live != live || ps->live - pools_cached(ps) != n || ps->peak < n)
    return "live stacks of all pools are miscounted";
  return ps->reserved == consistent_bytes(&c) ? NULL
                                              : "reserved is miscounted";
}

/* Bytes of guard and stack. */
static inline size_t pools_mapped (size_t size) {
  return pages_round(GUARD_SIZE) + size;
}

static inline void pools_open (struct pools *ps, size_t limit) {
  memset(ps, 0, sizeof *ps);
  ps->limit = limit;
}

static inline void pools_getall (struct pool *p, struct stack **s, int n) {
  int i;
  for (i = 0; i < n; i++) {
    s[i] = pool_get(p);
    assert_non_null(s[i]);
  }
}

static inline void pools_putall (struct stack **s, int n) {
  int i;
  for (i = 0; i < n; i++)
    pool_put(s[i]);
}

static inline void pools_right (const struct pools *ps, struct stack **held,
                                size_t n) {
  const char *wrong = consistent_not(ps, held, n);
  if (wrong != NULL)
    fail_msg("%s", wrong);
}

/* Nothing is left. */
static inline void pools_gone (const struct pools *ps) {
  assert_null(ps->first);
  assert_true(ps->live == 0);
  assert_true(ps->reserved == 0);
  assert_true(pools_cached(ps) == 0);
}

#endif
