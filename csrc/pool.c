/*
** pool.c
** Reuse of stacks
*/

#include "pool.h"


void pool_init (struct pool *p, size_t size, size_t limit) {
  p->free = NULL;
  p->size = size;
  p->limit = limit;
  p->cached = p->live = p->peak = p->reserved = p->made = p->reused = 0;
}


struct stack *pool_make (struct pool *p) {
  struct stack *s = stack_new(p->size);
  if (s != NULL) {
    p->reserved += s->bytes;
    p->made++;
    if (++p->live > p->peak)
      p->peak = p->live;
  }
  return s;
}


void pool_release (struct pool *p, struct stack *s) {
  p->reserved -= s->bytes;
  p->live--;
  stack_free(s);
}


void pool_resize (struct pool *p, size_t size, size_t limit) {
  if (size != p->size)
    pool_trim(p, 0);
  pool_trim(p, limit);
  p->size = size;
  p->limit = limit;
}


size_t pool_trim (struct pool *p, size_t keep) {
  size_t before = p->reserved;
  while (p->cached > keep) {
    struct stack *s = p->free;
    p->free = s->next;
    p->cached--;
    pool_release(p, s);
  }
  return before - p->reserved;
}
