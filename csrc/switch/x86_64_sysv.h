/*
** x86_64_sysv.h
** switch.h for x86-64, System V ABI (AMD64 supplement 1.0, section 3.2)
**
** The switch is inlined. It names every register as clobbered, so that the
** compiler saves what lives and nothing else; rbp, which may be the frame
** pointer and cannot be named, it saves itself. It writes nothing below rsp:
** the red zone stays as it is.
**
** struct context                     top of a prepared stack
**    0  sp   rsp                        top (multiple of 16)
**    8  fp   rbp                        top - 8   0, where a return address
**   16  ip   where to go on                       would be: sp points here
**   24  mxcsr, or SWITCH_ASITIS         top - 16  frame of 'entry' ...
**   28  x87 control word
*/

#ifndef x86_64_sysv_h
#define x86_64_sysv_h

#include <stdint.h>

#include "../config.h"
#include "outermost.h"

#define SWITCH_NAME "x86-64"

struct context {
  void *sp;
  void *fp;
  void *ip;
  uint32_t mxcsr;  /* SSE control and status */
  uint16_t x87;  /* x87 control word */
};

/* In place of MXCSR, whose upper half is reserved and 0: on a prepared stack the
   floating-point control is left as it is. */
#define SWITCH_ASITIS UINT32_MAX

#if defined(__CET__) && (__CET__ & 1)
#define SWITCH_LANDING "endbr64\n\t"  /* an indirect jump may end here */
#else
#define SWITCH_LANDING ""
#endif

#if defined(__APPLE__)
#define SWITCH_THREAD "gs"
#else
#define SWITCH_THREAD "fs"
#endif

#if defined(__AVX512F__)
#define SWITCH_CLOBBER_AVX512 \
  , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", \
  "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", \
  "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#else
#define SWITCH_CLOBBER_AVX512
#endif

static inline void switch_prepare (struct context *c, void *low, void *top,
                                   void (*entry) (void *message)) {
  void **sp = (void **)((uintptr_t)top & ~(uintptr_t)15) - 1;
  (void)low;
  *sp = NULL;  /* no return address: unwinders stop */
  c->sp = sp;
  c->fp = NULL;  /* no caller's frame */
  c->ip = (void *)(uintptr_t)entry;
  c->mxcsr = SWITCH_ASITIS;
}

static inline void *switch_here (void) {
  void *sp;
  __asm__ ("movq %%rsp, %0" : "=r" (sp));
  return sp;
}

/* The word at offset 0 of the thread's own segment is its own address (ELF
   handling for thread-local storage, section 3.4.6). */
static inline void *switch_thread (void) {
  void *self;
  __asm__ volatile ("movq %%" SWITCH_THREAD ":0, %0" : "=r" (self));
  return self;
}

/* The status bits of MXCSR, which are no part of the control. */
#define SWITCH_MXCSR_STATUS ((uint32_t)0x3f)

static inline int switch_samefp (const struct context *c, uint32_t mxcsr,
                                 uint16_t x87) {
  return LIKELY(((c->mxcsr ^ mxcsr) & ~SWITCH_MXCSR_STATUS) == 0
                && c->x87 == x87);
}

static inline void switch_loadfp (uint32_t mxcsr, uint16_t x87) {
  __asm__ volatile ("ldmxcsr %0\n\tfldcw %1" : : "m" (mxcsr), "m" (x87));
}

/* Exchanges the floating-point control with that of c. It is mostly the same:
   on Emerald Rapids reading and comparing takes 1.3 ns, loading 1.2 more. On
   Zen 4 reading alone was found to take 4.2, loading 0.6. */
static inline void switch_swapfp (struct context *c) {
  uint32_t mxcsr = c->mxcsr;
  uint16_t x87 = c->x87;
  __asm__ volatile ("stmxcsr %0\n\tfnstcw %1"
                    : "=m" (c->mxcsr), "=m" (c->x87));
  if (mxcsr != SWITCH_ASITIS && !switch_samefp(c, mxcsr, x87))
    switch_loadfp(mxcsr, x87);
}

static inline void *switch_swap (struct context *c, void *message) {
  switch_swapfp(c);
  __asm__ volatile (
    "movq 0(%%rsi), %%rax\n\t"
    "movq 8(%%rsi), %%rcx\n\t"
    "movq 16(%%rsi), %%rdx\n\t"
    "leaq 1f(%%rip), %%r8\n\t"
    "movq %%rsp, 0(%%rsi)\n\t"
    "movq %%rbp, 8(%%rsi)\n\t"
    "movq %%r8, 16(%%rsi)\n\t"
    "movq %%rax, %%rsp\n\t"
    SWITCH_CROSSING("rip")
    "movq %%rcx, %%rbp\n\t"
    "jmpq *%%rdx\n\t"
    SWITCH_CROSSED
    "1:\t" SWITCH_LANDING
    : "+D" (message), "+S" (c)
    :
    : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13",
      "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
      "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
      "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)",
      "st(7)" SWITCH_CLOBBER_AVX512, "memory", "cc");
  return message;
}

/* No variables here: what ASan keeps of the running stack is gone. */
static inline void switch_exit (struct context *c, void *message) {
  if (c->mxcsr != SWITCH_ASITIS)
    __asm__ volatile ("ldmxcsr %0\n\tfldcw %1"
                      : : "m" (c->mxcsr), "m" (c->x87));
  __asm__ volatile (
    "movq 8(%0), %%rbp\n\t"
    "movq 16(%0), %%rdx\n\t"
    "movq 0(%0), %%rsp\n\t"
    "jmpq *%%rdx"
    : : "S" (c), "D" (message) : "memory");
  __builtin_unreachable();
}

#endif
