/*
** stack.c
** One native stack
*/

#include "stack.h"

#include <string.h>

#include "annotate.h"
#include "pages.h"


/* Is all from 'from' up to 'end' zero? Compares it with itself, a word on. */
static int iszero (const char *from, const char *end) {
  static const uintptr_t zero = 0;
  return annotate_equal(from, (const char *)&zero, sizeof(zero))
      && annotate_equal(from, from + sizeof(zero),
                        (size_t)(end - from) - sizeof(zero));
}


size_t stack_used (const struct stack *s) {
  const char *p = stack_low(s);
  size_t page = pages_size();
  annotate_peek();
  while (iszero(p, p + page))  /* the last page has the record */
    p += page;
  while (iszero(p, p + sizeof(uintptr_t)))
    p += sizeof(uintptr_t);
  annotate_peeked();
  return (size_t)((const char *)(s + 1) - p);
}


/* Calls that go deep leave something in each STACK_LOOK bytes they pass: larger
   frames are rare. A page that nobody touched reads as zeros and takes no
   memory by that. */
void stack_trim (struct stack *s) {
  char *end = s->base + s->bytes;
  char *keep = end - pages_round(STACK_KEEP);
  int used;
  annotate_peek();
  used = keep > stack_low(s) && !iszero(keep - STACK_LOOK, keep);
  annotate_peeked();
  if (used)
    pages_discard(stack_low(s), (size_t)(keep - stack_low(s)));
}
