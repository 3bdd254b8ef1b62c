/*
** stack_test.c
** One stack: its layout, its guard, failure
*/

#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE  /* syscall */
#endif

#include "side.h"

#include <stdlib.h>
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
  site->neighbour = stack_low(slab_take(site->slab, &way));
  site->stack = slab_take(site->slab, &way);
  assert_ptr_equal(site->neighbour + SIZE, site->stack->base);
  assert_ptr_equal(mmap(site->neighbour, SIZE, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                   site->neighbour);
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


/* In a child: overflows the stack. */
static int overflow (void *data) {
  struct site *site = (struct site *)data;
  switch_prepare(&recursion, stack_low(site->stack),
                 stack_top(site->stack) - site->offset, recurseentry);
  switch_swap(&recursion, site);
  return 0;
}


/* 40 alignments, spread over a page. */
static void checkoverflow (int (*recurse) (int depth)) {
  struct site site;
  int i, faults = 0;
  opensite(&site);
  site.recurse = recurse;
  for (i = 0; i < 40; i++) {
    site.offset = i * 104;
    faults += child_isfault(child_run(overflow, &site));
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
  refuse_use(&refuse_madvise, 0, EINVAL);
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
** Failure
** =======================================================
*/

/* In a child: address space for some more stacks, then for none. */
static int scarce (void *data) {
  unsigned long before = memory_reserved(), pages;
  int i, made = 0;
  (void)data;
  memory_limit(4 * SIZE);
  for (i = 0; i < 100; i++) {
    errno = 0;
    if (stack_alone(SIZE) != NULL)
      made++;
    else if (errno != ENOMEM)
      return 1;
  }
  memory_unlimit();
  pages = memory_reserved() - before;
  if (made == 0 || made > 4)
    return 2;
  return pages * pages_size() == (size_t)made * (SIZE + GUARD_SIZE + pages_size())
         ? 0 : 3;
}


static void test_scarce (void **state) {
  (void)state;
  if (!memory_tells() || pages_size() > GUARD_SIZE)
    skip();
  assert_int_equal(child_run(scarce, NULL), 0);
}


static void test_guard_refused (void **state) {
  unsigned long before = memory_reserved();
  int i, made = 0, why = 0;
  (void)state;
  if (!memory_tells())
    skip();
  refuse_use(&refuse_madvise, 0, EINVAL);
  refuse_use(&refuse_mprotect, 0, ENOMEM);
  for (i = 0; i < 100; i++) {
    errno = 0;
    made += stack_alone(SIZE) != NULL;
    why |= errno ^ ENOMEM;
  }
  refuse_nothing();
  assert_int_equal(made, 0);
  assert_int_equal(why, 0);
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
    {"without address space there is no stack and no leak",
     test_scarce, NULL, NULL, NULL},
    {"without a guard there is no stack and no leak",
     test_guard_refused, NULL, NULL, NULL},
    {"a freed stack is given back", test_freed, NULL, NULL, NULL},
  };
  return cmocka_run_group_tests_name("stack", tests, NULL, NULL);
}
