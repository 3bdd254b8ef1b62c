/*
** riscv64.h
** switch.h for RISC-V with 64 bits (psABI 1.0, "Register Convention" and
** "Integer Calling Convention"; lp64, lp64f and lp64d)
**
** The switch is inlined. It names every register as clobbered, so that the
** compiler saves what lives and nothing else; s0, which may be the frame
** pointer and cannot be named, it saves itself. gp and tp belong to the
** program and to the thread. A stack has no red zone.
**
** struct context                     top of a prepared stack
**    0  sp                              top (multiple of 16): sp points here
**    8  fp   s0                         top - 8   frame of 'entry': ra = 0,
**   16  pc   where to go on             top - 16                    s0 = 0
**   24  frm
*/

#ifndef riscv64_h
#define riscv64_h

#include <stdint.h>

#include "outermost.h"

#define SWITCH_NAME "RISC-V 64"

struct context {
  void *sp;
  void *fp;
  void *pc;
  uint64_t frm;  /* rounding mode */
};

/* Without floating-point registers there is no control of them either. In lp64
   none of them is kept over a call. */
#if defined(__riscv_flen)
#define SWITCH_READFRM(to) __asm__ volatile ("frrm %0" : "=r" (to))
#define SWITCH_WRITEFRM(from) __asm__ volatile ("fsrm %0" : : "r" (from))
#define SWITCH_CLOBBER_F \
  , "f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11", \
  "f12", "f13", "f14", "f15", "f16", "f17", "f18", "f19", "f20", "f21", \
  "f22", "f23", "f24", "f25", "f26", "f27", "f28", "f29", "f30", "f31"
#else
#define SWITCH_READFRM(to) ((to) = 0)
#define SWITCH_WRITEFRM(from) ((void)(from))
#define SWITCH_CLOBBER_F
#endif

/* A call keeps nothing of the vector unit, so nothing of it is in the slot.
   Compilers that use it know the names, from clang 16 on also of its control;
   GCC 12 takes the option and does not use it. */
#if defined(__riscv_v_intrinsic) \
    || (defined(__riscv_vector) && defined(__clang__))
#define SWITCH_CLOBBER_V \
  , "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", \
  "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", \
  "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31"
#else
#define SWITCH_CLOBBER_V
#endif
#if defined(__riscv_v_intrinsic)
#define SWITCH_CLOBBER_VL , "vl", "vtype", "vxrm"
#else
#define SWITCH_CLOBBER_VL
#endif

static inline void switch_prepare (struct context *c, void *low, void *top,
                                   void (*entry) (void *message)) {
  (void)low;
  c->sp = (void *)((uintptr_t)top & ~(uintptr_t)15);
  c->fp = NULL;  /* no caller's frame */
  c->pc = (void *)(uintptr_t)entry;
  SWITCH_READFRM(c->frm);
}

static inline void *switch_here (void) {
  void *sp;
  __asm__ ("mv %0, sp" : "=r" (sp));
  return sp;
}

static inline void *switch_thread (void) {
  void *self;
  __asm__ volatile ("mv %0, tp" : "=r" (self));
  return self;
}

/* Loads the rounding mode of c and leaves the running one in it. */
static inline void switch_swapfp (struct context *c) {
  uint64_t frm, wantfrm = c->frm;
  SWITCH_READFRM(frm);
  c->frm = frm;
  if (frm != wantfrm)
    SWITCH_WRITEFRM(wantfrm);
}

static inline void *switch_swap (struct context *c, void *message) {
  switch_swapfp(c);
  /* no call, not even a sanitizer's, may stand between these and their use */
  register void *a0 __asm__ ("a0") = message;
  register struct context *a1 __asm__ ("a1") = c;
  __asm__ volatile (
    "ld t0, 0(a1)\n\t"
    "ld t1, 8(a1)\n\t"
    "ld t2, 16(a1)\n\t"
    "lla t3, 1f\n\t"
    "sd sp, 0(a1)\n\t"
    "sd s0, 8(a1)\n\t"
    "sd t3, 16(a1)\n\t"
    "mv sp, t0\n\t"
    SWITCH_CROSSING("ra")
    "mv s0, t1\n\t"
    "li ra, 0\n\t"  /* 'entry' has no caller: unwinders stop */
    "jr t2\n\t"  /* through x7: no landing pad is asked for (Zicfilp) */
    SWITCH_CROSSED
    "1:"
    : "+r" (a0), "+r" (a1)
    :
    : "ra", "t0", "t1", "t2", "s1", "a2", "a3", "a4", "a5", "a6", "a7", "s2",
      "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5",
      "t6" SWITCH_CLOBBER_F SWITCH_CLOBBER_V SWITCH_CLOBBER_VL, "memory");
  return a0;
}

static inline void switch_exit (struct context *c, void *message) {
  switch_swapfp(c);
  /* no call, not even a sanitizer's, may stand between these and their use */
  register void *a0 __asm__ ("a0") = message;
  register struct context *a1 __asm__ ("a1") = c;
  __asm__ volatile (
    "ld t2, 16(a1)\n\t"
    "ld s0, 8(a1)\n\t"
    "ld sp, 0(a1)\n\t"
    "li ra, 0\n\t"  /* as in switch_swap */
    "jr t2"
    : : "r" (a0), "r" (a1) : "memory");
  __builtin_unreachable();
}

#endif
