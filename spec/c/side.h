/*
** side.h
** One context on a stack of its own, for tests of switch.h
**
** A failed assertion of cmocka is a longjmp, which must not leave the stack
** it stands on: code on a side records, the test asserts.
*/

#ifndef side_h
#define side_h

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "alone.h"
#include "switch.h"

#define SIDE_SIZE ((size_t)256 << 10)

/* Keeps a function a function: it is neither inlined nor specialized. */
#if defined(__clang__)
#define APART __attribute__((noinline))
#else
#define APART __attribute__((noinline, noclone))
#endif

struct side {
  struct context slot;
  struct stack *stack;
  void *data;  /* the test's */
};

static inline void side_open (struct side *s, void (*entry) (void *message)) {
  s->stack = stack_alone(SIDE_SIZE);
  s->data = NULL;
  assert_non_null(s->stack);
  switch_prepare(&s->slot, stack_low(s->stack), stack_top(s->stack), entry);
}

/* Whatever is suspended there is dropped. */
static inline void side_close (struct side *s) {
  stack_drop(s->stack);
}

/* A random number below 'limit' from a state that the caller seeds. */
static inline uint32_t side_random (uint32_t *state, uint32_t limit) {
  *state = *state * UINT32_C(1664525) + UINT32_C(1013904223);
  return (*state >> 8) % limit;
}

#endif
