/*
** arm.h
** switch.h for 32-bit ARM, code in ARM and Thumb-2, hard and soft float
** (AAPCS32 2023Q3, sections 6.1.1, 6.1.2 and 6.2.1)
**
** The switch is inlined. It names every register as clobbered, so that the
** compiler saves what lives and nothing else; r7 and r11, of which one may be
** the frame pointer and cannot be named, it saves itself. r9 is a register like
** any on systems that give it no role. Without VFP the compiler knows no names
** of its registers: vfp.h.
**
** struct context                     top of a prepared stack
**    0  r7   Thumb: frame pointer       top (multiple of 8): sp points here
**    4  fp   r11, ARM: frame pointer    top - 8   frame of 'entry': r7, r11 and
**    8  sp                                        lr = 0
**   12  pc   where to go on, odd in Thumb
**   16  fpscr
*/

#ifndef arm_h
#define arm_h

#include <stdint.h>

#include "outermost.h"
#include "vfp.h"

#define SWITCH_NAME "ARM"

struct context {
  void *r7;
  void *fp;
  void *sp;
  void *pc;
  uint32_t fpscr;  /* rounding, flush to zero, trapped exceptions */
};

/* The address of the label 1 as 'bx' expects it. In Thumb 'adr' counts from a
   multiple of 4, to which the code's section must then be aligned. */
#if defined(__thumb__)
#define SWITCH_LABEL(r) "adr.w " r ", 1f\n\torr " r ", " r ", #1\n\t"
#else
#define SWITCH_LABEL(r) "adr " r ", 1f\n\t"
#endif

/* Where there are 16 of them gcc takes the other names, clang warns of them,
   and whether they are there it does not tell. */
#if !defined(__clang__) || defined(__ARM_NEON) || defined(__ARM_VFPV3__)
#define SWITCH_CLOBBER_D32 \
  , "d16", "d17", "d18", "d19", "d20", "d21", "d22", "d23", "d24", "d25", \
  "d26", "d27", "d28", "d29", "d30", "d31"
#else
#define SWITCH_CLOBBER_D32
#endif

#if defined(__ARM_FP)
#define SWITCH_CLOBBER_VFP \
  , "d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "d9", "d10", "d11", \
  "d12", "d13", "d14", "d15" SWITCH_CLOBBER_D32
#else
#define SWITCH_CLOBBER_VFP
#endif

static inline void switch_prepare (struct context *c, void *low, void *top,
                                   void (*entry) (void *message)) {
  (void)low;
  c->r7 = c->fp = NULL;  /* no caller's frame */
  c->sp = (void *)((uintptr_t)top & ~(uintptr_t)7);
  c->pc = (void *)(uintptr_t)entry;
  if (switch_hasvfp())
    c->fpscr = switch_getfpscr();
}

static inline void *switch_here (void) {
  void *sp;
  __asm__ ("mov %0, sp" : "=r" (sp));
  return sp;
}

/* The thread's register, or the function that stands for it before ARMv6K
   (Run-time ABI for the Arm Architecture, section 5.3.5): it changes r0, ip and
   lr, no others. */
static inline void *switch_thread (void) {
#if __ARM_ARCH >= 7
  void *self;
  __asm__ volatile ("mrc p15, 0, %0, c13, c0, 3" : "=r" (self));
  return self;
#else
  register void *r0 __asm__ ("r0");
  __asm__ volatile ("bl __aeabi_read_tp" : "=r" (r0) : : "r12", "lr", "cc");
  return r0;
#endif
}

/* Loads the floating-point control of c and leaves the running one in it. Flags
   (conditions, saturation, exceptions) alone are not worth it. */
static inline void switch_swapfp (struct context *c) {
  if (switch_hasvfp()) {
    uint32_t fpscr = switch_getfpscr(), wantfpscr = c->fpscr;
    c->fpscr = fpscr;
    if (((fpscr ^ wantfpscr) & ~UINT32_C(0xF800009F)) != 0)
      switch_setfpscr(wantfpscr);
  }
}

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Winline-asm"
#endif

/* Exchanges all but floating point. */
static inline void *switch_swapcore (struct context *c, void *message) {
  /* no call, not even a sanitizer's, may stand between these and their use */
  register void *r0 __asm__ ("r0") = message;
  register struct context *r1 __asm__ ("r1") = c;
  __asm__ volatile (
    "ldmia r1, {r2, r3, r4, r5}\n\t"
    SWITCH_LABEL("lr")
    "mov r12, sp\n\t"
    "stmia r1, {r7, r11, r12, lr}\n\t"
    "mov sp, r4\n\t"
    SWITCH_CROSSING("lr")
    "mov r7, r2\n\t"
    "mov r11, r3\n\t"
    "mov lr, #0\n\t"  /* 'entry' has no caller: unwinders stop */
    "bx r5\n\t"
    SWITCH_CROSSED
    ".p2align 2\n"
    "1:"
    : "+r" (r0), "+r" (r1)
    :
    : "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12", "lr"
      SWITCH_CLOBBER_VFP, "memory", "cc");
  return r0;
}

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

static inline void *switch_swap (struct context *c, void *message) {
  switch_swapfp(c);
#if !defined(__ARM_FP)
  if (switch_hasvfp()) {
    uint64_t vfp[8];
    switch_getvfp(vfp);
    message = switch_swapcore(c, message);
    switch_setvfp(vfp);
    return message;
  }
#endif
  return switch_swapcore(c, message);
}

static inline void switch_exit (struct context *c, void *message) {
  switch_swapfp(c);
  /* no call, not even a sanitizer's, may stand between these and their use */
  register void *r0 __asm__ ("r0") = message;
  register struct context *r1 __asm__ ("r1") = c;
  __asm__ volatile (
    "ldmia r1, {r2, r3, r4, r5}\n\t"
    "mov r7, r2\n\t"
    "mov r11, r3\n\t"
    "mov sp, r4\n\t"
    "mov lr, #0\n\t"  /* as in switch_swap */
    "bx r5"
    : : "r" (r0), "r" (r1) : "memory");
  __builtin_unreachable();
}

#endif
