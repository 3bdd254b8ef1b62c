/*
** pages_test.c
** Memory from the system: reserving, guarding, giving back
*/

#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE  /* syscall, mlockall */
#endif

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "pages.h"

#include "child.h"
#include "memory.h"
#include "refuse.h"

#define PAGES 8
#define GUARDED 4  /* of them, from the start */

struct area {
  char *at;
  size_t bytes, guard;
};


static int guard (const struct area *a) {
  enum pages_guard way = GUARD_ADVICE;
  return pages_guard(a->at, a->guard, &way);
}


static struct area reserve (void) {
  struct area a;
  a.bytes = PAGES * pages_size();
  a.guard = GUARDED * pages_size();
  a.at = (char *)pages_reserve(a.bytes);
  assert_non_null(a.at);
  return a;
}


/* Every page of the guard faults, what is above does not. */
static void checkguard (const struct area *a) {
  size_t i;
  for (i = 0; i < a->guard; i += pages_size()) {
    assert_true(child_isfault(child_run(child_touch, a->at + i)));
    assert_true(child_isfault(child_run(child_read, a->at + i)));
  }
  assert_true(child_isfault(child_run(child_touch, a->at + a->guard - 1)));
  assert_int_equal(child_run(child_touch, a->at + a->guard), 0);
  assert_int_equal(child_run(child_touch, a->at + a->bytes - 1), 0);
}


static void test_size (void **state) {
  size_t size = pages_size();
  (void)state;
  assert_true(size >= 4096);
  assert_true((size & (size - 1)) == 0);
}


static void test_round (void **state) {
  size_t page = pages_size();
  (void)state;
  assert_int_equal(pages_round(0), 0);
  assert_int_equal(pages_round(1), page);
  assert_int_equal(pages_round(page - 1), page);
  assert_int_equal(pages_round(page), page);
  assert_int_equal(pages_round(page + 1), 2 * page);
  assert_int_equal(pages_round(STACK_SIZE_MAX - 1), STACK_SIZE_MAX);
  assert_int_equal(pages_round(STACK_SIZE_MAX), STACK_SIZE_MAX);
}


static void test_zeroed (void **state) {
  struct area a = reserve();
  size_t i, sum = 0;
  (void)state;
  assert_true((uintptr_t)a.at % pages_size() == 0);
  for (i = 0; i < a.bytes; i++) {
    sum += (unsigned char)a.at[i];
    a.at[i] = 1;
  }
  assert_true(sum == 0);
  pages_release(a.at, a.bytes);
}


static void test_guard (void **state) {
  struct area a = reserve();
  (void)state;
  assert_int_equal(guard(&a), 0);
  checkguard(&a);
  pages_release(a.at, a.bytes);
}


static void test_guard_without_advice (void **state) {
  struct area a = reserve();
  (void)state;
  refuse_from(&refuse_madvise, 1, EINVAL);
  assert_int_equal(guard(&a), 0);
  refuse_nothing();
  checkguard(&a);
  pages_release(a.at, a.bytes);
}


/* In a child, which locks its memory and dies in the guard. */
static int guardlocked (void *data) {
  struct area a;
  (void)data;
  if (!memory_lock())
    return 2;
  a.bytes = PAGES * pages_size();
  a.guard = GUARDED * pages_size();
  a.at = (char *)pages_reserve(a.bytes);
  if (a.at == NULL || guard(&a) != 0)
    return 1;
  a.at[a.bytes - 1] = 1;
  return child_touch(a.at);
}


static void test_guard_locked (void **state) {
  int result = child_run(guardlocked, NULL);
  (void)state;
  if (result == -2)
    skip();
  assert_true(child_isfault(result));
}


static void test_guard_refused (void **state) {
  struct area a = reserve();
  int result, why;
  (void)state;
  refuse_from(&refuse_madvise, 1, EPERM);
  refuse_from(&refuse_mprotect, 1, ENOMEM);
  errno = 0;
  result = guard(&a);
  why = errno;
  refuse_nothing();
  assert_int_equal(result, -1);
  assert_int_equal(why, ENOMEM);
  pages_release(a.at, a.bytes);
}


static void test_too_much (void **state) {
  (void)state;
  errno = 0;
  assert_null(pages_reserve(SIZE_MAX & ~(pages_size() - 1)));
  assert_int_equal(errno, ENOMEM);
}


static void test_released (void **state) {
  unsigned long before = memory_reserved();
  int i;
  (void)state;
  if (!memory_tells())
    skip();
  for (i = 0; i < 1000; i++) {
    struct area a = reserve();
    assert_int_equal(guard(&a), 0);
    pages_release(a.at, a.bytes);
  }
  assert_true(memory_reserved() <= before + PAGES);
}


static void test_released_fault (void **state) {
  struct area a = reserve();
  (void)state;
  pages_release(a.at, a.bytes);
  assert_true(child_isfault(child_run(child_touch, a.at + a.bytes - 1)));
}


int main (void) {
  const struct CMUnitTest tests[] = {
    {"the size of a page is a power of two", test_size, NULL, NULL, NULL},
    {"bytes round up to pages", test_round, NULL, NULL, NULL},
    {"reserved memory is zeroed and aligned to pages",
     test_zeroed, NULL, NULL, NULL},
    {"every page of a guard faults and none above it",
     test_guard, NULL, NULL, NULL},
    {"a guard faults where the advice is refused",
     test_guard_without_advice, NULL, NULL, NULL},
    {"a guard faults in locked memory", test_guard_locked, NULL, NULL, NULL},
    {"a refused guard is reported with errno",
     test_guard_refused, NULL, NULL, NULL},
    {"too much memory is NULL with errno", test_too_much, NULL, NULL, NULL},
    {"released memory is no longer reserved",
     test_released, NULL, NULL, NULL},
    {"released memory faults", test_released_fault, NULL, NULL, NULL},
  };
  return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
