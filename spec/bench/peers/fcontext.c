/*
** fcontext.c
** Round trips by the context switch of Boost.Context
** usage: fcontext N
*/

#include <stddef.h>

/* Declared in Boost's headers for C++ alone, with C linkage. */
typedef void *fcontext_t;

struct transfer {
  fcontext_t from;
  void *v;
};

fcontext_t make_fcontext (void *top, size_t size,
                          void (*entry) (struct transfer));
struct transfer jump_fcontext (fcontext_t to, void *v);

struct end {
  fcontext_t other;
};

#include "trips.h"

static inline void *end_swap (struct end *e, void *v) {
  struct transfer t = jump_fcontext(e->other, v);
  e->other = t.from;
  return t.v;
}

static void entry (struct transfer t) {
  struct end e = {t.from};
  end_echo(e, t.v);
}

static struct end end_open (void) {
  struct end e;
  e.other = make_fcontext(end_stack() + STACK_SIZE, STACK_SIZE, entry);
  return e;
}
