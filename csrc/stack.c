/*
** stack.c
** One native stack
*/

#include "stack.h"

#include <errno.h>

#include "pages.h"


static size_t roundup (size_t n, size_t unit) {
  return (n + unit - 1) & ~(unit - 1);
}


static size_t guardsize (void) {
  return roundup(GUARD_SIZE, pages_size());
}


size_t stack_round (size_t size) {
  return roundup(size, pages_size());
}


struct stack *stack_new (size_t size) {
  struct stack *s;
  size_t bytes = guardsize() + size;
  char *base = pages_reserve(bytes);
  if (base == NULL)
    return NULL;
  if (pages_guard(base, guardsize()) != 0) {
    int why = errno;
    pages_release(base, bytes);
    errno = why;
    return NULL;
  }
  s = (struct stack *)(void *)(base + bytes - sizeof(struct stack));
  s->base = base;
  s->bytes = bytes;
  s->size = size;
  s->next = NULL;
  return s;
}


void stack_free (struct stack *s) {
  pages_release(s->base, s->bytes);
}
