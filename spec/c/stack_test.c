/*
** stack_test.c
** One stack: its layout, its guard, how much of it is used and kept
*/

#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE  /* syscall, mincore */
#endif

#include "side.h"

#include <string.h>

#include "child.h"
#include "memory.h"
#include "pages.h"
#include "refuse.h"

#define SIZE ((size_t)64 << 10)


/*
** {======================================================
** Layout
** =======================================================
*/

static void test_layout (void **state) {
  struct stack *s = stack_alone(SIZE);
  (void)state;
  assert_true(s->size == SIZE);
  assert_true(stack_low(s) - s->base >= 16 << 10);
  assert_true((uintptr_t)stack_low(s) % pages_size() == 0);
  assert_true(s->base + s->bytes == stack_low(s) + SIZE);
  assert_true(stack_top(s) <= (char *)s);
  assert_true((char *)(s + 1) <= s->base + s->bytes);
  stack_drop(s);
}


static void test_top (void **state) {
  size_t size;
  (void)state;
  for (size = SIZE; size < 2 * SIZE; size += pages_size()) {
    struct stack *s = stack_alone(size);
    assert_true((uintptr_t)stack_top(s) % 64 == 0);
    assert_true(stack_top(s) - stack_low(s) > (ptrdiff_t)size - 256);
    stack_drop(s);
  }
}


static void test_writable (void **state) {
  struct stack *s = stack_alone(SIZE), copy = *s;
  (void)state;
  memset(stack_low(s), 0xA5, (size_t)(stack_top(s) - stack_low(s)));
  assert_memory_equal(s, &copy, sizeof copy);
  stack_drop(s);
}


static void test_holds (void **state) {
  struct stack *s = stack_alone(SIZE);
  (void)state;
  assert_true(stack_holds(s, stack_low(s)));
  assert_true(stack_holds(s, stack_top(s)));
  assert_true(stack_holds(s, stack_top(s) - 1));
  assert_true(stack_holds(s, s->base + s->bytes - 1));
  assert_false(stack_holds(s, s->base + s->bytes));
  assert_false(stack_holds(s, s->base - 1));
  assert_false(stack_holds(s, NULL));
  assert_false(stack_holds(s, (const void *)UINTPTR_MAX));
  assert_false(stack_holds(s, &state));
  stack_drop(s);
}


static void test_neighbours (void **state) {
  struct stack *s[50];
  int i, k, held = 0;
  (void)state;
  for (i = 0; i < 50; i++)
    s[i] = stack_alone(SIZE);
  for (i = 0; i < 50; i++) {
    for (k = 0; k < 50; k++)
      held += stack_holds(s[i], stack_low(s[k]))
            + stack_holds(s[i], s[k]);
  }
  assert_int_equal(held, 2 * 50);
  for (i = 0; i < 50; i++)
    stack_drop(s[i]);
}

/* }====================================================== */


/*
** {======================================================
** Guard
** =======================================================
*/

static void test_guard (void **state) {
  struct stack *s = stack_alone(SIZE);
  char *at;
  (void)state;
  for (at = s->base; at < stack_low(s); at += pages_size())
    assert_true(child_isfault(child_run(child_touch, at)));
  assert_true(child_isfault(child_run(child_touch, stack_low(s) - 1)));
  assert_int_equal(child_run(child_touch, stack_low(s)), 0);
  stack_drop(s);
}


/* Two stacks; in place of the lower one memory shared with a child, right
   below the guard of the upper one. */
struct site {
  struct slab *slab;
  struct stack *stack;
  char *neighbour;
  int offset;  /* of the first frame below the top */
  int (*recurse) (int depth);
};


static void opensite (struct site *site) {
  enum pages_guard way = GUARD_ADVICE;
  site->slab = slab_new(SIZE, 2);
  assert_non_null(site->slab);
  site->neighbour = stack_low(slab_take(site->slab, 0, &way));
  site->stack = slab_take(site->slab, 0, &way);
  assert_ptr_equal(site->neighbour + SIZE, site->stack->base);
  assert_true(memory_share(site->neighbour, SIZE));
  memset(site->neighbour, 0x5A, SIZE);
}


static void closesite (struct site *site) {
  slab_free(site->slab);
}


static int isintact (const struct site *site) {
  size_t i;
  for (i = 0; i < SIZE; i++) {
    if (site->neighbour[i] != 0x5A)
      return 0;
  }
  return 1;
}


/* Deep enough for the stack, the guard and half of the neighbour. */
#define REACH (SIZE + GUARD_SIZE + SIZE / 2)

