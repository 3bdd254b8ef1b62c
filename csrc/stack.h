/*
** stack.h
** One native stack: a guarded piece of memory. Knows no Lua.
**
**   mapping                                          multiples of a page
**   | guard         | the stack, growing down <---- | struct stack |
**   base            base + guard                    top           base + bytes
**
** The record lies at the upper end, in the page that every stack touches
** first, out of reach of an overflow.
*/

#ifndef stack_h
#define stack_h

#include <stddef.h>
#include <stdint.h>

#include "config.h"

struct stack {
  char *base;  /* start of the mapping and of the guard */
  size_t bytes;  /* of the mapping */
  size_t size;  /* what was asked for, in whole pages */
  struct stack *next;  /* in the pool's list of free stacks */
};

/* Rounds a size up to whole pages. */
PRIVATE size_t stack_round (size_t size);

/* Makes a stack with 'size' bytes (a result of stack_round) between guard
   and top, less the record. NULL with errno set when memory is short. */
PRIVATE struct stack *stack_new (size_t size);

PRIVATE void stack_free (struct stack *s);

/* The lowest address that may be used. */
INLINE char *stack_low (const struct stack *s) {
  return s->base + (s->bytes - s->size);
}

/* The upper end of what may be used, aligned to 64 bytes. */
INLINE char *stack_top (struct stack *s) {
  return (char *)((uintptr_t)s & ~(uintptr_t)63);
}

/* Does 'address' lie on this stack? */
INLINE int stack_holds (const struct stack *s, const void *address) {
  return (uintptr_t)address - (uintptr_t)s->base < s->bytes;
}

#endif
