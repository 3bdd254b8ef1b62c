/*
** slab_test.c
** One mapping for many stacks: the order of slots, guards, memory given back
*/

#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE  /* syscall, mincore, mlockall */
#endif

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "slab.h"

#include "alone.h"
#include "child.h"
#include "memory.h"
#include "refuse.h"

#define SIZE ((size_t)64 << 10)
#define N 5


static enum pages_guard way;  /* of the guards of a test */


static struct slab *open (size_t size, int slots) {
  struct slab *b = slab_new(size, slots);
  way = GUARD_ADVICE;
  assert_non_null(b);
  return b;
}


static void take (struct slab *b, struct stack **s, int n) {
  int i;
  for (i = 0; i < n; i++) {
    s[i] = slab_take(b, 0, &way);
    assert_non_null(s[i]);
  }
}


static void give (struct slab *b, struct stack **s, int n) {
  int i;
  for (i = 0; i < n; i++)
    slab_give(b, s[i]);
}


static void drop (struct slab *b) {
  assert_int_equal(b->used, 0);
  assert_int_equal(slab_free(b), 0);
}


/*
** {======================================================
** Slots
** =======================================================
*/

static void test_layout (void **state) {
  struct slab *b = open(SIZE, N);
  struct stack *s[N];
  int i;
  (void)state;
  take(b, s, N);
  assert_true((uintptr_t)b % pages_size() == 0);
  assert_true((char *)((unsigned short *)(b + 1) + N) <= s[0]->base);
  for (i = 1; i < N; i++)
    assert_ptr_equal(s[i]->base, s[i - 1]->base + s[i - 1]->bytes);
  assert_ptr_equal(s[N - 1]->base + s[N - 1]->bytes, (char *)b + b->bytes);
  give(b, s, N);
  drop(b);
}


/* Less of the stack is left, its ends stay where they are. */
static void test_shift (void **state) {
  struct slab *b = open(SIZE, N);
  struct stack *s = slab_take(b, 192, &way);
  (void)state;
  assert_non_null(s);
  assert_ptr_equal((char *)(s + 1) + 192, s->base + s->bytes);
  assert_ptr_equal(stack_low(s) + SIZE, s->base + s->bytes);
  assert_int_equal(stack_used(s), sizeof(struct stack));
  slab_give(b, s);
  s = slab_take(b, 0, &way);
  assert_ptr_equal((char *)(s + 1), s->base + s->bytes);
  slab_give(b, s);
  drop(b);
}


static void test_counts (void **state) {
  struct slab *b = open(SIZE, N);
  struct stack *s[N];
  (void)state;
  assert_int_equal(b->slots, N);
  assert_true(b->size == SIZE);
  assert_true(b->used == 0 && b->begun == 0);
  take(b, s, 3);
  assert_true(b->used == 3 && b->begun == 3);
  give(b, s, 2);
  assert_true(b->used == 1 && b->begun == 3);
  take(b, s, 2);
  assert_true(b->used == 3 && b->begun == 3);
  give(b, s, 3);
  drop(b);
}


static void test_order (void **state) {
  struct slab *b = open(SIZE, N);
  struct stack *s[N], *again[N];
  (void)state;
  take(b, s, 4);
  slab_give(b, s[1]);
  slab_give(b, s[3]);
  slab_give(b, s[0]);
  take(b, again, 4);
  assert_ptr_equal(again[0], s[0]);
  assert_ptr_equal(again[1], s[3]);
  assert_ptr_equal(again[2], s[1]);
  assert_ptr_equal(again[3]->base, s[3]->base + s[3]->bytes);
  slab_give(b, s[2]);
  give(b, again, 4);
  drop(b);
}


static void test_one_slot (void **state) {
  struct slab *b = open(SIZE, 1);
  struct stack *s, *again;
  (void)state;
  take(b, &s, 1);
  assert_int_equal(b->used, b->slots);
  assert_ptr_equal(s->base + s->bytes, (char *)b + b->bytes);
  slab_give(b, s);
  take(b, &again, 1);
  assert_ptr_equal(again, s);
  slab_give(b, s);
  drop(b);
}


