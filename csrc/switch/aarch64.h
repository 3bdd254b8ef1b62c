/*
** aarch64.h
** switch.h for AArch64 (AAPCS64 2023Q3, section 6.1)
**
** The switch is inlined. It names every register as clobbered, so that the
** compiler saves what lives and nothing else; x29, the frame pointer, cannot
** be named and is saved by hand. Return addresses signed on a stack are
** authenticated on it again, with the same sp.
**
** struct context                     top of a prepared stack
**    0  sp                              top (multiple of 16): sp points here
**    8  fp   x29                        top - 16  frame of 'entry': x29 = 0,
**   16  pc   where to go on                       x30 = 0
**   24  fpcr
*/

#ifndef aarch64_h
#define aarch64_h

#include <stdint.h>

#include "outermost.h"

#define SWITCH_NAME "AArch64"

struct context {
  void *sp;
  void *fp;
  void *pc;
  uint64_t fpcr;  /* rounding, flush to zero, trapped exceptions */
};

/* On Apple's systems x18 is the platform's, on the others an ordinary scratch
   register; and they keep the address of the thread in another place, where
   before macOS 12 three bits are the number of the processor (xnu, os/tsd.h). */
#if defined(__APPLE__)
#define SWITCH_CLOBBER_X18
#define SWITCH_THREAD "tpidrro_el0"
#define SWITCH_NOTHREAD ((uintptr_t)7)
#else
#define SWITCH_THREAD "tpidr_el0"
#define SWITCH_NOTHREAD ((uintptr_t)0)
#define SWITCH_CLOBBER_X18 "x18",
#endif

/* With SVE the compiler may keep predicates over the swap. The names v0 to
   v31 cover z0 to z31. */
#if defined(__ARM_FEATURE_SVE)
#define SWITCH_CLOBBER_SVE \
  , "p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", \
  "p12", "p13", "p14", "p15"
#else
#define SWITCH_CLOBBER_SVE
#endif

static inline void switch_prepare (struct context *c, void *low, void *top,
                                   void (*entry) (void *message)) {
  (void)low;
  c->sp = (void *)((uintptr_t)top & ~(uintptr_t)15);
  c->fp = NULL;  /* no caller's frame */
  c->pc = (void *)(uintptr_t)entry;
  __asm__ volatile ("mrs %0, fpcr" : "=r" (c->fpcr));
}

static inline void *switch_here (void) {
  void *sp;
  __asm__ ("mov %0, sp" : "=r" (sp));
  return sp;
}

static inline void *switch_thread (void) {
  uintptr_t self;
  __asm__ volatile ("mrs %0, " SWITCH_THREAD : "=r" (self));
  return (void *)(self & ~SWITCH_NOTHREAD);
}

/* Loads the floating-point control of c and leaves the running one in it. */
static inline void switch_swapfp (struct context *c) {
  uint64_t fpcr, wantfpcr = c->fpcr;
  __asm__ volatile ("mrs %0, fpcr" : "=r" (fpcr));
  c->fpcr = fpcr;
  if (fpcr != wantfpcr)
    __asm__ volatile ("msr fpcr, %0" : : "r" (wantfpcr));
}

static inline void *switch_swap (struct context *c, void *message) {
  switch_swapfp(c);
  /* no call, not even a sanitizer's, may stand between these and their use */
  register void *x0 __asm__ ("x0") = message;
  register struct context *x1 __asm__ ("x1") = c;
  __asm__ volatile (
    "ldp x9, x10, [x1]\n\t"
    "ldr x16, [x1, #16]\n\t"
    "mov x12, sp\n\t"
    "adr x13, 1f\n\t"
    "stp x12, x29, [x1]\n\t"
    "str x13, [x1, #16]\n\t"
    "mov sp, x9\n\t"
    SWITCH_CROSSING("x30")
    "mov x29, x10\n\t"
    "mov x30, xzr\n\t"  /* 'entry' has no caller: unwinders stop */
    "br x16\n\t"  /* through x16: allowed to land on 'bti c' and 'bti j' */
    SWITCH_CROSSED
    "1:\thint #36\n\t"  /* bti j */
    : "+r" (x0), "+r" (x1)
    :
    : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
      "x13", "x14", "x15", "x16", "x17", SWITCH_CLOBBER_X18 "x19", "x20",
      "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "v0",
      "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11",
      "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21",
      "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31"
      SWITCH_CLOBBER_SVE, "memory", "cc");
  return x0;
}

static inline void switch_exit (struct context *c, void *message) {
  switch_swapfp(c);
  /* no call, not even a sanitizer's, may stand between these and their use */
  register void *x0 __asm__ ("x0") = message;
  register struct context *x1 __asm__ ("x1") = c;
  __asm__ volatile (
    "ldp x9, x29, [x1]\n\t"
    "ldr x16, [x1, #16]\n\t"
    "mov sp, x9\n\t"
    "mov x30, xzr\n\t"  /* as in switch_swap */
    "br x16"
    : : "r" (x0), "r" (x1) : "memory");
  __builtin_unreachable();
}

#endif