/* Keeps the whole of a local array in its frame. */
static volatile char *escape (char *frame) {
  __asm__ volatile ("" : "+r" (frame) : : "memory");
  return frame;
}


/* 'luaL_loadfilex' has such a frame; it touches the ends of it. */
static APART int recurse8k (int depth) {
  char frame[8300];
  volatile char *f = escape(frame);
  f[0] = (char)depth;
  if (depth > 0)
    f[1] = (char)recurse8k(depth - 1);
  return f[0];
}


/* With registers saved and the return address not more than 16 KB. */
static APART int recurse16k (int depth) {
  char frame[(16 << 10) - 256];
  volatile char *f = escape(frame);
  f[0] = (char)depth;
  if (depth > 0)
    f[1] = (char)recurse16k(depth - 1);
  return f[0];
}


static int recurse8kall (int depth) {
  (void)depth;
  return recurse8k((int)(REACH / 8300));
}


static int recurse16kall (int depth) {
  (void)depth;
  return recurse16k((int)(REACH >> 14));
}


static struct context recursion;


static void recurseentry (void *message) {
  ((struct site *)message)->recurse(0);
  switch_swap(&recursion, NULL);
}


/* Recurses on the stack; if that overflows it, then in a child. */
static int recurse (void *data) {
  struct site *site = (struct site *)data;
  switch_prepare(&recursion, stack_low(site->stack),
                 stack_top(site->stack) - site->offset, recurseentry);
  switch_swap(&recursion, site);
  return 0;
}


/* 40 alignments, spread over a page. */
static void checkoverflow (int (*f) (int depth)) {
  struct site site;
  int i, faults = 0;
  opensite(&site);
  site.recurse = f;
  for (i = 0; i < 40; i++) {
    site.offset = i * 104;
    faults += child_isfault(child_run(recurse, &site));
  }
  assert_true(isintact(&site));
  assert_int_equal(faults, 40);
  closesite(&site);
}


static void test_overflow_8k (void **state) {
  (void)state;
  checkoverflow(recurse8kall);
}


static void test_overflow_16k (void **state) {
  (void)state;
  checkoverflow(recurse16kall);
}


static void test_overflow_without_advice (void **state) {
  (void)state;
  refuse_from(&refuse_madvise, 1, EINVAL);
  checkoverflow(recurse8kall);
}


static int acceptall (void **state) {
  (void)state;
  refuse_nothing();
  return 0;
}

/* }====================================================== */


/*
** {======================================================
** Use
** =======================================================
*/

/* A byte so many bytes below the end. */
static char *below (struct stack *s, size_t bytes) {
  return s->base + s->bytes - bytes;
}


static void test_used_new (void **state) {
  struct stack *s = stack_alone(SIZE);
  size_t used = stack_used(s);
  (void)state;
  assert_true(used > 0 && used <= sizeof(struct stack));
  stack_drop(s);
}


static void test_used (void **state) {
  struct stack *s = stack_alone(SIZE);
  (void)state;
  *below(s, 1000) = 1;
  assert_true(stack_used(s) == 1000);
  *below(s, 40000) = 1;
  assert_true(stack_used(s) == 40000);
  *below(s, 20000) = 1;
  assert_true(stack_used(s) == 40000);
  *below(s, 50000 - sizeof(uintptr_t) + 1) = 1;
  assert_true(stack_used(s) == 50000);
  *stack_low(s) = 1;
  assert_true(stack_used(s) == SIZE);
  stack_drop(s);
}


static void test_used_again (void **state) {
  enum pages_guard way = GUARD_ADVICE;
  struct slab *b = slab_new(SIZE, 1);
  struct stack *s = slab_take(b, 0, &way);
  (void)state;
  *below(s, 40000) = 1;
  slab_give(b, s);
  assert_ptr_equal(slab_take(b, 0, &way), s);
  assert_true(stack_used(s) <= sizeof(struct stack));
  stack_drop(s);
}


static int recurseonce (int depth) {
  (void)depth;
  return recurse8k(1);
}


static void test_used_call (void **state) {
  struct site site;
  size_t used;
  (void)state;
  opensite(&site);
  site.recurse = recurseonce;
  site.offset = 0;
  recurse(&site);
  used = stack_used(site.stack);
  assert_true(used >= 8300 && used < 3 * 8300);
  closesite(&site);
}


/* What lies from so many bytes below the end down to the lowest. */
static int iszero (struct stack *s, size_t from) {
  const char *p;
  int sum = 0;
  for (p = stack_low(s); p < below(s, from); p++)
    sum |= *p;
  return sum == 0;
}


