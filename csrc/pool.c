/*
** pool.c
** Reuse of stacks
*/

#include "pool.h"

#include <errno.h>
#include <stdlib.h>

#include "debug.h"


/*
** {======================================================
** The ring of slabs with free slots
** =======================================================
*/

static void addopen (struct pool *p, struct slab *b) {
  struct slab *head = p->open;
  if (head == NULL)
    b->next = b->prev = b;
  else {
    b->next = head;
    b->prev = head->prev;
    head->prev->next = b;
    head->prev = b;
  }
  p->open = b;
}


static void removeopen (struct pool *p, struct slab *b) {
  if (b->next == b)
    p->open = NULL;
  else {
    b->prev->next = b->next;
    b->next->prev = b->prev;
    if (p->open == b)
      p->open = b->next;
  }
}


/* As many slots as there are stacks: a program with few fibers reserves
   little, one with many makes few slabs. */
static int goodslots (const struct pool *p) {
  size_t slots = SLAB_BYTES_MAX / (p->size + GUARD_SIZE);
  if (slots > SLAB_SLOTS_MAX)
    slots = SLAB_SLOTS_MAX;
  if (slots > p->live)
    slots = p->live;
  return slots > 1 ? (int)slots : 1;
}


/* Where address space is short, a smaller one. */
static struct slab *addslab (struct pool *p) {
  int slots = goodslots(p);
  struct slab *b = slab_new(p->size, slots);
  while (b == NULL && slots > 1) {
    slots /= 2;
    b = slab_new(p->size, slots);
  }
  if (b != NULL) {
    p->all->reserved += b->bytes;
    p->empty++;
    addopen(p, b);
  }
  return b;
}


/* Gives back a slab that has no slot in use, if the system takes it. */
static void dropslab (struct pool *p, struct slab *b) {
  size_t bytes = b->bytes;
  removeopen(p, b);
  if (slab_free(b) != 0) {
    addopen(p, b);
    p->open = b->next;  /* the last one: it may have fresh slots */
  }
  else {
    p->empty--;
    p->all->reserved -= bytes;
  }
}


static void dropempty (struct pool *p) {
  struct slab *b = p->open;
  int n = p->empty;
  while (n > 0) {
    struct slab *next;
    DEBUG_ASSERT(b != NULL && "every empty slab is in the ring");
    next = b->next;
    if (b->used == 0) {
      dropslab(p, b);
      n--;
    }
    b = next;
  }
}

/* }====================================================== */


static void countmade (struct pool *p) {
  p->live++;
  p->all->live++;
  p->all->made++;
  pools_inuse(p->all);
}


static size_t goodshift (const struct pool *p) {
  return p->live < STACKS_SHIFTED ? p->live % STACK_SHIFTS * STACK_SHIFT : 0;
}


static struct stack *make (struct pool *p) {
  struct slab *b = p->open;
  struct stack *s;
  p->all->failed = "stack of";
  if (b == NULL && (b = addslab(p)) == NULL)
    return NULL;
  p->all->failed = "guard of a stack of";
  s = slab_take(b, goodshift(p), &p->all->guard);
  if (s != NULL) {
    s->pool = p;
    p->limit = p->all->limit;
    if (b->used == 1)
      p->empty--;
    if (b->used == b->slots)
      removeopen(p, b);
    countmade(p);
  }
  else if (b->used == 0) {
    int why = errno;
    dropslab(p, b);
    errno = why;
  }
  return s;
}


static void push (struct pool *p, struct stack *s) {
  s->next = p->free;
  p->free = s;
  p->listed++;
}


static struct stack *pop (struct pool *p) {
  struct stack *s = p->free;
  p->free = s->next;
  p->listed--;
  return s;
}


struct stack *pool_find (struct pool *p) {
  struct stack *s = NULL;
  if (p->free != NULL) {
    s = pop(p);
    p->reused++;
    s->trimmed = 0;
  }
  return s;
}


/* What other pools have cached goes before it comes to an error. */
struct stack *pool_get (struct pool *p) {
  struct stack *s = pool_reuse(p);
  if (s == NULL)
    s = make(p);
  if (s == NULL) {
    pools_short(p->all);
    s = make(p);
  }
  return s;
}


