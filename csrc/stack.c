/*
** stack.c
** One native stack
*/

#include "stack.h"

#include <string.h>

#include "pages.h"


/* Is all from 'from' up to 'end' zero? Compares it with itself, a word on. */
static int iszero (const char *from, const char *end) {
  uintptr_t first;
  memcpy(&first, from, sizeof(first));
  return first == 0
      && memcmp(from, from + sizeof(first),
                (size_t)(end - from) - sizeof(first)) == 0;
}


size_t stack_used (const struct stack *s) {
  const char *end = s->base + s->bytes;
  const char *p = stack_low(s);
  size_t page = pages_size();
  while (iszero(p, p + page))  /* the last page has the record */
    p += page;
  while (iszero(p, p + sizeof(uintptr_t)))
    p += sizeof(uintptr_t);
  return (size_t)(end - p);
}


/* Calls that go deep leave something in each STACK_LOOK bytes they pass: larger
   frames are rare. A page that nobody touched reads as zeros and takes no
   memory by that. */
void stack_trim (struct stack *s) {
  char *end = s->base + s->bytes;
  char *keep = end - pages_round(STACK_KEEP);
  if (keep > stack_low(s) && !iszero(keep - STACK_LOOK, keep))
    pages_discard(stack_low(s), (size_t)(keep - stack_low(s)));
}
