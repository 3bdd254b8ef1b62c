/*
** map_test.c
** The map against a model: an array that is searched from end to end
*/

#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE  /* MAP_ANONYMOUS */
#endif

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "map.h"

#include "child.h"
#include "memory.h"

#define KEYS 500  /* different keys of a test */

/* Index i stands for key(i); a value is the address of an int. */
struct model {
  struct map map;
  const void *keys[KEYS];
  int present[KEYS];
  int values[KEYS];
  size_t count;
};


static const void *address (uintptr_t a) {
  return (const void *)a;
}


/* Keys are 'distance' bytes apart, from 'first'. */
static void open (struct model *m, uintptr_t first, uintptr_t distance) {
  size_t i;
  map_init(&m->map);
  m->count = 0;
  for (i = 0; i < KEYS; i++) {
    m->keys[i] = address(first + i * distance);
    m->present[i] = 0;
  }
}


static void insert (struct model *m, size_t i) {
  assert_int_equal(map_reserve(&m->map), 0);
  map_insert(&m->map, m->keys[i], &m->values[i]);
  m->present[i] = 1;
  m->count++;
}


static void removekey (struct model *m, size_t i) {
  map_remove(&m->map, m->keys[i]);
  m->present[i] = 0;
  m->count--;
}


static void check (const struct model *m) {
  size_t i, used = 0;
  for (i = 0; i < KEYS; i++) {
    const void *expected = m->present[i] ? &m->values[i] : NULL;
    const void *glance = map_glance(&m->map, m->keys[i]);
    if (map_find(&m->map, m->keys[i]) != expected
        || (glance != NULL && glance != expected))
      fail_msg("key %d is not as in the model", (int)i);
  }
  for (i = 0; i < m->map.capacity; i++)
    used += m->map.slots[i].key != NULL;
  assert_true(used == m->count);
  assert_true(m->map.count == m->count);
  assert_true(m->map.count * 2 <= m->map.capacity);
}


/* 'limit' keys at most are present at once. */
static void randomly (struct model *m, uint32_t seed, size_t limit) {
  int i;
  for (i = 0; i < 4000; i++) {
    size_t k;
    seed = seed * UINT32_C(1664525) + UINT32_C(1013904223);
    k = (seed >> 8) % KEYS;
    if (m->present[k]) {
      removekey(m, k);
      if (i % 16 == 0)
        map_shrink(&m->map);
    }
    else if (m->count < limit)
      insert(m, k);
    if (i % 8 == 0)
      check(m);
  }
  check(m);
}


static void test_empty (void **state) {
  struct model m;
  (void)state;
  open(&m, 4096, 1024);
  assert_null(map_find(&m.map, m.keys[0]));
  assert_null(map_glance(&m.map, m.keys[0]));
  map_shrink(&m.map);
  map_clear(&m.map);
  check(&m);
}


static void test_shared (void **state) {
  struct model m, other;
  (void)state;
  open(&m, 4096, 1024);
  open(&other, 4096, 1024);
  insert(&m, 0);
  check(&m);
  check(&other);
  map_clear(&m.map);
}


static void test_full (void **state) {
  struct model m;
  size_t i, capacity;
  (void)state;
  open(&m, 4096, 1024);
  insert(&m, 0);
  capacity = m.map.capacity;
  for (i = 1; i < capacity / 2; i++)
    insert(&m, i);
  assert_true(m.map.capacity == capacity);
  removekey(&m, 2);
  insert(&m, 2);
  assert_true(m.map.capacity == capacity);
  assert_int_equal(map_reserve(&m.map), 0);
  assert_int_equal(map_reserve(&m.map), 0);
  assert_true(m.map.capacity == 2 * capacity);
  check(&m);
  map_clear(&m.map);
}


static void test_growth (void **state) {
  struct model m;
  size_t i;
  (void)state;
  open(&m, 0x55550000, 1024);
  for (i = 0; i < KEYS; i++) {
    insert(&m, i);
    if ((i & (i + 1)) == 0)
      check(&m);
  }
  check(&m);
  assert_true(m.map.capacity == 1024);
  map_clear(&m.map);
}


/* A shrunk map has room: the next key does not make it grow again. */
static void test_shrink (void **state) {
  struct model m;
  size_t i, capacity;
  (void)state;
  open(&m, 0x55550000, 1024);
  for (i = 0; i < KEYS; i++)
    insert(&m, i);
  for (i = KEYS; i-- > 4; ) {
    removekey(&m, i);
    capacity = m.map.capacity;
    map_shrink(&m.map);
    check(&m);
    assert_true(m.map.count * 8 >= capacity || capacity == 64
                || m.map.capacity == capacity / 2);
    capacity = m.map.capacity;
    assert_int_equal(map_reserve(&m.map), 0);
    assert_true(m.map.capacity == capacity);
  }
  assert_true(m.map.capacity == 64);
  map_clear(&m.map);
}


static void test_shrink_not (void **state) {
  struct model m;
  size_t i;
  (void)state;
  open(&m, 0x55550000, 1024);
  for (i = 0; i < KEYS; i++)
    insert(&m, i);
  for (i = KEYS; i-- > 128; )
    removekey(&m, i);
  map_shrink(&m.map);
  assert_true(m.map.capacity == 1024);
  check(&m);
  map_clear(&m.map);
}


