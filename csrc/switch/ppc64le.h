/*
** ppc64le.h
** switch.h for POWER, 64 bits, little-endian (ELFv2 ABI 1.5, sections 2.2.2,
** Registers, and 2.2.3, The Stack Frame)
**
** The switch is inlined. It names every register as clobbered, so that the
** compiler saves what lives and nothing else; r31, which may be the frame
** pointer, r2, the TOC pointer, and r30, which compilers reserve where there is
** no TOC (ISA 3.1), cannot be named and are saved by hand. r13 is the thread's.
** It writes nothing below r1: the protected zone of 288 bytes stays as it is.
**
** struct context                     top of a prepared stack
**    0  sp   r1                         top (multiple of 16)
**    8  fp   r31                        top - 8   for the TOC pointer
**   16  pc   where to go on             top - 16  for the return address: 0,
**   24  toc  r2                                   where 'entry' stores it
**   32  pic  r30                        top - 24  for the CR
**   40  fpscr                           top - 32  back chain, 0: r1 points here
**   48  vscr                            below     frame of 'entry', whose back
**                                                 chain points here
*/

#ifndef ppc64le_h
#define ppc64le_h

#include <stdint.h>

#include "outermost.h"

#define SWITCH_NAME "ppc64le"

struct context {
  void *sp;
  void *fp;
  void *pc;
  void *toc;
  void *pic;
  uint64_t fpscr;  /* see SWITCH_FPSCR */
  uint32_t vscr;  /* see SWITCH_VSCR */
};

/* The bits that a function changes only where that is what it is for
   ("Limited-Access Bits"): rounding of decimal and of binary numbers (DRN, RN),
   trapped exceptions (VE, OE, UE, ZE, XE), flush to zero (NI; of vectors: NJ). */
#define SWITCH_FPSCR UINT64_C(0x7000000FF)
#define SWITCH_VSCR UINT32_C(0x10000)

/* What these registers pass through. */
union switch_fpscr {
  double f;
  uint64_t bits;
};

typedef uint32_t switch_vscr __attribute__((vector_size(16)));

static inline uint64_t switch_readfpscr (void) {
  union switch_fpscr r;
  __asm__ volatile ("mffs %0" : "=d" (r.f));
  return r.bits;
}

/* All 64 bits (L is 1). */
static inline void switch_writefpscr (uint64_t bits) {
  union switch_fpscr r;
  r.bits = bits;
  __asm__ volatile ("mtfsf 255, %0, 1, 0" : : "d" (r.f));
}

/* The word on the right, which is the first one here. */
static inline uint32_t switch_readvscr (void) {
  switch_vscr r;
  __asm__ volatile ("mfvscr %0" : "=v" (r));
  return r[0];
}

static inline void switch_writevscr (uint32_t bits) {
  switch_vscr r = {bits, 0, 0, 0};
  __asm__ volatile ("mtvscr %0" : : "v" (r));
}

static inline void switch_prepare (struct context *c, void *low, void *top,
                                   void (*entry) (void *message)) {
  void **sp = (void **)((uintptr_t)top & ~(uintptr_t)15) - 4;
  (void)low;
  sp[0] = NULL;  /* no caller's frame */
  c->sp = sp;
  c->fp = NULL;
  c->pc = (void *)(uintptr_t)entry;
  c->toc = NULL;  /* 'entry' makes its own of r12 */
  c->pic = NULL;
  c->fpscr = switch_readfpscr();
  c->vscr = switch_readvscr();
}

static inline void *switch_here (void) {
  void *sp;
  __asm__ ("mr %0, 1" : "=r" (sp));
  return sp;
}

static inline void *switch_thread (void) {
  void *self;
  __asm__ volatile ("mr %0, 13" : "=r" (self));
  return self;
}

/* Loads the floating-point control of c and leaves the running one in it. */
static inline void switch_swapfp (struct context *c) {
  uint64_t fpscr = switch_readfpscr(), wantfpscr = c->fpscr;
  uint32_t vscr = switch_readvscr(), wantvscr = c->vscr;
  c->fpscr = fpscr;
  c->vscr = vscr;
  if (((fpscr ^ wantfpscr) & SWITCH_FPSCR) != 0)
    switch_writefpscr((fpscr & ~SWITCH_FPSCR) | (wantfpscr & SWITCH_FPSCR));
  if (((vscr ^ wantvscr) & SWITCH_VSCR) != 0)
    switch_writevscr((vscr & ~SWITCH_VSCR) | (wantvscr & SWITCH_VSCR));
}

static inline void *switch_swap (struct context *c, void *message) {
  switch_swapfp(c);
  /* no call, not even a sanitizer's, may stand between these and their use */
  register void *r3 __asm__ ("r3") = message;
  register struct context *r4 __asm__ ("r4") = c;
  __asm__ volatile (
    "bcl 20, 31, 2f\n"  /* the form that return prediction takes for no call */
    "2:\tmflr 8\n\t"
    "addi 8, 8, 1f-2b\n\t"
    "ld 5, 0(4)\n\t"
    "ld 6, 8(4)\n\t"
    "ld 12, 16(4)\n\t"  /* where 'entry' looks for its own address */
    "ld 7, 24(4)\n\t"
    "ld 10, 32(4)\n\t"
    "std 1, 0(4)\n\t"
    "std 31, 8(4)\n\t"
    "std 8, 16(4)\n\t"
    "std 2, 24(4)\n\t"
    "std 30, 32(4)\n\t"
    "li 9, 0\n\t"
    "mtctr 12\n\t"
    "mr 1, 5\n\t"
    SWITCH_CROSSING("65")
    "mtlr 9\n\t"  /* 'entry' has no caller: unwinders stop */
    "mr 31, 6\n\t"
    "mr 2, 7\n\t"
    "mr 30, 10\n\t"
    "bctr\n\t"
    SWITCH_CROSSED
    "1:"
    : "+r" (r3), "+r" (r4)
    :
    : "r0", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r14", "r15",
      "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23", "r24", "r25",
      "r26", "r27", "r28", "r29", "fr0", "fr1", "fr2", "fr3", "fr4",
      "fr5", "fr6", "fr7", "fr8", "fr9", "fr10", "fr11", "fr12", "fr13",
      "fr14", "fr15", "fr16", "fr17", "fr18", "fr19", "fr20", "fr21", "fr22",
      "fr23", "fr24", "fr25", "fr26", "fr27", "fr28", "fr29", "fr30", "fr31",
      "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11",
      "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21",
      "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31",
      "cr0", "cr1", "cr2", "cr3", "cr4", "cr5", "cr6", "cr7", "lr", "ctr",
      "xer", "memory");
  return r3;
}

static inline void switch_exit (struct context *c, void *message) {
  switch_swapfp(c);
  /* no call, not even a sanitizer's, may stand between these and their use */
  register void *r3 __asm__ ("r3") = message;
  register struct context *r4 __asm__ ("r4") = c;
  __asm__ volatile (
    "ld 12, 16(4)\n\t"
    "ld 31, 8(4)\n\t"
    "ld 2, 24(4)\n\t"
    "ld 30, 32(4)\n\t"
    "ld 1, 0(4)\n\t"
    "li 9, 0\n\t"
    "mtctr 12\n\t"
    "mtlr 9\n\t"  /* as in switch_swap */
    "bctr"
    : : "r" (r3), "r" (r4) : "memory");
  __builtin_unreachable();
}

#endif
