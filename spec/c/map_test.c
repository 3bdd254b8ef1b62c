/*
** map_test.c
** The map against a model: an array that is searched from end to end
*/

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "map.h"

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


static void grow (struct map *m, size_t capacity) {
  struct map_slot *old = m->capacity == 1 ? NULL : m->slots;
  struct map_slot *slots =
    (struct map_slot *)calloc(capacity, sizeof(struct map_slot));
  assert_non_null(slots);
  map_move(m, slots, capacity);
  free(old);
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
  if (map_full(&m->map))
    grow(&m->map, m->map.capacity * 2);
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
    if (m->present[k])
      removekey(m, k);
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
  assert_true(map_full(&m.map));
}


static void test_full (void **state) {
  struct model m;
  size_t i;
  (void)state;
  open(&m, 4096, 1024);
  grow(&m.map, 8);
  for (i = 0; i < 4; i++) {
    assert_false(map_full(&m.map));
    insert(&m, i);
  }
  assert_true(map_full(&m.map));
  removekey(&m, 2);
  assert_false(map_full(&m.map));
  free(m.map.slots);
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
  free(m.map.slots);
}


static void test_shrink (void **state) {
  struct model m;
  size_t i;
  (void)state;
  open(&m, 0x55550000, 1024);
  for (i = 0; i < KEYS; i++)
    insert(&m, i);
  for (i = 8; i < KEYS; i++)
    removekey(&m, i);
  grow(&m.map, 16);
  check(&m);
  free(m.map.slots);
}


static void test_random (void **state) {
  static const uintptr_t distances[] = {16, 512, 1024, 1040, 4096, 100000};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof distances / sizeof distances[0]; i++) {
    struct model m;
    open(&m, 0x7F000010, distances[i]);
    randomly(&m, (uint32_t)i, KEYS);
    free(m.map.slots);
  }
}


/* Few keys among many: short runs come and go at every slot. */
static void test_random_small (void **state) {
  uint32_t seed;
  (void)state;
  for (seed = 1; seed <= 5; seed++) {
    struct model m;
    open(&m, 0x10000, 512);
    grow(&m.map, 16);
    randomly(&m, seed, 8);
    assert_true(m.map.capacity == 16);
    free(m.map.slots);
  }
}


static void test_one_home (void **state) {
  struct model m;
  (void)state;
  open(&m, 0x10000, (uintptr_t)1 << 20);  /* at most 2048 slots */
  randomly(&m, 3, KEYS);
  free(m.map.slots);
}


/* Keys at home in the last slots of 16, removed in every order of three. */
static void test_wrap (void **state) {
  static const size_t homes[6] = {14, 15, 15, 14, 0, 15};
  size_t a, b, c, i;
  (void)state;
  for (a = 0; a < 6; a++) for (b = 0; b < 6; b++) for (c = 0; c < 6; c++) {
    struct model m;
    if (a == b || b == c || a == c)
      continue;
    open(&m, 0x100000, 1 << 20);
    grow(&m.map, 16);
    for (i = 0; i < 6; i++) {
      m.keys[i] = address(0x100000 + (i << 20) + homes[i] * 512);
      insert(&m, i);
    }
    removekey(&m, a);
    check(&m);
    removekey(&m, b);
    check(&m);
    removekey(&m, c);
    check(&m);
    free(m.map.slots);
  }
}


static void test_neighbours_free (void **state) {
  struct model m;
  size_t i, probes = 0;
  (void)state;
  open(&m, 0x7F0000000, 1024);
  for (i = 0; i < KEYS; i++)
    insert(&m, i);
  for (i = 0; i < KEYS; i++) {
    const struct map_slot *s = m.map.slots;
    size_t at = ((uintptr_t)m.keys[i] >> 9) & (m.map.capacity - 1);
    probes += s[at].key != m.keys[i];
  }
  assert_true(probes == 0);
  free(m.map.slots);
}


int main (void) {
  const struct CMUnitTest tests[] = {
    {"an empty map is full and finds nothing",
     test_empty, NULL, NULL, NULL},
    {"a map is full when half of its slots are used",
     test_full, NULL, NULL, NULL},
    {"all keys are there after each growth", test_growth, NULL, NULL, NULL},
    {"all keys are there in fewer slots", test_shrink, NULL, NULL, NULL},
    {"random inserts and removals agree with the model",
     test_random, NULL, NULL, NULL},
    {"random inserts and removals in 16 slots agree with the model",
     test_random_small, NULL, NULL, NULL},
    {"keys with the same home agree with the model",
     test_one_home, NULL, NULL, NULL},
    {"removal moves keys up across the end of the slots",
     test_wrap, NULL, NULL, NULL},
    {"keys 1 KB apart are all at home",
     test_neighbours_free, NULL, NULL, NULL},
  };
  return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
