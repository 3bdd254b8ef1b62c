/*
** swapcontext.c
** Round trips by swapcontext of the C library
** usage: swapcontext N
*/

#define _GNU_SOURCE  /* the stack of a ucontext_t */

#include <ucontext.h>

struct end {
  ucontext_t *here, *other;
};

#include "trips.h"

static ucontext_t first, second;
static void *message;

static inline void *end_swap (struct end *e, void *v) {
  message = v;
  swapcontext(e->here, e->other);
  return message;
}

static void entry (void) {
  struct end e = {&second, &first};
  end_echo(e, message);
}

static struct end end_open (void) {
  struct end e = {&first, &second};
  getcontext(&second);
  second.uc_stack.ss_sp = end_stack();
  second.uc_stack.ss_size = STACK_SIZE;
  second.uc_link = NULL;
  makecontext(&second, entry, 0);
  return e;
}
