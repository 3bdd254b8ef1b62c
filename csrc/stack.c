/*
** stack.c
** One native stack
*/

#include "stack.h"

#include "pages.h"


/* The lowest word from 'from' up to 'end' that is not zero, or 'end'. */
static const char *lowestused (const char *from, const char *end) {
  const uintptr_t *p = (const uintptr_t *)(const void *)from;
  const uintptr_t *limit = (const uintptr_t *)(const void *)end;
  while (p < limit && *p == 0)
    p++;
  return (const char *)p;
}


size_t stack_used (const struct stack *s) {
  const char *end = s->base + s->bytes;
  return (size_t)(end - lowestused(stack_low(s), end));
}


/* Calls that go deep leave something in each of the pages they pass: frames
   of a page and more are rare. A page that nobody touched reads as zeros and
   takes no memory by that. */
void stack_trim (struct stack *s) {
  char *end = s->base + s->bytes;
  char *keep = end - pages_round(STACK_KEEP);
  size_t page = pages_size();
  if (keep > stack_low(s) && lowestused(keep - page, keep) < keep)
    pages_discard(stack_low(s), (size_t)(keep - stack_low(s)));
}
