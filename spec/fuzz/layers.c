/*
** layers.c
** Fuzzes the layers below Lua: the bytes of an input are calls of the maps'
** and the pools' functions, which are compared with a model after each. The
** system may refuse any of its calls meanwhile.
*/

#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE  /* syscall */
#endif

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../c/refuse.h"
#include "../c/pools.h"

#include "map.h"
#include "recent.h"

#define KEYS 256  /* that a map may have */
#define STACKS 64  /* in use */
#define USERS 8  /* who have joined a pool */

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const uint8_t *next, *end;


static int byte (void) {
  return next < end ? *next++ : 0;
}


static void wrong (const char *what) {
  fprintf(stderr, "layers: %s\n", what);
  abort();
}


static void check (int right, const char *what) {
  if (!right)
    wrong(what);
}


/*
** {======================================================
** The map against an array
** =======================================================
*/

struct maps {
  struct map map;
  void *model[KEYS];  /* the value of each key, or NULL */
  int scale;  /* distance between keys: neighbours, or all in one home */
};

static const int scales[] = {64, 512, 1024, 4096, 65536, 1 << 20};


static const void *keyof (const struct maps *m, int i) {
  return (const void *)(uintptr_t)((size_t)(i + 1) * (size_t)m->scale);
}


static void checkmap (const struct maps *m) {
  size_t count = 0;
  int i;
  for (i = 0; i < KEYS; i++) {
    void *value = m->model[i], *glance = map_glance(&m->map, keyof(m, i));
    count += value != NULL;
    check(map_find(&m->map, keyof(m, i)) == value, "a value is not found");
    check(glance == NULL || glance == value, "another value at a glance");
  }
  check(m->map.count == count, "keys are miscounted");
  check((m->map.capacity & (m->map.capacity - 1)) == 0,
        "the capacity is no power of two");
  check(count * 2 <= m->map.capacity, "a map is too full");
}


static void insert (struct maps *m, int i) {
  if (m->model[i] == NULL && map_reserve(&m->map) == 0) {
    m->model[i] = &m->model[i];
    map_insert(&m->map, keyof(m, i), m->model[i]);
  }
}


static void removekey (struct maps *m, int i) {
  if (m->model[i] != NULL) {
    m->model[i] = NULL;
    map_remove(&m->map, keyof(m, i));
  }
}


static void clearmap (struct maps *m, int scale) {
  map_clear(&m->map);
  memset(m->model, 0, sizeof(m->model));
  m->scale = scales[(size_t)scale % (sizeof(scales) / sizeof(scales[0]))];
}


static void fuzzmap (void) {
  struct maps m;
  map_init(&m.map);
  clearmap(&m, byte());
  while (next < end) {
    switch (byte() % 8) {
      case 0: case 1: case 2: case 3: insert(&m, byte()); break;
      case 4: case 5: removekey(&m, byte()); break;
      case 6: map_shrink(&m.map); break;
      default: {
        int last = byte(), i;
        for (i = 0; i < last; i++)
          (last % 2 ? insert : removekey)(&m, i);
        if (last == 255)
          clearmap(&m, byte());
      }
    }
    checkmap(&m);
  }
  map_clear(&m.map);
}

/* }====================================================== */


/*
** {======================================================
** Pools against what they hold
** =======================================================
*/

struct model {
  struct pools pools;
  struct pool *users[USERS];
  struct stack *held[STACKS];
  unsigned char marks[STACKS];  /* written to both ends of each */
  size_t n;  /* stacks held */
  unsigned char mark;  /* of the last one */
};


/* No two stacks overlap: each keeps what was written to its ends. */
static void checkstack (struct model *m, size_t i) {
  struct stack *s = m->held[i];
  check(s->size == s->pool->size && s->bytes > s->size, "a stack's size");
  check(stack_holds(s, stack_low(s)) && !stack_holds(s, s->base + s->bytes),
        "a stack does not hold its own bytes");
  check((unsigned char)*stack_low(s) == m->marks[i]
        && (unsigned char)stack_top(s)[-1] == m->marks[i],
        "a stack in use was written to");
}


