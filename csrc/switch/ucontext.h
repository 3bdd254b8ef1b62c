/*
** ucontext.h
** switch.h for every other POSIX system, by <ucontext.h> (POSIX.1-2001)
**
** A ucontext_t may hold pointers into itself and must not move: it lies on
** the stack that it describes and the slot points to it.
*/

#ifndef ucontext_h
#define ucontext_h

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include "outermost.h"

#define SWITCH_NAME "ucontext"

struct saved {
  ucontext_t machine;
  void (*entry) (void *message);
  void *message;
  uint32_t mxcsr;  /* i386 with SSE: its control and status */
};

struct context {
  struct saved *saved;
};

/* On i386 'swapcontext' keeps the control of the x87, not that of SSE. */
#if defined(__i386__) && defined(__GNUC__)
#include "sse.h"
#define SWITCH_HASSSE switch_hassse()
#define SWITCH_SSE(how, s) \
  __asm__ volatile (how " %0" : "+m" ((s)->mxcsr) : : "memory")
#else
#define SWITCH_HASSSE 0
#define SWITCH_SSE(how, s) ((void)(s))
#endif

static inline void switch_keepsse (struct saved *s) {
  if (SWITCH_HASSSE)
    SWITCH_SSE("stmxcsr", s);
}

static inline void switch_loadsse (struct saved *s) {
  if (SWITCH_HASSSE)
    SWITCH_SSE("ldmxcsr", s);
}

/* 'makecontext' passes ints: an address takes two of them. */
static inline void switch_start (unsigned int high, unsigned int low) {
  struct saved *s = (struct saved *)(uintptr_t)
                    (((uint64_t)high << 32) | (uint64_t)low);
  switch_loadsse(s);
  s->entry(s->message);
}

static inline void switch_prepare (struct context *c, void *low, void *top,
                                   void (*entry) (void *message)) {
  struct saved *s = (struct saved *)
    (((uintptr_t)top - sizeof(struct saved)) & ~(uintptr_t)63);
  uint64_t address = (uint64_t)(uintptr_t)s;
  getcontext(&s->machine);
  s->machine.uc_stack.ss_sp = low;
  s->machine.uc_stack.ss_size = (size_t)((char *)s - (char *)low);
  s->machine.uc_link = NULL;
  s->entry = entry;
  switch_keepsse(s);
  makecontext(&s->machine, (void (*) (void))(uintptr_t)switch_start, 2,
              (unsigned int)(address >> 32), (unsigned int)address);
  c->saved = s;
}

static inline void *switch_here (void) {
  return __builtin_frame_address(0);
}

static inline void *switch_thread (void) {
  return (void *)(uintptr_t)pthread_self();
}

#if !defined(__cplusplus)  /* <signal.h> hides it in strict C99 */
int sigprocmask (int how, const sigset_t *set, sigset_t *old);
#endif

/* The signal mask is the thread's, not the context's: it goes along. To read it
   'pthread_sigmask' does the same, which glibc before 2.32 has in a library
   that a program without threads does not load. */
static inline void switch_takemask (ucontext_t *to) {
  sigprocmask(0, NULL, &to->uc_sigmask);
}

static inline void *switch_swap (struct context *c, void *message) {
  struct saved here;
  struct saved *there = c->saved;
  c->saved = &here;
  there->message = message;
  switch_takemask(&there->machine);
  switch_keepsse(&here);
  swapcontext(&here.machine, &there->machine);
  switch_loadsse(&here);
  return here.message;
}

static inline void switch_exit (struct context *c, void *message) {
  c->saved->message = message;
  switch_takemask(&c->saved->machine);
  setcontext(&c->saved->machine);
}

#endif