static void fill (struct stack *s, size_t bytes) {
  memset(below(s, bytes), 0x5A, (size_t)(stack_top(s) - below(s, bytes)));
}


static void test_trim_deep (void **state) {
  struct stack *s = stack_alone(SIZE), copy;
  size_t keep = pages_round(STACK_KEEP), i, kept = 0;
  (void)state;
  fill(s, SIZE);
  copy = *s;
  stack_trim(s);
  assert_true(iszero(s, keep));
  for (i = 256; i <= keep; i++)
    kept += *below(s, i) == 0x5A;
  assert_true(kept == keep - 255);
  assert_true(stack_used(s) == keep);
  assert_memory_equal(s, &copy, sizeof copy);
  assert_true(child_isfault(child_run(child_touch, stack_low(s) - 1)));
  stack_drop(s);
}


static void test_trim_memory (void **state) {
  struct stack *s = stack_alone(SIZE);
  (void)state;
  if (!memory_tells())
    skip();
  fill(s, SIZE);
  assert_true(memory_resident(stack_low(s), SIZE) == SIZE / pages_size());
  stack_trim(s);
  assert_true(memory_resident(stack_low(s), SIZE)
              == pages_round(STACK_KEEP) / pages_size());
  stack_drop(s);
}


static void test_trim_shallow (void **state) {
  struct stack *s = stack_alone(SIZE);
  (void)state;
  fill(s, pages_round(STACK_KEEP));
  refuse_nothing();
  stack_trim(s);
  assert_int_equal(refuse_madvise.uses, 0);
  assert_true(stack_used(s) == pages_round(STACK_KEEP));
  stack_drop(s);
}


/* A word in the part below is enough, wherever. */
static void test_trim_look (void **state) {
  struct stack *s = stack_alone(2 * SIZE);
  size_t keep = pages_round(STACK_KEEP), i;
  const size_t at[3] = {keep + 1, keep + STACK_LOOK / 2, keep + STACK_LOOK};
  (void)state;
  for (i = 0; i < 3; i++) {
    *below(s, at[i]) = 1;
    stack_trim(s);
    assert_true(iszero(s, keep));
  }
  stack_drop(s);
}


static void test_trim_small (void **state) {
  size_t size;
  (void)state;
  for (size = pages_size(); size <= pages_round(STACK_KEEP);
       size += pages_size()) {
    struct stack *s = stack_alone(size);
    fill(s, size);
    stack_trim(s);
    assert_true(stack_used(s) == size);
    stack_drop(s);
  }
}

/* }====================================================== */


int main (void) {
  const struct CMUnitTest tests[] = {
    {"guard, stack and record fill the mapping",
     test_layout, NULL, NULL, NULL},
    {"the top is aligned to 64", test_top, NULL, NULL, NULL},
    {"all between low and top can be written, the record stays",
     test_writable, NULL, NULL, NULL},
    {"a stack holds its mapping to the byte", test_holds, NULL, NULL, NULL},
    {"no stack holds another's addresses",
     test_neighbours, NULL, NULL, NULL},
    {"every page of the guard faults and the lowest of the stack does not",
     test_guard, NULL, NULL, NULL},
    {"recursion with frames of 8.3 KB ends in the guard at 40 alignments",
     test_overflow_8k, NULL, NULL, NULL},
    {"recursion with frames of 16 KB ends in the guard at 40 alignments",
     test_overflow_16k, NULL, NULL, NULL},
    {"recursion ends in the guard where the advice is refused",
     test_overflow_without_advice, NULL, acceptall, NULL},
    {"of a new stack the record is used", test_used_new, NULL, NULL, NULL},
    {"used is how deep the deepest word was written",
     test_used, NULL, NULL, NULL},
    {"of a stack taken again the record is used",
     test_used_again, NULL, NULL, NULL},
    {"the frames of calls are used", test_used_call, NULL, NULL, NULL},
    {"a trimmed stack keeps its upper pages, its record and its guard",
     test_trim_deep, NULL, NULL, NULL},
    {"what is trimmed takes no memory", test_trim_memory, NULL, NULL, NULL},
    {"a stack of shallow use is left alone",
     test_trim_shallow, NULL, NULL, NULL},
    {"a word in the first 4 KB below the kept pages is deep use",
     test_trim_look, NULL, NULL, NULL},
    {"a stack no larger than what is kept is left alone",
     test_trim_small, NULL, NULL, NULL},
  };
  return cmocka_run_group_tests_name("stack", tests, NULL, NULL);
}
