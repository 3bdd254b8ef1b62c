/*
** pool_slab_test.c
** Pools and their memory: how slabs grow and go, a system that refuses, deep
** pages
*/

#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE  /* syscall */
#endif

#include "pools.h"

#include "child.h"
#include "memory.h"
#include "refuse.h"

#define N 10
#define DEEP (2 * SIZE)  /* more than is kept, with pages of 64 KB too */
#define LOOK ((int)(TRIM_INTERVAL / DEEP))  /* puts after which a pool looks */
#define MANY (3 * LOOK)

static struct stack *s[MANY];


/* A new pool of one size. */
static struct pool *openone (struct pools *ps, size_t size, size_t limit) {
  pools_open(ps, limit);
  return pools_join(ps, size);
}


/*
** {======================================================
** Slabs
** =======================================================
*/

/* A new slab has at most as many slots as there are stacks, 1 at first. */
static void test_growth (void **state) {
  struct pools ps;
  struct pool *p = openone(&ps, SIZE, 0);
  int i, slabs = 0, most = 0, bound = (int)(SLAB_BYTES_MAX / pools_mapped(SIZE));
  (void)state;
  if (bound > SLAB_SLOTS_MAX)
    bound = SLAB_SLOTS_MAX;
  for (i = 0; i < MANY; i++) {
    size_t before = ps.reserved;
    pools_getall(p, s + i, 1);
    if (ps.reserved != before) {
      slabs++;
      assert_true(s[i]->slab->slots <= (i > 1 ? i : 1));
      assert_true(s[i]->slab->slots >= most);
      most = s[i]->slab->slots;
    }
  }
  assert_int_equal(most, bound);
  assert_true(slabs <= 9 + MANY / bound);
  pools_right(&ps, s, MANY);
  pools_putall(s, MANY);
  pools_leave(p);
  pools_gone(&ps);
}


static void checkbytes (size_t size, int n) {
  struct pools ps;
  struct pool *p = openone(&ps, size, 0);
  size_t slot = pools_mapped(size);
  int i;
  pools_getall(p, s, n);
  for (i = 0; i < n; i++) {
    int slots = s[i]->slab->slots;
    assert_true(slots == 1 || (size_t)slots * slot <= SLAB_BYTES_MAX);
  }
  if (slot <= SLAB_BYTES_MAX)
    assert_true(s[n - 1]->slab->slots == (int)(SLAB_BYTES_MAX / slot));
  pools_right(&ps, s, (size_t)n);
  pools_putall(s, n);
  pools_leave(p);
  pools_gone(&ps);
}


static void test_bytes (void **state) {
  (void)state;
  checkbytes(SLAB_BYTES_MAX / 8, 20);
  checkbytes(SLAB_BYTES_MAX / 2, 4);
  checkbytes(SLAB_BYTES_MAX - pages_round(GUARD_SIZE), 2);
  checkbytes(SLAB_BYTES_MAX, 2);
}


static size_t shiftof (const struct stack *t) {
  return (size_t)(t->base + t->bytes - (const char *)(t + 1));
}


static void test_shifts (void **state) {
  static struct stack *all[STACKS_SHIFTED + 2];
  struct pools ps;
  struct pool *p = openone(&ps, SIZE, 1);
  int i;
  (void)state;
  pools_getall(p, all, STACKS_SHIFTED + 2);
  for (i = 0; i < STACKS_SHIFTED; i++)
    assert_true(shiftof(all[i]) == (size_t)(i % STACK_SHIFTS * STACK_SHIFT));
  for (; i < STACKS_SHIFTED + 2; i++)
    assert_true(shiftof(all[i]) == 0);
  pools_putall(all, STACKS_SHIFTED + 2);
  pools_leave(p);
  pools_gone(&ps);
}


