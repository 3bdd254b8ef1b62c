/*
** switch.c
** Round trips by the context switch of cfiber
** usage: switch N
*/

#include "switch.h"

struct end {
  struct context *slot;
};

#include "trips.h"

static struct context slot;

static inline void *end_swap (struct end *e, void *v) {
  return switch_swap(e->slot, v);
}

static void entry (void *v) {
  struct end e = {&slot};
  end_echo(e, v);
}

static struct end end_open (void) {
  struct end e = {&slot};
  char *stack = end_stack();
  switch_prepare(&slot, stack, stack + STACK_SIZE, entry);
  return e;
}
