/*
** s390x.h
** switch.h for z/Architecture (s390x ELF ABI supplement 1.6, sections
** "Registers" and "The Stack Frame")
**
** The switch is inlined. It names every register as clobbered, so that the
** compiler saves what lives and nothing else; r11, r12 and r13, which may be
** the pointers to the frame, to the GOT and to literals, cannot be named or
** are taken for constant, and are saved by hand. a0 and a1 are the thread's.
** There is no red zone: what a function keeps outside its own frame lies in
** the area that its caller provides.
**
** struct context                     top of a prepared stack
**    0  fp       r11                    top (multiple of 8)
**    8  got      r12                    top - 152  where 'entry' saves registers,
**   16  literal  r13                               up to top
**   24  pc       where to go on (r14)   top - 160  back chain, 0: r15 points here
**   32  sp       r15                    below      frame of 'entry'
**   40  fpc
*/

#ifndef s390x_h
#define s390x_h

#include <stdint.h>

#include "outermost.h"

#define SWITCH_NAME "s390x"

struct context {
  void *fp;
  void *got;
  void *literal;
  void *pc;
  void *sp;
  uint32_t fpc;  /* see SWITCH_FPC */
};

/* Trapped exceptions; rounding of decimal and of binary numbers. The bytes
   between are flags and the code of the last exception. */
#define SWITCH_FPC UINT32_C(0xFF0000FF)

/* The names f0 to f15 cover v0 to v15. */
#if defined(__VX__)
#define SWITCH_CLOBBER_VX \
  , "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", \
  "v26", "v27", "v28", "v29", "v30", "v31"
#else
#define SWITCH_CLOBBER_VX
#endif

static inline void switch_prepare (struct context *c, void *low, void *top,
                                   void (*entry) (void *message)) {
  void **sp = (void **)((uintptr_t)top & ~(uintptr_t)7) - 20;
  (void)low;
  *sp = NULL;  /* no caller's frame */
  c->fp = NULL;
  c->got = NULL;
  c->literal = NULL;
  c->pc = (void *)(uintptr_t)entry;
  c->sp = sp;
  __asm__ volatile ("efpc %0" : "=d" (c->fpc));
}

static inline void *switch_here (void) {
  void *sp;
  __asm__ ("lgr %0, %%r15" : "=d" (sp));
  return sp;
}

static inline void *switch_thread (void) {
  void *self;
  __asm__ volatile ("ear %0, %%a0\n\tsllg %0, %0, 32\n\tear %0, %%a1"
                    : "=d" (self));
  return self;
}

/* Loads the floating-point control of c and leaves the running one in it. */
static inline void switch_swapfp (struct context *c) {
  uint32_t fpc, wantfpc = c->fpc;
  __asm__ volatile ("efpc %0" : "=d" (fpc));
  c->fpc = fpc;
  if (((fpc ^ wantfpc) & SWITCH_FPC) != 0) {
    wantfpc = (fpc & ~SWITCH_FPC) | (wantfpc & SWITCH_FPC);
    __asm__ volatile ("sfpc %0" : : "d" (wantfpc));
  }
}

static inline void *switch_swap (struct context *c, void *message) {
  switch_swapfp(c);
  /* no call, not even a sanitizer's, may stand between these and their use */
  register void *r2 __asm__ ("r2") = message;
  register struct context *r3 __asm__ ("r3") = c;
  __asm__ volatile (
    "lmg %%r6, %%r10, 0(%%r3)\n\t"
    "larl %%r14, 1f\n\t"
    "stmg %%r11, %%r15, 0(%%r3)\n\t"
    "lgr %%r15, %%r10\n\t"
    SWITCH_CROSSING("14")
    "lgr %%r11, %%r6\n\t"
    "lgr %%r12, %%r7\n\t"
    "lgr %%r13, %%r8\n\t"
    "lghi %%r14, 0\n\t"  /* 'entry' has no caller: unwinders stop */
    "br %%r9\n\t"
    SWITCH_CROSSED
    "1:"
    : "+r" (r2), "+r" (r3)
    :
    : "r0", "r1", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r14", "f0", "f1",
      "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11", "f12",
      "f13", "f14", "f15" SWITCH_CLOBBER_VX, "memory", "cc");
  return r2;
}

static inline void switch_exit (struct context *c, void *message) {
  switch_swapfp(c);
  /* no call, not even a sanitizer's, may stand between these and their use */
  register void *r2 __asm__ ("r2") = message;
  register struct context *r3 __asm__ ("r3") = c;
  __asm__ volatile (
    "lmg %%r11, %%r15, 0(%%r3)\n\t"
    "lgr %%r1, %%r14\n\t"
    "lghi %%r14, 0\n\t"  /* as in switch_swap */
    "br %%r1"
    : : "r" (r2), "r" (r3) : "memory");
  __builtin_unreachable();
}

#endif