/* The slabs of the first two stacks have one slot each and go with it. */
static void test_slots_reused (void **state) {
  struct pools ps;
  struct pool *p = openone(&ps, SIZE, 0);
  int i;
  (void)state;
  pools_getall(p, s, 70);
  refuse_nothing();
  for (i = 2; i < 70; i++) {
    const char *base = s[i]->base;
    pool_put(s[i]);
    s[i] = pool_get(p);
    assert_ptr_equal(s[i]->base, base);
    pools_right(&ps, s, 70);
  }
  assert_int_equal(refuse_mmap.uses + refuse_munmap.uses, 0);
  pools_putall(s, 70);
  pools_leave(p);
  pools_gone(&ps);
}


static void test_one_kept (void **state) {
  struct pools ps;
  struct pool *p = openone(&ps, SIZE, 1);
  int i;
  (void)state;
  pools_getall(p, s, 65);
  pools_putall(s, 65);
  assert_int_equal(p->empty, 1);
  pools_right(&ps, NULL, 0);
  refuse_nothing();
  for (i = 0; i < 10; i++) {
    pools_getall(p, s, 2);
    pools_putall(s, 2);
  }
  assert_int_equal(refuse_mmap.uses + refuse_munmap.uses, 0);
  pools_leave(p);
  pools_gone(&ps);
}


static void test_none_kept (void **state) {
  struct pools ps;
  struct pool *p = openone(&ps, SIZE, 0);
  int i;
  (void)state;
  pools_getall(p, s, 65);
  for (i = 65; i-- > 0; ) {
    pool_put(s[i]);
    assert_int_equal(p->empty, 0);
    pools_right(&ps, s, (size_t)i);
  }
  assert_true(ps.reserved == 0);
  pools_leave(p);
  pools_gone(&ps);
}


static void test_none_after_trim (void **state) {
  struct pools ps;
  struct pool *p = openone(&ps, SIZE, 1);
  (void)state;
  pools_getall(p, s, 65);
  pools_putall(s, 65);
  assert_int_equal(p->empty, 1);
  pools_trim(&ps);
  assert_true(ps.reserved == 0);
  assert_null(p->open);
  pools_getall(p, s, 9);
  pools_putall(s, 8);
  pools_trim(&ps);
  assert_int_equal(p->empty, 0);
  pools_right(&ps, s + 8, 1);
  pool_put(s[8]);
  pools_leave(p);
  pools_gone(&ps);
}


static void test_given_back (void **state) {
  unsigned long before = memory_reserved();
  struct pools ps;
  struct pool *p;
  (void)state;
  if (!memory_tells())
    skip();
  p = openone(&ps, SIZE, MANY);
  pools_getall(p, s, MANY);
  assert_true((memory_reserved() - before) * pages_size() == ps.reserved);
  pools_putall(s, MANY);
  pools_trim(&ps);
  assert_true(memory_reserved() == before);
  pools_getall(p, s, MANY);
  pools_leave(p);
  pools_putall(s, MANY);
  assert_true(memory_reserved() == before);
  pools_gone(&ps);
}

/* }====================================================== */


/*
** {======================================================
** A system that refuses
** =======================================================
*/

/* In a child: there are 64 stacks and address space for 24 more: slabs of
   16, 5, 2 and 1. */
static int scarce (void *data) {
  struct pools ps;
  struct pool *p = openone(&ps, SIZE, MANY);
  int n = 64, first, why;
  (void)data;
  pools_getall(p, s, n);
  memory_limit(24 * pools_mapped(SIZE) + 6 * pages_size());
  for (errno = 0; n < MANY && (s[n] = pool_get(p)) != NULL; n++)
    continue;
  why = errno;
  first = n;
  if (n != 64 + 24 || why != ENOMEM || strcmp(ps.failed, "stack of") != 0
      || consistent_not(&ps, s, (size_t)n) != NULL)
    return 1;
  if (pool_get(p) != NULL || ps.live != (size_t)n)
    return 2;
  while (n > 64)
    pool_put(s[--n]);
  if (pools_cached(&ps) != 0)
    return 3;
  while (n < first && (s[n] = pool_get(p)) != NULL)
    n++;
  if (n != first)
    return 3;
  memory_unlimit();
  pools_getall(p, s + n, 64);
  pools_putall(s, n + 64);
  pools_leave(p);
  return ps.first == NULL && ps.reserved == 0 ? 0 : 4;
}


