/*
** pool_test.c
** Reuse of stacks: what a pool caches, what pools count, who joins and leaves
*/

#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE  /* syscall */
#endif

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pages.h"
#include "pool.h"

#include "child.h"
#include "consistent.h"
#include "memory.h"
#include "refuse.h"

#define SIZE ((size_t)64 << 10)
#define N 10

/* Guard and stack. */
static size_t mapped (size_t size) {
  return pages_round(GUARD_SIZE) + size;
}


static void open (struct pools *ps, size_t limit) {
  memset(ps, 0, sizeof *ps);
  ps->limit = limit;
}


static struct pool *join (struct pools *ps, size_t size) {
  struct pool *p = pools_join(ps, size);
  assert_non_null(p);
  return p;
}


static void get (struct pool *p, struct stack **s, int n) {
  int i;
  for (i = 0; i < n; i++) {
    s[i] = pool_get(p);
    assert_non_null(s[i]);
  }
}


static void put (struct stack **s, int n) {
  int i;
  for (i = 0; i < n; i++)
    pool_put(s[i]);
}


static void check (const struct pools *ps, struct stack **held, size_t n) {
  const char *wrong = consistent_not(ps, held, n);
  if (wrong != NULL)
    fail_msg("%s", wrong);
}


/* Nothing is left. */
static void checkgone (const struct pools *ps) {
  assert_null(ps->first);
  assert_true(ps->live == 0);
  assert_true(ps->reserved == 0);
  assert_true(pools_cached(ps) == 0);
}


/*
** {======================================================
** One pool
** =======================================================
*/

static void test_new (void **state) {
  struct pools ps;
  struct pool *p;
  (void)state;
  open(&ps, N);
  p = join(&ps, SIZE);
  assert_true(p->size == SIZE);
  assert_true(p->limit == N);
  assert_true(ps.made == 0 && pools_reused(&ps) == 0);
  assert_true(ps.live == 0 && ps.reserved == 0 && ps.peak == 0);
  pools_leave(p);
  checkgone(&ps);
}


static void test_size (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s;
  (void)state;
  open(&ps, N);
  p = join(&ps, 3 * SIZE);
  s = pool_get(p);
  assert_true(s->size == 3 * SIZE);
  pool_put(s);
  pools_leave(p);
  checkgone(&ps);
}


static void test_lifo (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[N], *again[N];
  int i;
  (void)state;
  open(&ps, N);
  p = join(&ps, SIZE);
  get(p, s, N);
  put(s, N);
  get(p, again, N);
  for (i = 0; i < N; i++)
    assert_ptr_equal(again[i], s[N - 1 - i]);
  put(again, N);
  pools_leave(p);
  checkgone(&ps);
}


static void test_counts (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[N];
  (void)state;
  open(&ps, N);
  p = join(&ps, SIZE);
  get(p, s, 3);
  assert_true(ps.made == 3 && pools_reused(&ps) == 0 && p->cached == 0);
  put(s, 3);
  assert_true(p->cached == 3 && pools_cached(&ps) == 3);
  get(p, s, 5);
  assert_true(ps.made == 5 && pools_reused(&ps) == 3 && p->cached == 0);
  check(&ps, s, 5);
  put(s, 5);
  assert_true(p->cached == 5 && pools_cached(&ps) == 5);
  check(&ps, NULL, 0);
  pools_leave(p);
  checkgone(&ps);
}


static void test_reserved (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[N];
  size_t bytes;
  (void)state;
  open(&ps, N);
  p = join(&ps, SIZE);
  get(p, s, 4);
  bytes = ps.reserved;
  assert_true(bytes > 4 * mapped(SIZE) && bytes < 8 * mapped(SIZE));
  check(&ps, s, 4);
  put(s, 2);
  put(s + 2, 2);
  assert_true(ps.reserved == bytes);
  get(p, s, 4);
  assert_true(ps.reserved == bytes);
  put(s, 4);
  pools_leave(p);
  checkgone(&ps);
}


static void test_live (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[N];
  (void)state;
  open(&ps, 3);
  p = join(&ps, SIZE);
  get(p, s, N);
  assert_true(ps.live == N && p->live == N && ps.peak == N);
  put(s, N);
  assert_true(ps.live == 3 && p->live == 3 && ps.peak == N);
  get(p, s, 5);
  assert_true(ps.live == 5 && ps.peak == N);
  put(s, 5);
  pools_leave(p);
  checkgone(&ps);
  assert_true(ps.peak == N);
}


