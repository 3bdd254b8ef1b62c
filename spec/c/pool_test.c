/*
** pool_test.c
** Reuse of stacks
*/

#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE  /* MAP_ANONYMOUS */
#endif

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "pages.h"
#include "pool.h"

#include "child.h"
#include "memory.h"

#define SIZE ((size_t)64 << 10)
#define N 10


static size_t mapped (size_t size) {
  struct stack *s = stack_new(size);
  size_t bytes = s->bytes;
  stack_free(s);
  return bytes;
}


static void get (struct pool *p, struct stack **s, int n) {
  int i;
  for (i = 0; i < n; i++) {
    s[i] = pool_get(p);
    assert_non_null(s[i]);
  }
}


static void put (struct pool *p, struct stack **s, int n) {
  int i;
  for (i = 0; i < n; i++)
    pool_put(p, s[i]);
}


static size_t listlength (const struct pool *p) {
  const struct stack *s;
  size_t n = 0;
  for (s = p->free; s != NULL; s = s->next)
    n++;
  return n;
}


/* Gives everything back; nothing must stay reserved. */
static void checkempty (struct pool *p) {
  pool_trim(p, 0);
  assert_true(p->cached == 0);
  assert_true(p->reserved == 0);
  assert_null(p->free);
}


static void test_new (void **state) {
  struct pool p;
  (void)state;
  pool_init(&p, SIZE, N);
  assert_true(p.size == SIZE);
  assert_true(p.limit == N);
  assert_true(p.made == 0 && p.reused == 0);
  checkempty(&p);
}


static void test_size (void **state) {
  struct pool p;
  struct stack *s;
  (void)state;
  pool_init(&p, 3 * SIZE, N);
  s = pool_get(&p);
  assert_true(s->size == 3 * SIZE);
  pool_put(&p, s);
  checkempty(&p);
}


static void test_lifo (void **state) {
  struct pool p;
  struct stack *s[N], *again[N];
  int i;
  (void)state;
  pool_init(&p, SIZE, N);
  get(&p, s, N);
  put(&p, s, N);
  get(&p, again, N);
  for (i = 0; i < N; i++)
    assert_ptr_equal(again[i], s[N - 1 - i]);
  put(&p, again, N);
  checkempty(&p);
}


static void test_counts (void **state) {
  struct pool p;
  struct stack *s[N];
  (void)state;
  pool_init(&p, SIZE, N);
  get(&p, s, 3);
  assert_true(p.made == 3 && p.reused == 0 && p.cached == 0);
  put(&p, s, 3);
  assert_true(p.cached == 3 && listlength(&p) == 3);
  get(&p, s, 5);
  assert_true(p.made == 5 && p.reused == 3 && p.cached == 0);
  put(&p, s, 5);
  assert_true(p.cached == 5 && listlength(&p) == 5);
  checkempty(&p);
}


static void test_reserved (void **state) {
  struct pool p;
  struct stack *s[N];
  size_t bytes = mapped(SIZE);
  (void)state;
  pool_init(&p, SIZE, N);
  get(&p, s, 4);
  assert_true(p.reserved == 4 * bytes);
  put(&p, s, 2);
  assert_true(p.reserved == 4 * bytes);
  put(&p, s + 2, 2);
  assert_true(p.reserved == 4 * bytes);
  checkempty(&p);
}


static void test_live (void **state) {
  struct pool p;
  struct stack *s[N];
  (void)state;
  pool_init(&p, SIZE, 3);
  assert_true(p.live == 0 && p.peak == 0);
  get(&p, s, N);
  assert_true(p.live == N && p.peak == N);
  put(&p, s, N);
  assert_true(p.live == 3 && p.peak == N);
  get(&p, s, 5);
  assert_true(p.live == 5 && p.peak == N);
  put(&p, s, 5);
  checkempty(&p);
  assert_true(p.live == 0 && p.peak == N);
}


static void test_limit (void **state) {
  struct pool p;
  struct stack *s[N];
  (void)state;
  pool_init(&p, SIZE, 3);
  get(&p, s, N);
  put(&p, s, N);
  assert_true(p.cached == 3 && listlength(&p) == 3);
  assert_true(p.reserved == 3 * mapped(SIZE));
  assert_ptr_equal(pool_get(&p), s[2]);
  pool_put(&p, s[2]);
  checkempty(&p);
}


static void test_no_limit (void **state) {
  struct pool p;
  struct stack *s[N];
  (void)state;
  pool_init(&p, SIZE, 0);
  get(&p, s, N);
  put(&p, s, N);
  assert_true(p.reused == 0);
  checkempty(&p);
}


