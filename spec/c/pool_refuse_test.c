/*
** pool_refuse_test.c
** Pools in a system where one call fails at its n-th use, or from then on,
** for every n that is reached
*/

#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE  /* syscall */
#endif

#include "pools.h"

#include "refuse.h"

#define MANY 300

struct run {
  struct pools ps;
  struct pool *pools[2];  /* of stacks of one size and twice as much */
  struct stack *held[MANY];
  size_t n;  /* of them */
  int why;  /* the errno that is expected */
  int refused;  /* stacks that were not to be had */
};


/* One more stack, or none. Then none is counted, and none is cached. */
static void getone (struct run *r, struct pool *p) {
  size_t made = r->ps.made;
  struct stack *s;
  errno = 0;
  s = pool_get(p);
  if (s != NULL) {
    memset(stack_top(s) - STACK_KEEP, 1, 64);  /* deep */
    r->held[r->n++] = s;
  }
  else {
    assert_int_equal(errno, r->why);
    assert_true(r->ps.live == r->n && r->ps.made == made);
    r->refused++;
  }
}


static void getmany (struct run *r, int n) {
  int i;
  for (i = 0; i < n; i++)
    getone(r, r->pools[i % 3 == 0]);
  pools_right(&r->ps, r->held, r->n);
}


/* Puts stacks from here and there until n are left. */
static void putmany (struct run *r, size_t n) {
  while (r->n > n) {
    size_t i = (r->n * r->n / 3 + 5) % r->n;
    struct stack *s = r->held[i];
    r->held[i] = r->held[--r->n];
    pool_put(s);
  }
  pools_right(&r->ps, r->held, r->n);
}


/* All that pools do. What a refused munmap left goes at the last trim. */
static void scenario (struct run *r) {
  getmany(r, MANY);
  putmany(r, MANY / 3);
  getmany(r, MANY / 6);
  pools_trim(&r->ps);
  pools_right(&r->ps, r->held, r->n);
  putmany(r, MANY / 6);
  pools_limit(&r->ps, 10);
  pools_right(&r->ps, r->held, r->n);
  pools_leave(r->pools[0]);
  putmany(r, 0);
  pools_trim(&r->ps);
  pools_leave(r->pools[1]);
  pools_right(&r->ps, NULL, 0);
}


static void openrun (struct run *r, enum pages_guard way, int why) {
  int i;
  pools_open(&r->ps, MANY / 3);
  r->ps.guard = way;
  for (i = 0; i < 2; i++)
    r->pools[i] = pools_join(&r->ps, SIZE << i);
  r->n = 0;
  r->why = why;
  r->refused = 0;
}


/* With memory for all again. */
static void closerun (struct run *r) {
  refuse_nothing();
  pools_trim(&r->ps);
  pools_gone(&r->ps);
}


typedef void (*refuse_how) (struct refuse *call, unsigned nth, int why);

/* Returns how many stacks were refused, or -1 if the call has no n-th use:
   then none was. */
static int run (enum pages_guard way, struct refuse *call, refuse_how how,
                unsigned nth, int why) {
  struct run r;
  int reached;
  openrun(&r, way, why);
  refuse_nothing();
  how(call, nth, why);
  scenario(&r);
  reached = call->uses >= nth;
  closerun(&r);
  assert_true(reached || r.refused == 0);
  return reached ? r.refused : -1;
}


/* The first uses one by one, later ones at growing distances. */
static unsigned next (unsigned nth) {
  return nth + 1 + nth / 6;
}


/* 'most' stacks may be refused. Returns the first n not reached. */
static unsigned runall (enum pages_guard way, struct refuse *call,
                        refuse_how how, int why, int most) {
  unsigned nth = 1;
  int refused;
  while ((refused = run(way, call, how, nth, why)) >= 0) {
    assert_true(refused <= most);
    nth = next(nth);
  }
  return nth;
}


static void test_none (void **state) {
  (void)state;
  assert_int_equal(run(GUARD_ADVICE, &refuse_mmap, refuse_only, 999, 1), -1);
  assert_int_equal(run(GUARD_MPROTECT, &refuse_mmap, refuse_only, 999, 1), -1);
}


/* A smaller slab does, or a second attempt, for which all cached stacks go. */
static void test_mmap (void **state) {
  struct refuse *call = &refuse_mmap;
  (void)state;
  assert_true(runall(GUARD_ADVICE, call, refuse_only, ENOMEM, 0) > 10);
  assert_true(runall(GUARD_ADVICE, call, refuse_from, ENOMEM, 2 * MANY) > 10);
}


static void test_munmap (void **state) {
  struct refuse *call = &refuse_munmap;
  (void)state;
  assert_true(runall(GUARD_ADVICE, call, refuse_only, ENOMEM, 0) > 10);
  assert_true(runall(GUARD_ADVICE, call, refuse_from, ENOMEM, 0) > 10);
}


static void test_mprotect (void **state) {
  struct refuse *call = &refuse_mprotect;
  (void)state;
  assert_true(runall(GUARD_MPROTECT, call, refuse_only, ENOMEM, 0) > MANY);
  assert_true(runall(GUARD_MPROTECT, call, refuse_from, ENOMEM, 2 * MANY)
              > MANY);
}


/* Guards fall back, all else that is advised can be done without. */
static void test_madvise (void **state) {
  struct refuse *call = &refuse_madvise;
  (void)state;
  assert_true(runall(GUARD_ADVICE, call, refuse_only, EINVAL, 0) > MANY);
  assert_true(runall(GUARD_ADVICE, call, refuse_from, EINVAL, 0) > MANY);
  assert_true(runall(GUARD_MPROTECT, call, refuse_from, EINVAL, 0) > MANY);
}


/* Guards are refused, and slabs cannot go. */
static void test_both (void **state) {
  unsigned nth;
  (void)state;
  for (nth = 1; nth < MANY; nth = next(nth)) {
    struct run r;
    openrun(&r, GUARD_ADVICE, ENOMEM);
    refuse_nothing();
    refuse_from(&refuse_madvise, nth, EINVAL);
    refuse_from(&refuse_mprotect, nth / 2 + 1, ENOMEM);
    refuse_from(&refuse_munmap, nth / 16 + 1, ENOMEM);
    scenario(&r);
    closerun(&r);
  }
}


static int acceptall (void **state) {
  (void)state;
  refuse_nothing();
  return 0;
}


int main (void) {
  const struct CMUnitTest tests[] = {
    {"no call fails, no stack is refused", test_none, NULL, NULL, NULL},
    {"mmap fails at its n-th use: no stack is refused",
     test_mmap, NULL, acceptall, NULL},
    {"munmap fails at its n-th use: no stack is refused",
     test_munmap, NULL, acceptall, NULL},
    {"mprotect fails at its n-th use: no stack is refused",
     test_mprotect, NULL, acceptall, NULL},
    {"madvise fails at its n-th use: no stack is refused",
     test_madvise, NULL, acceptall, NULL},
    {"madvise, mprotect and munmap fail from a use on",
     test_both, NULL, acceptall, NULL},
  };
  return cmocka_run_group_tests_name("pool refused", tests, NULL, NULL);
}