/* Any order against a model: those given back, the last on top. */
static void test_random (void **state) {
  struct slab *b = open(pages_size(), SLAB_SLOTS_MAX);
  struct stack *held[SLAB_SLOTS_MAX], *back[SLAB_SLOTS_MAX], *s;
  int i, n = 0, given = 0;
  uint32_t random = 7;
  (void)state;
  for (i = 0; i < 4000; i++) {
    random = random * UINT32_C(1664525) + UINT32_C(1013904223);
    if (n < SLAB_SLOTS_MAX && (n == 0 || random >> 30 > (i < 2000 ? 0 : 1))) {
      take(b, &s, 1);
      if (given > 0)
        assert_ptr_equal(s, back[--given]);
      held[n++] = s;
    }
    else {
      int k = (int)((random >> 8) % (uint32_t)n);
      s = back[given++] = held[k];
      held[k] = held[--n];
      slab_give(b, s);
    }
    assert_true(b->used == n && b->begun == n + given);
  }
  assert_int_equal(b->begun, SLAB_SLOTS_MAX);
  give(b, held, n);
  drop(b);
}


static void fill (struct stack *s, int value) {
  memset(stack_low(s), value, (size_t)(stack_top(s) - stack_low(s)));
}


/* Whatever is done to stacks, the records are out of their reach. */
static void test_records (void **state) {
  struct slab *b = open(SIZE, N), copy;
  struct stack *s[N], record[N];
  int i;
  (void)state;
  take(b, s, N);
  copy = *b;
  for (i = 0; i < N; i++) {
    assert_ptr_equal(s[i]->slab, b);
    assert_true(s[i]->size == SIZE);
    assert_true(s[i]->bytes == SIZE + pages_round(GUARD_SIZE));
    assert_int_equal(s[i]->trimmed, 0);
    record[i] = *s[i];
  }
  for (i = 0; i < N; i++)
    fill(s[i], 0xA5);
  for (i = 0; i < N; i++)
    assert_memory_equal(s[i], &record[i], sizeof record[i]);
  assert_memory_equal(b, &copy, offsetof(struct slab, used) + sizeof b->used);
  give(b, s, N);
  drop(b);
}

/* }====================================================== */


/*
** {======================================================
** Guards
** =======================================================
*/

static int faults (char *at) {
  return child_isfault(child_run(child_touch, at));
}


/* Both ends of the guard fault, the stack does not. */
static void checkguard (struct stack *s) {
  assert_true(faults(s->base));
  assert_true(faults(stack_low(s) - 1));
  assert_false(faults(stack_low(s)));
  assert_false(faults(stack_top(s) - 1));
}


static void checkguards (void) {
  struct slab *b = open(SIZE, N);
  struct stack *s[N];
  char *first, *second;  /* the record goes with the stack */
  int i;
  take(b, s, N);
  for (i = 0; i < N; i++)
    checkguard(s[i]);
  first = s[1]->base;
  second = stack_low(s[2]);
  fill(s[1], 1);
  fill(s[2], 1);
  slab_give(b, s[1]);
  slab_give(b, s[2]);
  assert_true(faults(first) && faults(second - 1));
  assert_false(faults(second));
  take(b, s + 2, 1);
  take(b, s + 1, 1);
  for (i = 0; i < 4; i++)
    checkguard(s[i]);
  give(b, s, N);
  drop(b);
}


static void test_guards (void **state) {
  (void)state;
  checkguards();
}


static void test_guards_without_advice (void **state) {
  (void)state;
  refuse_from(&refuse_madvise, 1, EINVAL);
  checkguards();
}


/* Where the advice works; the first guard may ask whether it does. */
static void test_guarded_once (void **state) {
  struct slab *b = open(SIZE, N);
  struct stack *s[N];
  (void)state;
  take(b, s, 1);
  if (way != GUARD_ADVICE)
    skip();
  refuse_nothing();
  take(b, s + 1, 1);
  assert_int_equal(refuse_madvise.uses, 1);
  give(b, s, 2);
  assert_int_equal(refuse_madvise.uses, 3);
  take(b, s, 2);
  assert_int_equal(refuse_madvise.uses, 3);
  assert_int_equal(refuse_mprotect.uses, 0);
  give(b, s, 2);
  drop(b);
}


