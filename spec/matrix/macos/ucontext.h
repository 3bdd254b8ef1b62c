/* ucontext.h: see types.h. Apple's has these functions on request only, and a
   larger ucontext_t with them. */

#ifndef ucontext_h_standin
#define ucontext_h_standin

#if !defined(_XOPEN_SOURCE)
#error "the deprecated functions require _XOPEN_SOURCE"
#endif

#include "signal.h"

typedef struct ucontext {
  int uc_onstack;
  sigset_t uc_sigmask;
  stack_t uc_stack;
  struct ucontext *uc_link;
  size_t uc_mcsize;
  void *uc_mcontext;
  uint64_t machine[128];
} ucontext_t;

#define DEPRECATED __attribute__((deprecated))

int getcontext (ucontext_t *c) DEPRECATED;
void makecontext (ucontext_t *c, void (*f) (void), int n, ...) DEPRECATED;
int setcontext (const ucontext_t *c) DEPRECATED;
int swapcontext (ucontext_t *from, const ucontext_t *to) DEPRECATED;

#endif
