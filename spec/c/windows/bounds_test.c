/*
** bounds_test.c
** What Windows knows of the stack that a thread runs on: its bounds, for
** handlers of exceptions and for overflows
*/

#include "../side.h"

#include <string.h>

#include "../child.h"

struct bounded {
  struct side side;
  struct child_bounds bounds;  /* on the side */
  int found;  /* what code on the side looks for */
};


static void record (void *message) {
  struct bounded *b = (struct bounded *)message;
  const volatile char *here = (const volatile char *)&b;
  b->bounds = child_bounds();
  b->found = (const volatile char *)b->bounds.limit < here
          && here < (const volatile char *)b->bounds.high;
  switch_swap(&b->side.slot, NULL);
  switch_exit(&b->side.slot, NULL);
}


static int areequal (const struct child_bounds *a,
                     const struct child_bounds *b) {
  return a->high == b->high && a->limit == b->limit && a->low == b->low
      && a->list == b->list;
}


static void test_bounds (void **state) {
  struct bounded b;
  (void)state;
  side_open(&b.side, record);
  switch_swap(&b.side.slot, &b);
  assert_true(b.found);
  assert_ptr_equal(b.bounds.limit, stack_low(b.side.stack));
  assert_ptr_equal(b.bounds.low, b.side.stack->base);
  assert_true((char *)b.bounds.high <= stack_top(b.side.stack));
  side_close(&b.side);
}


static void test_bounds_of_resumer (void **state) {
  struct child_bounds before = child_bounds(), swapped, after;
  struct bounded b;
  (void)state;
  side_open(&b.side, record);
  switch_swap(&b.side.slot, &b);
  swapped = child_bounds();
  switch_swap(&b.side.slot, NULL);
  after = child_bounds();
  assert_true(areequal(&swapped, &before));
  assert_true(areequal(&after, &before));
  side_close(&b.side);
}


/* The bounds of the side stay where a jump has left it. */
static void jumpout (void *message) {
  struct bounded *b = (struct bounded *)message;
  b->bounds = child_bounds();
  switch_swap(&b->side.slot, NULL);
}


static void test_jumped (void **state) {
  struct child_bounds before = child_bounds(), left, after;
  struct bounded b;
  (void)state;
  side_open(&b.side, jumpout);
  switch_swap(&b.side.slot, &b);
  switch_jumped(&b.side.slot);
  left = child_bounds();
  switch_jumped(&b.side.slot);
  after = child_bounds();
  assert_true(areequal(&left, &b.bounds));
  assert_true(areequal(&after, &before));
  side_close(&b.side);
}


/*
** {======================================================
** Exceptions
** =======================================================
*/

#define EXCEPTION 0xE0000001  /* a user's, that may be continued */

static volatile int handled;

/* 'EXCEPTION_ROUTINE' of winnt.h: the handler of 'protect'. */
__attribute__((used))
static EXCEPTION_DISPOSITION handle (EXCEPTION_RECORD *e, void *frame,
                                     CONTEXT *context, void *dispatcher) {
  (void)frame;
  (void)context;
  (void)dispatcher;
  if (e->ExceptionCode != EXCEPTION || (e->ExceptionFlags & 2) != 0)
    return ExceptionContinueSearch;
  handled++;
  return ExceptionContinueExecution;
}


static APART int doraise (int n) {
  RaiseException(EXCEPTION, 0, 0, NULL);
  return n + 1;
}


/* A frame that has a handler. */
static APART int protect (int n) {
  __asm__ volatile (".seh_handler handle, @except");
  return doraise(n) + 1;
}


static void protectedentry (void *message) {
  struct bounded *b = (struct bounded *)message;
  b->found = protect(1);
  switch_swap(&b->side.slot, NULL);
}


static void test_exception (void **state) {
  struct bounded b;
  (void)state;
  handled = 0;
  assert_int_equal(protect(1), 3);
  assert_int_equal(handled, 1);
  side_open(&b.side, protectedentry);
  switch_swap(&b.side.slot, &b);
  assert_int_equal(b.found, 3);
  assert_int_equal(handled, 2);
  side_close(&b.side);
}

/* }====================================================== */


/*
** {======================================================
** Overflow
** =======================================================
*/

static struct side deep;

/* For ever. */
static APART int recurse (int n) {
  volatile char frame[1000];
  frame[0] = (char)n;
  return n < 0 ? 0 : recurse(n + 1) + frame[n & 1];
}


static void recurseentry (void *message) {
  switch_swap(&deep.slot, message == NULL ? NULL : &deep + recurse(0));
}


static int runrecursion (void *data) {
  switch_swap(&deep.slot, data);
  return 0;
}


static void test_overflow (void **state) {
  struct child_bounds before = child_bounds(), after;
  int result;
  (void)state;
  side_open(&deep, recurseentry);
  result = child_run(runrecursion, &deep);
  after = child_bounds();
  assert_true(child_isfault(result));
  assert_true(child.record.ExceptionCode == EXCEPTION_STACK_OVERFLOW);
  assert_ptr_equal(child.bounds.low, deep.stack->base);
  assert_true((char *)child.start.Rsp < (char *)before.high);
  assert_true(areequal(&after, &before));
  side_close(&deep);
}

/* }====================================================== */


int main (void) {
  const struct CMUnitTest tests[] = {
    {"the bounds are those of the stack that runs",
     test_bounds, NULL, NULL, NULL},
    {"the bounds of the resumer come back by a swap and an exit",
     test_bounds_of_resumer, NULL, NULL, NULL},
    {"bounds that a jump left behind can be exchanged",
     test_jumped, NULL, NULL, NULL},
    {"an exception on a stack finds the handler of a frame there",
     test_exception, NULL, NULL, NULL},
    {"recursion that overflows a stack is an overflow to the system",
     test_overflow, NULL, NULL, NULL},
  };
  return cmocka_run_group_tests_name("bounds", tests, NULL, NULL);
}
