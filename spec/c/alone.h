/*
** alone.h
** One stack in a slab of its own, for tests of what stands on stacks
*/

#ifndef alone_h
#define alone_h

#include <errno.h>

#include "slab.h"

/* NULL with errno set when the system refuses. */
static inline struct stack *stack_alone (size_t size) {
  enum pages_guard way = GUARD_ADVICE;
  struct slab *b = slab_new(size, 1);
  struct stack *s = b == NULL ? NULL : slab_take(b, 0, &way);
  if (b != NULL && s == NULL) {
    int why = errno;
    slab_free(b);
    errno = why;
  }
  return s;
}

static inline void stack_drop (struct stack *s) {
  struct slab *b = s->slab;
  slab_give(b, s);
  slab_free(b);
}

#endif