static void test_limit (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[N];
  (void)state;
  open(&ps, 3);
  p = join(&ps, SIZE);
  get(p, s, N);
  put(s, N);
  assert_true(p->cached == 3);
  check(&ps, NULL, 0);
  assert_ptr_equal(pool_get(p), s[2]);
  check(&ps, s + 2, 1);
  pool_put(s[2]);
  pools_leave(p);
  checkgone(&ps);
}


static void test_no_limit (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[N];
  (void)state;
  open(&ps, 0);
  p = join(&ps, SIZE);
  get(p, s, N);
  put(s, N);
  get(p, s, N);
  assert_true(pools_reused(&ps) == 0 && ps.made == 2 * N);
  put(s, N);
  assert_true(ps.live == 0 && ps.reserved == 0);
  pools_leave(p);
  checkgone(&ps);
}


static void test_trim (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[N];
  (void)state;
  open(&ps, N);
  p = join(&ps, SIZE);
  assert_true(pools_trim(&ps) == 0);
  get(p, s, N);
  assert_true(pools_trim(&ps) == 0);
  put(s, N - 1);
  assert_true(pools_trim(&ps) == (N - 1) * mapped(SIZE));
  assert_true(pools_cached(&ps) == 0 && ps.live == 1);
  check(&ps, s + N - 1, 1);
  assert_true(pools_trim(&ps) == 0);
  put(s + N - 1, 1);
  assert_true(pools_trim(&ps) == mapped(SIZE));
  assert_true(ps.reserved == 0);
  pools_leave(p);
  checkgone(&ps);
}


static void test_new_limit (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[N];
  (void)state;
  open(&ps, N);
  p = join(&ps, SIZE);
  get(p, s, N);
  put(s, N);
  pools_limit(&ps, 4);
  assert_true(p->cached == 4 && p->limit == 4 && ps.limit == 4);
  check(&ps, NULL, 0);
  pools_limit(&ps, N);
  assert_true(p->cached == 4 && p->limit == N);
  get(p, s, N);
  assert_true(pools_reused(&ps) == 4);
  put(s, N);
  assert_true(p->cached == N);
  pools_leave(p);
  checkgone(&ps);
}

/* }====================================================== */


/*
** {======================================================
** Several pools, joined and left
** =======================================================
*/

static void test_join (void **state) {
  struct pools ps;
  struct pool *p, *other;
  (void)state;
  open(&ps, N);
  p = join(&ps, SIZE);
  other = join(&ps, 2 * SIZE);
  assert_ptr_not_equal(p, other);
  assert_ptr_equal(join(&ps, SIZE), p);
  assert_ptr_equal(join(&ps, 2 * SIZE), other);
  pools_leave(p);
  pools_leave(other);
  assert_ptr_equal(join(&ps, SIZE), p);
  pools_leave(p);
  pools_leave(other);
  pools_leave(p);
  checkgone(&ps);
}


static void test_sums (void **state) {
  struct pools ps;
  struct pool *p, *other;
  struct stack *s[2 * N];
  (void)state;
  open(&ps, 4);
  p = join(&ps, SIZE);
  other = join(&ps, 2 * SIZE);
  get(p, s, N);
  get(other, s + N, 3);
  check(&ps, s, N + 3);
  assert_true(ps.live == N + 3 && ps.made == N + 3 && ps.peak == N + 3);
  put(s, N + 3);
  assert_true(p->cached == 4 && other->cached == 3);
  assert_true(pools_cached(&ps) == 7 && ps.live == 7);
  get(other, s, 2);
  get(p, s + 2, 1);
  assert_true(pools_reused(&ps) == 3 && other->reused == 2);
  check(&ps, s, 3);
  put(s, 3);
  assert_true(pools_trim(&ps) == 4 * mapped(SIZE) + 3 * mapped(2 * SIZE));
  assert_true(ps.reserved == 0);
  pools_leave(p);
  pools_leave(other);
  checkgone(&ps);
  assert_true(pools_reused(&ps) == 3);
}


/* In use are those of all pools; the stacks cached elsewhere are not. */
static void test_peak (void **state) {
  struct pools ps;
  struct pool *p, *other;
  struct stack *s[N];
  (void)state;
  open(&ps, N);
  p = join(&ps, SIZE);
  other = join(&ps, 2 * SIZE);
  get(p, s, 3);
  put(s, 3);
  get(other, s, 4);
  assert_true(ps.peak == 4 && ps.live == 7);
  get(other, s + 4, 1);
  assert_true(ps.peak == 5);
  put(s, 5);
  pools_leave(p);
  pools_leave(other);
  checkgone(&ps);
}


