/*
** pool_test.c
** Reuse of stacks: what a pool caches, what pools count, who joins and leaves
*/

#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE  /* MAP_ANONYMOUS */
#endif

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "child.h"
#include "memory.h"
#include "pools.h"

#define N 10


/*
** {======================================================
** One pool
** =======================================================
*/

static void test_new (void **state) {
  struct pools ps;
  struct pool *p;
  (void)state;
  pools_open(&ps, N);
  p = pools_join(&ps, SIZE);
  assert_true(p->size == SIZE);
  assert_true(p->limit == N);
  assert_true(ps.made == 0 && pools_reused(&ps) == 0);
  assert_true(ps.live == 0 && ps.reserved == 0 && ps.peak == 0);
  pools_leave(p);
  pools_gone(&ps);
}


static void test_size (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s;
  (void)state;
  pools_open(&ps, N);
  p = pools_join(&ps, 3 * SIZE);
  s = pool_get(p);
  assert_true(s->size == 3 * SIZE);
  pool_put(s);
  pools_leave(p);
  pools_gone(&ps);
}


static void test_lifo (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[N], *again[N];
  int i;
  (void)state;
  pools_open(&ps, N);
  p = pools_join(&ps, SIZE);
  pools_getall(p, s, N);
  pools_putall(s, N);
  pools_getall(p, again, N);
  for (i = 0; i < N; i++)
    assert_ptr_equal(again[i], s[N - 1 - i]);
  pools_putall(again, N);
  pools_leave(p);
  pools_gone(&ps);
}


static void test_counts (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[N];
  (void)state;
  pools_open(&ps, N);
  p = pools_join(&ps, SIZE);
  pools_getall(p, s, 3);
  assert_true(ps.made == 3 && pools_reused(&ps) == 0 && pool_cached(p) == 0);
  pools_putall(s, 3);
  assert_true(pool_cached(p) == 3 && pools_cached(&ps) == 3);
  pools_getall(p, s, 5);
  assert_true(ps.made == 5 && pools_reused(&ps) == 3 && pool_cached(p) == 0);
  pools_right(&ps, s, 5);
  pools_putall(s, 5);
  assert_true(pool_cached(p) == 5 && pools_cached(&ps) == 5);
  pools_right(&ps, NULL, 0);
  pools_leave(p);
  pools_gone(&ps);
}


static void test_reserved (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[N];
  size_t bytes;
  (void)state;
  pools_open(&ps, N);
  p = pools_join(&ps, SIZE);
  pools_getall(p, s, 4);
  bytes = ps.reserved;
  assert_true(bytes > 4 * pools_mapped(SIZE));
  assert_true(bytes < 8 * pools_mapped(SIZE));
  pools_right(&ps, s, 4);
  pools_putall(s, 2);
  pools_putall(s + 2, 2);
  assert_true(ps.reserved == bytes);
  pools_getall(p, s, 4);
  assert_true(ps.reserved == bytes);
  pools_putall(s, 4);
  pools_leave(p);
  pools_gone(&ps);
}


static void test_live (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[N];
  (void)state;
  pools_open(&ps, 3);
  p = pools_join(&ps, SIZE);
  pools_getall(p, s, N);
  assert_true(ps.live == N && p->live == N && ps.peak == N);
  pools_putall(s, N);
  assert_true(ps.live == 3 && p->live == 3 && ps.peak == N);
  pools_getall(p, s, 5);
  assert_true(ps.live == 5 && ps.peak == N);
  pools_putall(s, 5);
  pools_leave(p);
  pools_gone(&ps);
  assert_true(ps.peak == N);
}


static void test_limit (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[N];
  (void)state;
  pools_open(&ps, 3);
  p = pools_join(&ps, SIZE);
  pools_getall(p, s, N);
  pools_putall(s, N);
  assert_true(pool_cached(p) == 3);
  pools_right(&ps, NULL, 0);
  assert_ptr_equal(pool_get(p), s[2]);
  pools_right(&ps, s + 2, 1);
  pool_put(s[2]);
  pools_leave(p);
  pools_gone(&ps);
}


