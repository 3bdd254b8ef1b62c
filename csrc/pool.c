/*
** pool.c
** Reuse of stacks
*/

#include "pool.h"


void pool_init (struct pool *p, size_t size, size_t limit) {
  p->free = NULL;
  p->size = size;
  p->limit = limit;
  p->cached = p->reserved = p->made = p->reused = 0;
}


struct stack *pool_get (struct pool *p) {
  struct stack *s = p->free;
  if (s != NULL) {
    p->free = s->next;
    p->cached--;
    p->reused++;
  }
  else if ((s = stack_new(p->size)) != NULL) {
    p->reserved += s->bytes;
    p->made++;
  }
  return s;
}


void pool_put (struct pool *p, struct stack *s) {
  if (s->size == p->size && p->cached < p->limit) {
    s->next = p->free;
    p->free = s;
    p->cached++;
  }
  else {
    p->reserved -= s->bytes;
    stack_free(s);
  }
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
    p->reserved -= s->bytes;
    stack_free(s);
  }
  return before - p->reserved;
}