static void test_leave (void **state) {
  struct pools ps;
  struct pool *p, *other;
  struct stack *s[N];
  int i;
  (void)state;
  open(&ps, N);
  other = join(&ps, 2 * SIZE);
  p = join(&ps, SIZE);
  get(p, s, N);
  put(s, 5);
  get(p, s, 2);
  pools_leave(p);
  assert_true(p->cached == 0 && p->limit == 0 && ps.live == N - 3);
  for (i = 0; i < 2; i++)
    pool_put(s[i]);
  for (i = 5; i < N; i++) {
    check(&ps, s + i, (size_t)(N - i));
    assert_ptr_equal(ps.first, p);
    pool_put(s[i]);
  }
  assert_ptr_equal(ps.first, other);
  assert_true(ps.live == 0 && ps.reserved == 0);
  assert_true(pools_reused(&ps) == 2);
  pools_leave(other);
  checkgone(&ps);
}


/* The list is gone through to the end. */
static void test_leave_first (void **state) {
  struct pools ps;
  struct pool *p[3];
  int i;
  (void)state;
  open(&ps, N);
  for (i = 0; i < 3; i++)
    p[i] = join(&ps, (size_t)(i + 1) * SIZE);
  pools_leave(p[1]);
  assert_ptr_equal(ps.first, p[2]);
  assert_ptr_equal(p[2]->next, p[0]);
  pools_leave(p[0]);
  assert_null(p[2]->next);
  pools_leave(p[2]);
  checkgone(&ps);
}


static void test_join_again (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[N];
  (void)state;
  open(&ps, N);
  p = join(&ps, SIZE);
  get(p, s, 4);
  pools_leave(p);
  assert_ptr_equal(join(&ps, SIZE), p);
  put(s, 4);
  assert_true(p->cached == 4);
  check(&ps, NULL, 0);
  pools_leave(p);
  checkgone(&ps);
}


static void test_limit_of_left (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[N];
  (void)state;
  open(&ps, N);
  p = join(&ps, SIZE);
  get(p, s, 2);
  pools_leave(p);
  pools_limit(&ps, 2 * N);
  pool_put(s[0]);
  assert_true(ps.live == 1 && pools_cached(&ps) == 0);
  pool_put(s[1]);
  checkgone(&ps);
}


/* In a child: no memory for a pool. */
static int nomemory (void *data) {
  struct pools ps;
  struct pool *p;
  (void)data;
  open(&ps, N);
  p = pools_join(&ps, SIZE);
  memory_limit(0);
  while (malloc(sizeof(struct pool)) != NULL)
    continue;
  if (pools_join(&ps, 2 * SIZE) != NULL || ps.first != p || p->next != NULL)
    return 1;
  return pools_join(&ps, SIZE) == p && p->users == 2 ? 0 : 2;
}


static void test_join_without_memory (void **state) {
  (void)state;
  if (!memory_tells())
    skip();
  assert_int_equal(child_run(nomemory, NULL), 0);
}

/* }====================================================== */


/*
** {======================================================
** Any order
** =======================================================
*/

#define HELD 64

struct play {
  struct pools ps;
  struct pool *pool;  /* joined once */
  struct stack *held[HELD];
  size_t n;
  uint32_t random;
};


static uint32_t below (struct play *g, uint32_t limit) {
  g->random = g->random * UINT32_C(1664525) + UINT32_C(1013904223);
  return (g->random >> 8) % limit;
}


static void changepool (struct play *g) {
  struct pool *before = g->pool;
  g->pool = join(&g->ps, SIZE << below(g, 3));
  pools_leave(before);
}


static void putany (struct play *g) {
  size_t i = below(g, (uint32_t)g->n);
  struct stack *s = g->held[i];
  g->held[i] = g->held[--g->n];
  pool_put(s);
}


static void step (struct play *g) {
  uint32_t what = below(g, 200);
  if (what == 0)
    pools_limit(&g->ps, below(g, 20));
  else if (what == 1)
    pools_trim(&g->ps);
  else if (what < 6)
    changepool(g);
  else if (what % 2 == 0 && g->n < HELD)
    get(g->pool, &g->held[g->n++], 1);
  else if (g->n > 0)
    putany(g);
}