static void test_no_limit (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[N];
  (void)state;
  pools_open(&ps, 0);
  p = pools_join(&ps, SIZE);
  pools_getall(p, s, N);
  pools_putall(s, N);
  pools_getall(p, s, N);
  assert_true(pools_reused(&ps) == 0 && ps.made == 2 * N);
  pools_putall(s, N);
  assert_true(ps.live == 0 && ps.reserved == 0);
  pools_leave(p);
  pools_gone(&ps);
}


static void test_trim (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[N];
  (void)state;
  pools_open(&ps, N);
  p = pools_join(&ps, SIZE);
  assert_true(pools_trim(&ps) == 0);
  pools_getall(p, s, N);
  assert_true(pools_trim(&ps) == 0);
  pools_putall(s, N - 1);
  assert_true(pools_trim(&ps) == (N - 1) * pools_mapped(SIZE));
  assert_true(pools_cached(&ps) == 0 && ps.live == 1);
  pools_right(&ps, s + N - 1, 1);
  assert_true(pools_trim(&ps) == 0);
  pools_putall(s + N - 1, 1);
  assert_true(pools_trim(&ps) == pools_mapped(SIZE));
  assert_true(ps.reserved == 0);
  pools_leave(p);
  pools_gone(&ps);
}


static void test_new_limit (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[N];
  (void)state;
  pools_open(&ps, N);
  p = pools_join(&ps, SIZE);
  pools_getall(p, s, N);
  pools_putall(s, N);
  pools_limit(&ps, 4);
  assert_true(pool_cached(p) == 4 && p->limit == 4 && ps.limit == 4);
  pools_right(&ps, NULL, 0);
  pools_limit(&ps, N);
  assert_true(pool_cached(p) == 4 && p->limit == N);
  pools_getall(p, s, N);
  assert_true(pools_reused(&ps) == 4);
  pools_putall(s, N);
  assert_true(pool_cached(p) == N);
  pools_leave(p);
  pools_gone(&ps);
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
  pools_open(&ps, N);
  p = pools_join(&ps, SIZE);
  other = pools_join(&ps, 2 * SIZE);
  assert_ptr_not_equal(p, other);
  assert_ptr_equal(pools_join(&ps, SIZE), p);
  assert_ptr_equal(pools_join(&ps, 2 * SIZE), other);
  pools_leave(p);
  pools_leave(other);
  assert_ptr_equal(pools_join(&ps, SIZE), p);
  pools_leave(p);
  pools_leave(other);
  pools_leave(p);
  pools_gone(&ps);
}


static void test_sums (void **state) {
  struct pools ps;
  struct pool *p, *other;
  struct stack *s[2 * N];
  (void)state;
  pools_open(&ps, 4);
  p = pools_join(&ps, SIZE);
  other = pools_join(&ps, 2 * SIZE);
  pools_getall(p, s, N);
  pools_getall(other, s + N, 3);
  pools_right(&ps, s, N + 3);
  assert_true(ps.live == N + 3 && ps.made == N + 3 && ps.peak == N + 3);
  pools_putall(s, N + 3);
  assert_true(pool_cached(p) == 4 && pool_cached(other) == 3);
  assert_true(pools_cached(&ps) == 7 && ps.live == 7);
  pools_getall(other, s, 2);
  pools_getall(p, s + 2, 1);
  assert_true(pools_reused(&ps) == 3 && other->reused == 2);
  pools_right(&ps, s, 3);
  pools_putall(s, 3);
  assert_true(pools_trim(&ps)
              == 4 * pools_mapped(SIZE) + 3 * pools_mapped(2 * SIZE));
  assert_true(ps.reserved == 0);
  pools_leave(p);
  pools_leave(other);
  pools_gone(&ps);
  assert_true(pools_reused(&ps) == 3);
}


/* In use are those of all pools; the stacks cached elsewhere are not. */
static void test_peak (void **state) {
  struct pools ps;
  struct pool *p, *other;
  struct stack *s[N];
  (void)state;
  pools_open(&ps, N);
  p = pools_join(&ps, SIZE);
  other = pools_join(&ps, 2 * SIZE);
  pools_getall(p, s, 3);
  pools_putall(s, 3);
  pools_getall(other, s, 4);
  assert_true(ps.peak == 4 && ps.live == 7);
  pools_getall(other, s + 4, 1);
  assert_true(ps.peak == 5);
  pools_putall(s, 5);
  pools_leave(p);
  pools_leave(other);
  pools_gone(&ps);
}