static void test_scarce (void **state) {
  (void)state;
  if (!memory_tells())
    skip();
  assert_int_equal(child_run(scarce, NULL), 0);
}


static void test_way (void **state) {
  struct pools ps;
  struct pool *p = openone(&ps, SIZE, N), *other;
  (void)state;
  refuse_from(&refuse_madvise, 1, EINVAL);
  pools_getall(p, s, 1);
  assert_int_equal(ps.guard, GUARD_MPROTECT);
  refuse_nothing();
  other = pools_join(&ps, 2 * SIZE);
  pools_getall(p, s + 1, 4);
  pools_getall(other, s + 5, 4);
  assert_int_equal(ps.guard, GUARD_MPROTECT);
  assert_int_equal(refuse_mprotect.uses, 8);
  assert_true(child_isfault(child_run(child_touch, stack_low(s[2]) - 1)));
  assert_true(child_isfault(child_run(child_touch, stack_low(s[6]) - 1)));
  pools_putall(s, 9);
  pools_leave(p);
  pools_leave(other);
  pools_gone(&ps);
}


/* Of the memory of a pool that has n stacks; one is not to be had. */
static void checkguardrefused (int n) {
  struct pools ps;
  struct pool *p = openone(&ps, SIZE, N);
  struct stack *none;
  int why;
  pools_getall(p, s, n);
  refuse_from(&refuse_madvise, 1, EINVAL);
  refuse_from(&refuse_mprotect, 1, ENOMEM);
  errno = 0;
  none = pool_get(p);
  why = errno;
  refuse_nothing();
  assert_null(none);
  assert_int_equal(why, ENOMEM);
  assert_string_equal(ps.failed, "guard of a stack of");
  assert_int_equal(p->empty, 0);
  assert_true(ps.live == (size_t)n && ps.made == (size_t)n);
  pools_right(&ps, s, (size_t)n);
  pools_getall(p, s + n, 1);
  pools_putall(s, n + 1);
  pools_leave(p);
  pools_gone(&ps);
}


static void test_guard_refused (void **state) {
  int n;
  (void)state;
  for (n = 0; n < 10; n++)
    checkguardrefused(n);
}


/* The reason is that of the guard. */
static void test_all_refused (void **state) {
  struct pools ps;
  struct pool *p = openone(&ps, SIZE, N);
  struct stack *none;
  int why;
  (void)state;
  refuse_from(&refuse_madvise, 1, EPERM);
  refuse_from(&refuse_mprotect, 1, EACCES);
  refuse_from(&refuse_munmap, 1, ENOMEM);
  none = pool_get(p);
  why = errno;
  refuse_nothing();
  assert_null(none);
  assert_int_equal(why, refuse_said(EACCES));
  assert_int_equal(p->empty, 1);
  pools_right(&ps, NULL, 0);
  pools_getall(p, s, 1);
  assert_int_equal(refuse_mmap.uses, 0);
  pools_putall(s, 1);
  pools_leave(p);
  pools_gone(&ps);
}


static void test_release_refused (void **state) {
  struct pools ps;
  struct pool *p = openone(&ps, SIZE, 0);
  size_t bytes;
  (void)state;
  pools_getall(p, s, N);
  bytes = ps.reserved;
  refuse_from(&refuse_munmap, 1, ENOMEM);
  pools_putall(s, N);
  assert_true(ps.reserved == bytes && ps.live == 0);
  pools_right(&ps, NULL, 0);
  assert_true(pools_trim(&ps) == 0);
  pools_right(&ps, NULL, 0);
  refuse_nothing();
  pools_getall(p, s, N);
  assert_int_equal(refuse_mmap.uses, 0);
  pools_right(&ps, s, N);
  refuse_from(&refuse_munmap, 1, ENOMEM);
  pools_putall(s, N);
  refuse_nothing();
  pools_trim(&ps);
  assert_true(ps.reserved == 0);
  pools_leave(p);
  pools_gone(&ps);
}