static void test_clear (void **state) {
  struct model m;
  size_t i;
  (void)state;
  open(&m, 0x55550000, 1024);
  for (i = 0; i < KEYS; i++)
    insert(&m, i);
  map_clear(&m.map);
  for (i = 0; i < KEYS; i++)
    m.present[i] = 0;
  m.count = 0;
  check(&m);
  assert_true(m.map.capacity == 1);
  insert(&m, 1);
  check(&m);
  map_clear(&m.map);
}


static void test_random (void **state) {
  static const uintptr_t distances[] = {16, 512, 1024, 1040, 4096, 100000};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof distances / sizeof distances[0]; i++) {
    struct model m;
    open(&m, 0x7F000010, distances[i]);
    randomly(&m, (uint32_t)i, KEYS);
    map_clear(&m.map);
  }
}


/* Few keys among many: short runs come and go at every slot. */
static void test_random_small (void **state) {
  uint32_t seed;
  (void)state;
  for (seed = 1; seed <= 5; seed++) {
    struct model m;
    open(&m, 0x10000, 512);
    randomly(&m, seed, 32);
    assert_true(m.map.capacity == 64);
    map_clear(&m.map);
  }
}


static void test_one_home (void **state) {
  struct model m;
  (void)state;
  open(&m, 0x10000, (uintptr_t)1 << 20);  /* at most 2048 slots */
  randomly(&m, 3, KEYS);
  map_clear(&m.map);
}


/* Keys at home in the last slots of 64, removed in every order of three. */
static void test_wrap (void **state) {
  static const size_t homes[6] = {62, 63, 63, 62, 0, 63};
  size_t a, b, c, i;
  (void)state;
  for (a = 0; a < 6; a++) for (b = 0; b < 6; b++) for (c = 0; c < 6; c++) {
    struct model m;
    if (a == b || b == c || a == c)
      continue;
    open(&m, 0x100000, 1 << 20);
    for (i = 0; i < 6; i++) {
      m.keys[i] = address(0x100000 + (i << 20) + homes[i] * 512);
      insert(&m, i);
    }
    assert_true(m.map.capacity == 64);
    removekey(&m, a);
    check(&m);
    removekey(&m, b);
    check(&m);
    removekey(&m, c);
    check(&m);
    map_clear(&m.map);
  }
}


static void test_neighbours_free (void **state) {
  struct model m;
  size_t i, probes = 0;
  (void)state;
  open(&m, 0x7F000000, 1024);
  for (i = 0; i < KEYS; i++)
    insert(&m, i);
  for (i = 0; i < KEYS; i++) {
    const struct map_slot *s = m.map.slots;
    size_t at = ((uintptr_t)m.keys[i] >> 9) & (m.map.capacity - 1);
    probes += s[at].key != m.keys[i];
  }
  assert_true(probes == 0);
  map_clear(&m.map);
}


/* In a child: no memory to grow, then none to shrink. */
static int scarce (void *data) {
  struct map m;
  uintptr_t i, n = 1 << 15;
  int failed = 0;
  (void)data;
  map_init(&m);
  for (i = 1; i <= n; i++) {
    if (map_reserve(&m) != 0)
      return 1;
    map_insert(&m, address(i << 9), &m);
  }
  memory_limit(0);
  failed += map_reserve(&m) != -1;
  failed += m.count != n || m.capacity != 2 * n;
  for (i = 1000; i <= n; i++)
    map_remove(&m, address(i << 9));
  map_shrink(&m);
  failed += m.count != 999 || m.capacity != 2 * n;
  for (i = 1; i <= n; i++)
    failed += map_find(&m, address(i << 9)) != (i < 1000 ? &m : NULL);
  map_clear(&m);
  return failed;
}


static void test_scarce (void **state) {
  (void)state;
  if (!MEMORY_FAILS || !memory_tells())
    skip();
  assert_int_equal(child_run(scarce, NULL), 0);
}


int main (void) {
  const struct CMUnitTest tests[] = {
    {"an empty map finds nothing, and shrinks and clears to one",
     test_empty, NULL, NULL, NULL},
    {"a key in one map is in no other", test_shared, NULL, NULL, NULL},
    {"a map grows when more than half of its slots would be used",
     test_full, NULL, NULL, NULL},
    {"all keys are there after each growth", test_growth, NULL, NULL, NULL},
    {"a map shrinks to 64 slots, keeps its keys and does not grow at once",
     test_shrink, NULL, NULL, NULL},
    {"a map of which an eighth is used keeps its slots",
     test_shrink_not, NULL, NULL, NULL},
    {"a cleared map is as good as a new one", test_clear, NULL, NULL, NULL},
    {"random inserts and removals agree with the model",
     test_random, NULL, NULL, NULL},
    {"random inserts and removals in 64 slots agree with the model",
     test_random_small, NULL, NULL, NULL},
    {"keys with the same home agree with the model",
     test_one_home, NULL, NULL, NULL},
    {"removal moves keys up across the end of the slots",
     test_wrap, NULL, NULL, NULL},
    {"keys 1 KB apart are all at home",
     test_neighbours_free, NULL, NULL, NULL},
    {"without memory a map neither grows nor shrinks and keeps its keys",
     test_scarce, NULL, NULL, NULL},
  };
  return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