static void test_leave (void **state) {
  struct pools ps;
  struct pool *p, *other;
  struct stack *s[N];
  int i;
  (void)state;
  pools_open(&ps, N);
  other = pools_join(&ps, 2 * SIZE);
  p = pools_join(&ps, SIZE);
  pools_getall(p, s, N);
  pools_putall(s, 5);
  pools_getall(p, s, 2);
  pools_leave(p);
  assert_true(pool_cached(p) == 0 && p->limit == 0 && ps.live == N - 3);
  for (i = 0; i < 2; i++)
    pool_put(s[i]);
  for (i = 5; i < N; i++) {
    pools_right(&ps, s + i, (size_t)(N - i));
    assert_ptr_equal(ps.first, p);
    pool_put(s[i]);
  }
  assert_ptr_equal(ps.first, other);
  assert_true(ps.live == 0 && ps.reserved == 0);
  assert_true(pools_reused(&ps) == 2);
  pools_leave(other);
  pools_gone(&ps);
}


/* The list is gone through to the end. */
static void test_leave_first (void **state) {
  struct pools ps;
  struct pool *p[3];
  int i;
  (void)state;
  pools_open(&ps, N);
  for (i = 0; i < 3; i++)
    p[i] = pools_join(&ps, (size_t)(i + 1) * SIZE);
  pools_leave(p[1]);
  assert_ptr_equal(ps.first, p[2]);
  assert_ptr_equal(p[2]->next, p[0]);
  pools_leave(p[0]);
  assert_null(p[2]->next);
  pools_leave(p[2]);
  pools_gone(&ps);
}


static void test_join_again (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[N];
  (void)state;
  pools_open(&ps, N);
  p = pools_join(&ps, SIZE);
  pools_getall(p, s, 4);
  pools_leave(p);
  assert_ptr_equal(pools_join(&ps, SIZE), p);
  pools_putall(s, 4);
  assert_true(pool_cached(p) == 4);
  pools_right(&ps, NULL, 0);
  pools_leave(p);
  pools_gone(&ps);
}


static void test_limit_of_left (void **state) {
  struct pools ps;
  struct pool *p;
  struct stack *s[N];
  (void)state;
  pools_open(&ps, N);
  p = pools_join(&ps, SIZE);
  pools_getall(p, s, 2);
  pools_leave(p);
  pools_limit(&ps, 2 * N);
  pool_put(s[0]);
  assert_true(ps.live == 1 && pools_cached(&ps) == 0);
  pool_put(s[1]);
  pools_gone(&ps);
}


/* In a child: no memory for a pool. The compiler may not leave out what takes
   all of it. */
static int nomemory (void *data) {
  struct pools ps;
  struct pool *p;
  void *volatile block;
  (void)data;
  pools_open(&ps, N);
  p = pools_join(&ps, SIZE);
  memory_limit(0);
  do
    block = malloc(sizeof(struct pool));
  while (block != NULL);
  if (pools_join(&ps, 2 * SIZE) != NULL || ps.first != p || p->next != NULL)
    return 1;
  return pools_join(&ps, SIZE) == p && p->users == 2 ? 0 : 2;
}


static void test_join_without_memory (void **state) {
  (void)state;
  if (!MEMORY_FAILS || !memory_tells())
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
  g->pool = pools_join(&g->ps, SIZE << below(g, 3));
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
    pools_getall(g->pool, &g->held[g->n++], 1);
  else if (g->n > 0)
    putany(g);
}


static void test_random (void **state) {
  struct play g;
  int i;
  (void)state;
  pools_open(&g.ps, N);
  g.pool = pools_join(&g.ps, SIZE);
  g.n = 0;
  g.random = 5;
  for (i = 0; i < 5000; i++) {
    step(&g);
    pools_right(&g.ps, g.held, g.n);
  }
  while (g.n > 0)
    putany(&g);
  pools_leave(g.pool);
  pools_gone(&g.ps);
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
  };
  return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