/* Ten stacks in five slabs of 1, 1, 2, 4 and 8 slots; one is in use. */
static void checkrefusedonce (unsigned nth, int inuse) {
  struct pools ps;
  struct pool *p = openone(&ps, SIZE, 0);
  int i;
  pools_getall(p, s, 10);
  refuse_from(&refuse_munmap, 1, ENOMEM);
  for (i = 0; i < 10; i++) {
    if (i != inuse)
      pool_put(s[i]);
  }
  assert_int_equal(p->empty, 4);
  refuse_only(&refuse_munmap, nth, ENOMEM);
  pools_trim(&ps);
  assert_int_equal(refuse_munmap.uses, 4);
  assert_int_equal(p->empty, 1);
  pools_right(&ps, s + inuse, 1);
  refuse_nothing();
  pool_put(s[inuse]);
  pools_leave(p);
  pools_gone(&ps);
}


static void test_release_refused_once (void **state) {
  unsigned nth;
  int inuse;
  (void)state;
  for (nth = 1; nth <= 4; nth++) {
    for (inuse = 0; inuse < 10; inuse++)
      checkrefusedonce(nth, inuse);
  }
}


static void test_leave_refused (void **state) {
  struct pools ps;
  struct pool *p = openone(&ps, SIZE, N);
  struct pool *other = pools_join(&ps, 2 * SIZE);
  (void)state;
  pools_getall(p, s, N);
  pools_getall(other, s + N, 3);
  pools_putall(s, N + 3);
  refuse_from(&refuse_munmap, 1, ENOMEM);
  pools_leave(p);
  refuse_nothing();
  assert_true(p->live == 0 && p->empty > 0);
  pools_right(&ps, NULL, 0);
  assert_true(pools_trim(&ps) == 3 * pools_mapped(2 * SIZE));
  assert_true(ps.reserved == 0);
  assert_ptr_equal(ps.first, other);
  assert_null(other->next);
  pools_leave(other);
  pools_gone(&ps);
}


/* The same at the put of its last stack. */
static void test_last_put_refused (void **state) {
  struct pools ps;
  struct pool *p = openone(&ps, SIZE, N);
  (void)state;
  pools_getall(p, s, 3);
  pools_leave(p);
  refuse_from(&refuse_munmap, 1, ENOMEM);
  pools_putall(s, 3);
  refuse_nothing();
  pools_right(&ps, NULL, 0);
  assert_ptr_equal(pools_join(&ps, SIZE), p);
  pools_getall(p, s, 3);
  assert_int_equal(refuse_mmap.uses, 0);
  pools_putall(s, 3);
  pools_leave(p);
  pools_gone(&ps);
}

/* }====================================================== */


/*
** {======================================================
** Deep pages
** =======================================================
*/

/* Writes below the part that a stack keeps. */
static void deepen (struct stack *used) {
  char *end = used->base + used->bytes;
  memset(end - pages_round(STACK_KEEP) - 64, 1, 64);
}


/* Twice the puts after which a pool looks: each time at those that came since,
   whatever was done to others, and once more at the one that was warm. An
   advice is a stack cleaned. */
static void test_clean (void **state) {
  struct pools ps;
  struct pool *p = openone(&ps, DEEP, 3 * LOOK);
  int i, n, put = 0;
  (void)state;
  pools_getall(p, s, 3 * LOOK);
  for (n = LOOK; n <= 2 * LOOK; n += LOOK) {
    for (i = 0; i < n; i++)
      deepen(s[i]);
    refuse_nothing();
    pools_putall(s + put, n - 1 - put);
    assert_int_equal(refuse_madvise.uses, 0);
    pool_put(s[n - 1]);
    put = n;
    assert_int_equal(refuse_madvise.uses, n > LOOK ? LOOK + 1 : LOOK);
    pools_right(&ps, s + n, (size_t)(3 * LOOK - n));
  }
  pools_putall(s + put, 3 * LOOK - put);
  pools_leave(p);
  pools_gone(&ps);
}


