/*
** stack.h
** One native stack: a guarded piece of memory. Knows no Lua.
**
**                                                      multiples of a page
**   | guard         | the stack, growing down <---- | struct stack |  shift |
**   base            base + guard                    top           base + bytes
**
** The record lies next to the upper end, in the page that every stack touches
** first, out of reach of an overflow.
*/

#ifndef stack_h
#define stack_h

#include <stddef.h>
#include <stdint.h>

#include "config.h"

struct stack {
  char *base;  /* start of the guard */
  size_t bytes;  /* of guard and stack */
  size_t size;  /* without the guard, in whole pages */
  struct slab *slab;  /* the memory it is cut from */
  struct pool *pool;  /* where it goes back to */
  struct stack *next;  /* in the pool's list of free stacks */
  int trimmed;  /* in that list: its deep pages were looked after */
  int prepared;  /* for whoever uses it: what was written below this record is
                    still there. 0 when the stack is made */
  unsigned int id;  /* what valgrind calls it (annotate.h) */
};

/* The bytes from the top that were in use, at most, since the system gave the
   pages: down to the lowest word that is not zero. Stacks are reused, so this
   may have been an earlier use. Reads the whole stack. */
PRIVATE size_t stack_used (const struct stack *s);

/* Gives the pages of a free stack back that lie more than STACK_KEEP bytes
   below the upper end, if there seem to be any. */
PRIVATE void stack_trim (struct stack *s);

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