static void test_trim (void **state) {
  struct pool p;
  struct stack *s[N];
  size_t bytes = mapped(SIZE);
  (void)state;
  pool_init(&p, SIZE, N);
  get(&p, s, N);
  put(&p, s, N - 1);
  assert_true(pool_trim(&p, N) == 0);
  assert_true(pool_trim(&p, 4) == 5 * bytes);
  assert_true(p.cached == 4 && listlength(&p) == 4);
  assert_true(p.reserved == 5 * bytes);
  assert_true(pool_trim(&p, 0) == 4 * bytes);
  assert_true(pool_trim(&p, 0) == 0);
  put(&p, s + N - 1, 1);
  checkempty(&p);
}


static void test_resize (void **state) {
  struct pool p;
  struct stack *s[N];
  (void)state;
  pool_init(&p, SIZE, N);
  get(&p, s, N);
  put(&p, s, 5);
  pool_resize(&p, 2 * SIZE, N);
  assert_true(p.cached == 0);
  assert_true(p.reserved == 5 * mapped(SIZE));
  put(&p, s + 5, 5);
  assert_true(p.cached == 0);
  assert_true(p.reserved == 0);
  get(&p, s, 1);
  assert_true(s[0]->size == 2 * SIZE);
  assert_true(p.reserved == mapped(2 * SIZE));
  put(&p, s, 1);
  assert_true(p.cached == 1);
  checkempty(&p);
}


static void test_resize_limit (void **state) {
  struct pool p;
  struct stack *s[N];
  (void)state;
  pool_init(&p, SIZE, N);
  get(&p, s, N);
  put(&p, s, N);
  pool_resize(&p, SIZE, 4);
  assert_true(p.cached == 4);
  pool_resize(&p, SIZE, N);
  assert_true(p.cached == 4 && p.limit == N);
  get(&p, s, N);
  assert_true(p.reused == 4);
  put(&p, s, N);
  assert_true(p.cached == N);
  checkempty(&p);
}


/* Many gets and puts, sizes and limits, in an order without system. */
static void test_random (void **state) {
  struct pool p;
  struct stack *held[64];
  uint32_t random = 5;
  size_t n = 0, bytes = 0, i;
  (void)state;
  pool_init(&p, SIZE, N);
  for (i = 0; i < 5000; i++) {
    random = random * UINT32_C(1664525) + UINT32_C(1013904223);
    if ((random >> 8) % 100 == 0)
      pool_resize(&p, SIZE << ((random >> 16) & 1), (random >> 20) % 20);
    else if (n < 64 && (random >> 28) < 8) {
      held[n++] = pool_get(&p);
      bytes += held[n - 1]->bytes;
    }
    else if (n > 0) {
      bytes -= held[--n]->bytes;
      pool_put(&p, held[n]);
    }
    assert_true(p.cached <= p.limit && p.cached == listlength(&p));
    assert_true(p.reserved == bytes + p.cached * mapped(p.size));
    assert_true(p.live == n + p.cached && p.live <= p.peak);
  }
  put(&p, held, (int)n);
  checkempty(&p);
}


/* In a child: gets until address space is short. */
static int scarce (void *data) {
  struct rlimit limit;
  struct pool p;
  struct stack *s, *last = NULL;
  (void)data;
  pool_init(&p, SIZE, N);
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = memory_reserved() * pages_size() + 8 * SIZE;
  setrlimit(RLIMIT_AS, &limit);
  while (p.made < 100 && (s = pool_get(&p)) != NULL)
    last = s;
  if (last == NULL || p.made == 100 || p.reserved != p.made * last->bytes)
    return 1;
  pool_put(&p, last);
  return pool_get(&p) == last && p.reused == 1 ? 0 : 2;
}


static void test_scarce (void **state) {
  (void)state;
  if (!memory_tells())
    skip();
  assert_int_equal(child_run(scarce, NULL), 0);
}


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
    {"with limit 0 nothing is cached", test_no_limit, NULL, NULL, NULL},
    {"trim keeps what it is told and returns the bytes",
     test_trim, NULL, NULL, NULL},
    {"a new size drops stacks of the old one", test_resize, NULL, NULL, NULL},
    {"a new limit drops what exceeds it",
     test_resize_limit, NULL, NULL, NULL},
    {"counts hold in any order of calls", test_random, NULL, NULL, NULL},
    {"after a failure cached stacks are reused",
     test_scarce, NULL, NULL, NULL},
  };
  return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