static void test_random (void **state) {
  struct play g;
  int i;
  (void)state;
  open(&g.ps, N);
  g.pool = join(&g.ps, SIZE);
  g.n = 0;
  g.random = 5;
  for (i = 0; i < 5000; i++) {
    step(&g);
    check(&g.ps, g.held, g.n);
  }
  while (g.n > 0)
    putany(&g);
  pools_leave(g.pool);
  checkgone(&g.ps);
}

/* }====================================================== */


/*
** {======================================================
** Deep pages
** =======================================================
*/

/* Writes below the part that a stack keeps. */
static void deepen (struct stack *s) {
  char *end = s->base + s->bytes;
  memset(end - pages_round(STACK_KEEP) - 64, 1, 64);
}


/* Three times the puts after which a pool looks: each time at those that came
   since, whatever was done to others. An advice is a stack cleaned. */
static void test_clean (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[3 * TRIM_INTERVAL];
  int i, n;
  (void)state;
  open(&ps, 3 * TRIM_INTERVAL);
  p = join(&ps, SIZE);
  get(p, s, 3 * TRIM_INTERVAL);
  for (n = TRIM_INTERVAL; n <= 3 * TRIM_INTERVAL; n += TRIM_INTERVAL) {
    for (i = 0; i < n; i++)
      deepen(s[i]);
    refuse_nothing();
    put(s + n - TRIM_INTERVAL, TRIM_INTERVAL - 1);
    assert_int_equal(refuse_madvise.uses, 0);
    pool_put(s[n - 1]);
    assert_int_equal(refuse_madvise.uses, TRIM_INTERVAL);
    check(&ps, s + n, (size_t)(3 * TRIM_INTERVAL - n));
  }
  pools_leave(p);
  checkgone(&ps);
}


static void test_clean_reused (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[3];
  int i;
  (void)state;
  open(&ps, N);
  p = join(&ps, SIZE);
  get(p, s, 3);
  put(s, 3);
  pool_clean(p);
  for (i = 0; i < 3; i++)
    deepen(s[i]);
  get(p, s, 1);
  put(s, 1);
  refuse_nothing();
  pool_clean(p);
  assert_int_equal(refuse_madvise.uses, 1);
  pool_clean(p);
  assert_int_equal(refuse_madvise.uses, 1);
  pools_leave(p);
  checkgone(&ps);
}

/* }====================================================== */


int main (void) {
  const struct CMUnitTest tests[] = {
    {"a new pool is empty", test_new, NULL, NULL, NULL},
    {"stacks have the pool's size", test_size, NULL, NULL, NULL},
    {"the last stack put is the first one got", test_lifo, NULL, NULL, NULL},
    {"made, reused and cached are counted", test_counts, NULL, NULL, NULL},
    {"reserved counts stacks in use and cached",
     test_reserved, NULL, NULL, NULL},
    {"live stacks and their peak are counted", test_live, NULL, NULL, NULL},
    {"no more than the limit is cached", test_limit, NULL, NULL, NULL},
    {"with limit 0 nothing is cached or reserved",
     test_no_limit, NULL, NULL, NULL},
    {"trim gives back what is cached and returns its bytes",
     test_trim, NULL, NULL, NULL},
    {"a new limit drops what exceeds it", test_new_limit, NULL, NULL, NULL},
    {"a size has one pool, as long as one who joined is there",
     test_join, NULL, NULL, NULL},
    {"pools of two sizes are counted together",
     test_sums, NULL, NULL, NULL},
    {"the peak is that of the stacks in use in all pools",
     test_peak, NULL, NULL, NULL},
    {"a pool that was left gives each stack back and goes with the last",
     test_leave, NULL, NULL, NULL},
    {"pools leave the list from every place",
     test_leave_first, NULL, NULL, NULL},
    {"a pool that was left and joined again caches its stacks",
     test_join_again, NULL, NULL, NULL},
    {"a new limit is none of a pool that was left",
     test_limit_of_left, NULL, NULL, NULL},
    {"without memory there is no new pool, and the old ones stay",
     test_join_without_memory, NULL, NULL, NULL},
    {"counts hold in any order of calls", test_random, NULL, NULL, NULL},
    {"deep pages of the stacks that came go back every TRIM_INTERVAL puts",
     test_clean, NULL, NULL, NULL},
    {"a stack is looked at again only when it was used again",
     test_clean_reused, NULL, NULL, NULL},
  };
  return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