static void test_way (void **state) {
  struct slab *b = open(SIZE, N);
  struct stack *s[N];
  (void)state;
  refuse_from(&refuse_madvise, 1, EINVAL);
  take(b, s, 1);
  assert_int_equal(way, GUARD_MPROTECT);
  refuse_nothing();
  take(b, s + 1, 1);
  assert_int_equal(way, GUARD_MPROTECT);
  assert_int_equal(refuse_madvise.uses, 0);
  assert_int_equal(refuse_mprotect.uses, 1);
  give(b, s, 2);
  drop(b);
}


static void test_guard_refused (void **state) {
  struct slab *b = open(SIZE, N);
  struct stack *s[N], *none;
  int why;
  (void)state;
  take(b, s, 1);
  refuse_from(&refuse_madvise, 1, EINVAL);
  refuse_from(&refuse_mprotect, 1, ENOMEM);
  errno = 0;
  none = slab_take(b, 0, &way);
  why = errno;
  refuse_nothing();
  assert_null(none);
  assert_int_equal(why, ENOMEM);
  assert_true(b->used == 1 && b->begun == 1);
  take(b, s + 1, 1);
  assert_ptr_equal(s[1]->base, s[0]->base + s[0]->bytes);
  checkguard(s[1]);
  give(b, s, 2);
  drop(b);
}

/* }====================================================== */


/*
** {======================================================
** Memory
** =======================================================
*/

/* Where the system tells: a page for the slab, one for each stack's record. */
static void test_untouched (void **state) {
  struct slab *b = open(SIZE, SLAB_SLOTS_MAX);
  struct stack *s[SLAB_SLOTS_MAX];
  (void)state;
  if (!memory_tells())
    skip();
  assert_true(memory_resident((char *)b, b->bytes) == 1);
  take(b, s, 3);
  assert_true(memory_resident((char *)b, b->bytes) == 1 + 3);
  take(b, s + 3, SLAB_SLOTS_MAX - 3);
  give(b, s, SLAB_SLOTS_MAX);
  assert_true(memory_resident((char *)b, b->bytes) == 1);
  drop(b);
}


static void test_given_back (void **state) {
  struct slab *b = open(SIZE, 3);
  struct stack *s[3];
  char *low;
  (void)state;
  if (!memory_tells())
    skip();
  take(b, s, 3);
  fill(s[0], 1);
  fill(s[1], 1);
  fill(s[2], 1);
  low = stack_low(s[1]);
  assert_true(memory_resident(low, SIZE) == SIZE / pages_size());
  slab_give(b, s[1]);
  assert_true(memory_resident(low, SIZE) == 0);
  assert_true(memory_resident(stack_low(s[0]), SIZE) == SIZE / pages_size());
  assert_true(memory_resident(stack_low(s[2]), SIZE) == SIZE / pages_size());
  slab_give(b, s[0]);
  slab_give(b, s[2]);
  drop(b);
}


static void test_zeroed (void **state) {
  struct slab *b = open(SIZE, 1);
  struct stack *s;
  char *p;
  int sum = 0;
  (void)state;
  take(b, &s, 1);
  fill(s, 0xFF);
  slab_give(b, s);
  take(b, &s, 1);
  for (p = stack_low(s); p < stack_top(s); p++)
    sum |= *p;
  assert_int_equal(sum, 0);
  slab_give(b, s);
  drop(b);
}


/* In a child: locked memory stays, and what it held. */
static int reuselocked (void *data) {
  enum pages_guard how = GUARD_ADVICE;
  struct slab *b;
  struct stack *s;
  (void)data;
  if (!memory_lock())
    return 2;
  b = slab_new(SIZE, 2);
  s = b == NULL ? NULL : slab_take(b, 0, &how);
  if (s == NULL)
    return 2;
  s->slab = NULL;
  s->trimmed = 1;
  slab_give(b, s);
  if (slab_take(b, 0, &how) != s || s->slab != b || s->trimmed != 0)
    return 1;
  slab_give(b, s);
  return slab_free(b);
}


static void test_locked (void **state) {
  int result = child_run(reuselocked, NULL);
  (void)state;
  if (result == -2)
    skip();
  assert_int_equal(result, 0);
}