/* An empty slab is kept, so that a stack more or less now and then does not
   go to the system every time. */
static void give (struct pool *p, struct stack *s) {
  struct slab *b = s->slab;
  p->live--;
  p->all->live--;
  slab_give(b, s);
  if (b->used == b->slots - 1)
    addopen(p, b);
  if (b->used == 0 && ++p->empty > (p->limit > 0))
    dropslab(p, b);
}


static void cool (struct pool *p) {
  if (p->warm != NULL)
    push(p, p->warm);
  p->warm = NULL;
  p->warmth = 0;
}


/* Gives cached stacks back until 'keep' are left; returns their bytes. */
static size_t trim (struct pool *p, size_t keep) {
  size_t bytes = 0;
  cool(p);
  while (p->listed > keep) {
    struct stack *s = pop(p);
    bytes += s->bytes;
    give(p, s);
  }
  dropempty(p);
  return bytes;
}


static void removeunused (struct pool *p) {
  struct pool **link = &p->all->first;
  if (p->users > 0 || p->live > 0 || p->open != NULL)
    return;
  while (*link != p)
    link = &(*link)->next;
  *link = p->next;
  p->all->reused += p->reused;
  free(p);
}


void pool_clean (struct pool *p) {
  struct stack *s;
  p->put = 0;
  if (p->warm != NULL)
    stack_trim(p->warm);
  for (s = p->free; s != NULL && !s->trimmed; s = s->next) {
    stack_trim(s);
    s->trimmed = 1;
  }
}


void pool_keep (struct stack *s) {
  struct pool *p = s->pool;
  if (!LIKELY(pool_cached(p) < p->limit)) {
    give(p, s);
    removeunused(p);
    return;
  }
  if (p->warm != NULL)
    push(p, p->warm);
  p->warm = s;
  p->put += p->size;
  if (!LIKELY(p->put < TRIM_INTERVAL))
    pool_clean(p);
  p->warmth = p->size <= WARM_SIZE_MAX ? WARM_TURNS : 0;
}


static struct pool *find (struct pools *ps, size_t size) {
  struct pool *p = ps->first;
  while (p != NULL && p->size != size)
    p = p->next;
  return p;
}


struct pool *pools_join (struct pools *ps, size_t size) {
  struct pool *p = find(ps, size);
  if (p == NULL) {
    p = (struct pool *)calloc(1, sizeof(struct pool));
    if (p == NULL)
      return NULL;
    p->size = size;
    p->all = ps;
    p->next = ps->first;
    ps->first = p;
  }
  if (p->users++ == 0)
    p->limit = ps->limit;
  return p;
}


void pools_leave (struct pool *p) {
  if (--p->users == 0) {
    p->limit = 0;
    trim(p, 0);
    removeunused(p);
  }
}


void pools_limit (struct pools *ps, size_t limit) {
  struct pool *p;
  ps->limit = limit;
  for (p = ps->first; p != NULL; p = p->next) {
    if (p->users > 0) {
      p->limit = limit;
      trim(p, limit);
    }
  }
}


/* A pool that was left may wait for the system to take its slabs. */
size_t pools_trim (struct pools *ps) {
  struct pool *p = ps->first;
  size_t bytes = 0;
  while (p != NULL) {
    struct pool *next = p->next;
    bytes += trim(p, 0);
    removeunused(p);
    p = next;
  }
  return bytes;
}


void pools_short (struct pools *ps) {
  struct pool *p;
  pools_trim(ps);
  for (p = ps->first; p != NULL; p = p->next)
    p->limit = 0;
}


size_t pools_inuse (struct pools *ps) {
  size_t inuse = ps->live - pools_cached(ps);
  if (inuse > ps->peak)
    ps->peak = inuse;
  return inuse;
}


size_t pools_cached (const struct pools *ps) {
  const struct pool *p;
  size_t n = 0;
  for (p = ps->first; p != NULL; p = p->next)
    n += pool_cached(p);
  return n;
}


size_t pools_reused (const struct pools *ps) {
  const struct pool *p;
  size_t n = ps->reused;
  for (p = ps->first; p != NULL; p = p->next)
    n += p->reused;
  return n;
}