/* Of large stacks none waits for others that may never come. */
static void test_clean_large (void **state) {
  struct pools ps;
  struct pool *p = openone(&ps, TRIM_INTERVAL / 4, N);
  int i;
  (void)state;
  pools_getall(p, s, 8);
  for (i = 0; i < 8; i++)
    deepen(s[i]);
  refuse_nothing();
  pools_putall(s, 3);
  assert_int_equal(refuse_madvise.uses, 0);
  pools_putall(s + 3, 1);
  assert_int_equal(refuse_madvise.uses, 4);
  pools_putall(s + 4, 4);
  assert_int_equal(refuse_madvise.uses, 8);
  pools_leave(p);
  pools_gone(&ps);
}


static void test_clean_reused (void **state) {
  struct pools ps;
  struct pool *p = openone(&ps, DEEP, N);
  int i;
  (void)state;
  pools_getall(p, s, 3);
  pools_putall(s, 3);
  pool_clean(p);
  for (i = 0; i < 3; i++)
    deepen(s[i]);
  pools_getall(p, s, 1);
  pools_putall(s, 1);
  refuse_nothing();
  pool_clean(p);
  assert_int_equal(refuse_madvise.uses, 1);
  pool_clean(p);
  assert_int_equal(refuse_madvise.uses, 1);
  pools_leave(p);
  pools_gone(&ps);
}

/* }====================================================== */


static int acceptall (void **state) {
  (void)state;
  refuse_nothing();
  return 0;
}


int main (void) {
  const struct CMUnitTest tests[] = {
    {"slabs grow with the number of stacks, up to SLAB_SLOTS_MAX",
     test_growth, NULL, NULL, NULL},
    {"a slab takes SLAB_BYTES_MAX at most, or has one slot",
     test_bytes, NULL, NULL, NULL},
    {"the first STACKS_SHIFTED stacks begin at STACK_SHIFTS places of a page",
     test_shifts, NULL, NULL, NULL},
    {"slots that came back are used before a new slab is made",
     test_slots_reused, NULL, NULL, NULL},
    {"one empty slab is kept", test_one_kept, NULL, NULL, NULL},
    {"with limit 0 no empty slab is kept", test_none_kept, NULL, NULL, NULL},
    {"after a trim there is no empty slab",
     test_none_after_trim, NULL, NULL, NULL},
    {"reserved is what the system says, and nothing in the end",
     test_given_back, NULL, NULL, NULL},
    {"where address space is short slabs are smaller, then there is none",
     test_scarce, NULL, NULL, NULL},
    {"the way of the guards falls back for all pools and stays",
     test_way, NULL, acceptall, NULL},
    {"without a guard there is no stack and no slab",
     test_guard_refused, NULL, acceptall, NULL},
    {"errno is that of the guard when the slab cannot be given back either",
     test_all_refused, NULL, acceptall, NULL},
    {"slabs that the system does not take are used, or given back later",
     test_release_refused, NULL, acceptall, NULL},
    {"one slab that the system does not take holds back no other",
     test_release_refused_once, NULL, acceptall, NULL},
    {"a pool that was left goes when the system takes its slabs",
     test_leave_refused, NULL, acceptall, NULL},
    {"a pool whose last slab the system does not take can be joined again",
     test_last_put_refused, NULL, acceptall, NULL},
    {"deep pages of the stacks that came go back every TRIM_INTERVAL bytes",
     test_clean, NULL, NULL, NULL},
    {"a stack is looked at again only when it was used again",
     test_clean_reused, NULL, NULL, NULL},
    {"deep pages of large stacks go back with those of few others",
     test_clean_large, NULL, NULL, NULL},
  };
  return cmocka_run_group_tests_name("pool and slabs", tests, NULL, NULL);
}