static void test_reserved (void **state) {
  unsigned long before = memory_reserved();
  struct slab *b;
  struct stack *s[N];
  (void)state;
  if (!memory_tells())
    skip();
  b = open(SIZE, N);
  assert_true((memory_reserved() - before) * pages_size() == b->bytes);
  take(b, s, N);
  give(b, s, N);
  assert_true((memory_reserved() - before) * pages_size() == b->bytes);
  drop(b);
  assert_true(memory_reserved() == before);
}


static void test_freed (void **state) {
  unsigned long before = memory_reserved();
  int i;
  (void)state;
  if (!memory_tells())
    skip();
  for (i = 0; i < 1000; i++)
    stack_drop(stack_alone(SIZE));
  assert_true(memory_reserved() <= before + 100);
}


/* In a child: address space for some more slabs, then for none. */
static int scarce (void *data) {
  unsigned long before = memory_reserved(), pages;
  size_t bytes = 0;
  int i;
  (void)data;
  memory_limit(8 * SIZE);
  for (i = 0; i < 100; i++) {
    struct slab *b;
    errno = 0;
    b = slab_new(SIZE, 2);
    if (b != NULL)
      bytes += b->bytes;
    else if (errno != ENOMEM)
      return 1;
  }
  memory_unlimit();
  pages = memory_reserved() - before;
  if (bytes == 0 || bytes > 8 * SIZE)
    return 2;
  return pages * pages_size() == bytes ? 0 : 3;
}


static void test_scarce (void **state) {
  (void)state;
  if (!memory_tells())
    skip();
  assert_int_equal(child_run(scarce, NULL), 0);
}


static void test_free_refused (void **state) {
  struct slab *b = open(SIZE, 2);
  struct stack *s[2], *again[2];
  int result;
  (void)state;
  take(b, s, 1);
  slab_give(b, s[0]);
  refuse_from(&refuse_munmap, 1, ENOMEM);
  result = slab_free(b);
  refuse_nothing();
  assert_int_equal(result, -1);
  assert_true(b->used == 0 && b->begun == 1);
  take(b, again, 2);
  assert_ptr_equal(again[0], s[0]);
  fill(again[0], 1);
  fill(again[1], 1);
  checkguard(again[1]);
  give(b, again, 2);
  drop(b);
}

/* }====================================================== */


static int acceptall (void **state) {
  (void)state;
  refuse_nothing();
  return 0;
}


int main (void) {
  const struct CMUnitTest tests[] = {
    {"slots lie one behind the other up to the end of the mapping",
     test_layout, NULL, NULL, NULL},
    {"a shift takes its bytes from the upper end", test_shift, NULL, NULL, NULL},
    {"slots in use and begun are counted", test_counts, NULL, NULL, NULL},
    {"slots given back go first, the last of them before the others",
     test_order, NULL, NULL, NULL},
    {"a slab of one slot", test_one_slot, NULL, NULL, NULL},
    {"the order of slots agrees with the model",
     test_random, NULL, NULL, NULL},
    {"records are out of the stacks' reach", test_records, NULL, NULL, NULL},
    {"every guard faults, also after its slot was given back",
     test_guards, NULL, NULL, NULL},
    {"every guard faults where the advice is refused",
     test_guards_without_advice, NULL, acceptall, NULL},
    {"a slot is guarded once", test_guarded_once, NULL, NULL, NULL},
    {"the way of the guards falls back and stays",
     test_way, NULL, acceptall, NULL},
    {"a refused guard takes no slot", test_guard_refused, NULL, NULL, NULL},
    {"a stack takes no memory before it is touched",
     test_untouched, NULL, NULL, NULL},
    {"a slot given back takes no memory, its neighbours keep theirs",
     test_given_back, NULL, NULL, NULL},
    {"a slot given back is zero when it is taken again",
     test_zeroed, NULL, NULL, NULL},
    {"a slot of locked memory is as good when it is taken again",
     test_locked, NULL, NULL, NULL},
    {"bytes are what the mapping takes", test_reserved, NULL, NULL, NULL},
    {"a freed slab is given back", test_freed, NULL, NULL, NULL},
    {"without address space there is no slab and no leak",
     test_scarce, NULL, NULL, NULL},
    {"a slab that the system does not take back is as good as before",
     test_free_refused, NULL, NULL, NULL},
  };
  return cmocka_run_group_tests_name("slab", tests, NULL, NULL);
}