static void checkpools (struct model *m) {
  const char *what;
  size_t i;
  check(pools_inuse(&m->pools) == m->n, "stacks in use are miscounted");
  what = consistent_not(&m->pools, m->held, m->n);
  if (what != NULL)
    wrong(what);
  for (i = 0; i < m->n; i++)
    checkstack(m, i);
}


static size_t stacksize (int which) {
  return pages_round(STACK_SIZE_MIN + ((size_t)(which % 5) << 14));
}


static void join (struct model *m, int user, int which) {
  if (m->users[user] == NULL)
    m->users[user] = pools_join(&m->pools, stacksize(which));
}


static void leave (struct model *m, int user) {
  struct pool *p = m->users[user];
  m->users[user] = NULL;
  if (p != NULL)
    pools_leave(p);
}


static void get (struct model *m, int user) {
  struct stack *s;
  if (m->users[user] == NULL || m->n == STACKS
      || (s = pool_get(m->users[user])) == NULL)
    return;
  check(s->pool == m->users[user], "a stack of another pool");
  m->mark = (unsigned char)(m->mark % 255 + 1);
  m->marks[m->n] = m->mark;
  *stack_low(s) = (char)m->mark;
  stack_top(s)[-1] = (char)m->mark;
  m->held[m->n++] = s;
}


static void put (struct model *m, size_t i) {
  struct stack *s;
  if (m->n == 0)
    return;
  i %= m->n;
  checkstack(m, i);
  s = m->held[i];
  m->n--;
  m->held[i] = m->held[m->n];
  m->marks[i] = m->marks[m->n];
  pool_put(s);
}


/* The system refuses the nth call of a kind from now on, or all from then on. */
static void refuse (int kind, int n) {
  static struct refuse *const kinds[] = {&refuse_mmap, &refuse_munmap,
                                         &refuse_mprotect, &refuse_madvise};
  (kind & 4 ? refuse_from : refuse_only)(kinds[kind & 3], (unsigned)n, ENOMEM);
}


/* The deepest use ever is the whole stack: both ends were written to. */
static void use (const struct model *m, size_t i) {
  if (m->n > 0) {
    const struct stack *s = m->held[i % m->n];
    check(stack_used(s) <= s->size && stack_used(s) > s->size - 4096,
          "the use of a stack");
  }
}


static void clean (struct model *m, int user) {
  if (m->users[user] != NULL)
    pool_clean(m->users[user]);
}


static void poolstep (struct model *m) {
  switch (byte() % 16) {
    case 0: join(m, byte() % USERS, byte()); break;
    case 1: leave(m, byte() % USERS); break;
    case 2: case 3: case 4: case 5: get(m, byte() % USERS); break;
    case 6: case 7: case 8: put(m, (size_t)byte()); break;
    case 9: pools_limit(&m->pools, (size_t)byte() % 40); break;
    case 10: pools_trim(&m->pools); break;
    case 11: pools_short(&m->pools); break;
    case 12: refuse(byte(), byte()); break;
    case 13: refuse_nothing(); break;
    case 14: use(m, (size_t)byte()); break;
    case 15: clean(m, byte() % USERS); break;
  }
}


/* Everything goes back, in any state of the system. */
static void finish (struct model *m) {
  int i;
  while (m->n > 0)
    put(m, 0);
  for (i = 0; i < USERS; i++)
    leave(m, i);
  refuse_nothing();
  pools_trim(&m->pools);
  check(m->pools.first == NULL && m->pools.live == 0
        && m->pools.reserved == 0, "pools are left");
}


static void fuzzpools (void) {
  struct model m;
  memset(&m, 0, sizeof(m));
  pools_open(&m.pools, (size_t)byte() % 40);
  m.pools.guard = byte() % 2 ? GUARD_ADVICE : GUARD_MPROTECT;
  join(&m, 0, 0);
  while (next < end) {
    poolstep(&m);
    checkpools(&m);
  }
  finish(&m);
}

/* }====================================================== */


int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  next = data;
  end = data + size;
  refuse_nothing();
  (byte() % 2 ? fuzzmap : fuzzpools)();
  return 0;
}
