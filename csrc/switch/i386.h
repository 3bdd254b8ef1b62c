/*
** i386.h
** switch.h for i386, System V ABI (Intel386 supplement 1.1, sections 2.2.1 and
** 2.2.2)
**
** The switch is inlined. It names every register as clobbered, so that the
** compiler saves what lives and nothing else: ebx, too, which has the address
** of the global offset table in position-independent code but is no longer
** reserved for it (since gcc 5). ebp, which may be the frame pointer and cannot
** be named, it saves itself.
**
** Arguments are passed on the stack. So a message is stored where its receiver
** reads it: that is the argument of 'entry', or a variable of switch_swap.
**
** struct context                     top of a prepared stack
**    0  sp   esp                        top (multiple of 16)
**    4  fp   ebp                        top - 16  the argument of 'entry'
**    8  ip   where to go on             top - 20  0, where a return address
**   12  where the message goes                    would be: sp points here
**   16  mxcsr                           top - 24  frame of 'entry' ...
**   20  x87 control word
*/

#ifndef i386_h
#define i386_h

#include <stdint.h>

#include "outermost.h"
#include "sse.h"

#define SWITCH_NAME "i386"

struct context {
  void *sp;
  void *fp;
  void *ip;
  void **message;
  uint32_t mxcsr;  /* SSE control and status, where there is SSE */
  uint16_t x87;  /* x87 control word */
};

#if defined(__CET__) && (__CET__ & 1)
#define SWITCH_LANDING "endbr32\n\t"  /* an indirect jump may end here */
#else
#define SWITCH_LANDING ""
#endif

/* Without SSE the compiler knows no such names, and keeps nothing there. */
#if defined(__SSE__)
#define SWITCH_CLOBBER_SSE \
  , "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7"
#else
#define SWITCH_CLOBBER_SSE
#endif

#if defined(__AVX512F__)
#define SWITCH_CLOBBER_AVX512 \
  , "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#else
#define SWITCH_CLOBBER_AVX512
#endif

static inline void switch_prepare (struct context *c, void *low, void *top,
                                   void (*entry) (void *message)) {
  void **argument = (void **)((uintptr_t)top & ~(uintptr_t)15) - 4;
  (void)low;
  argument[-1] = NULL;  /* no return address: unwinders stop */
  c->sp = argument - 1;
  c->fp = NULL;  /* no caller's frame */
  c->ip = (void *)(uintptr_t)entry;
  c->message = argument;
  __asm__ volatile ("fnstcw %0" : "=m" (c->x87));
  if (switch_hassse())
    __asm__ volatile ("stmxcsr %0" : "=m" (c->mxcsr));
}

static inline void *switch_here (void) {
  void *sp;
  __asm__ ("movl %%esp, %0" : "=r" (sp));
  return sp;
}

/* The word at offset 0 of the thread's own segment is its own address (ELF
   handling for thread-local storage, section 3.4.2). */
static inline void *switch_thread (void) {
  void *self;
  __asm__ volatile ("movl %%gs:0, %0" : "=r" (self));
  return self;
}

/* Exchanges the floating-point control with that of c. */
static inline void switch_swapfp (struct context *c) {
  uint16_t x87 = c->x87;
  __asm__ volatile ("fnstcw %0\n\tfldcw %1" : "=m" (c->x87) : "m" (x87));
  if (switch_hassse()) {
    uint32_t mxcsr = c->mxcsr;
    __asm__ volatile ("stmxcsr %0\n\tldmxcsr %1"
                      : "=m" (c->mxcsr) : "m" (mxcsr));
  }
}

/* There is no address relative to eip: a call to the next instruction pushes
   one. Unwind tables that count from esp do not fit until it is popped. */
static inline void *switch_swap (struct context *c, void *message) {
  void *received, **receiver = &received;
  switch_swapfp(c);
  *c->message = message;
  __asm__ volatile (
    SWITCH_CROSSING("eip")
    "call 2f\n"
    "2:\tpopl %%eax\n\t"
    "addl $1f-2b, %%eax\n\t"
    "movl 0(%%esi), %%ecx\n\t"
    "movl 4(%%esi), %%edx\n\t"
    "movl 8(%%esi), %%ebx\n\t"
    "movl %%esp, 0(%%esi)\n\t"
    "movl %%ebp, 4(%%esi)\n\t"
    "movl %%eax, 8(%%esi)\n\t"
    "movl %%edi, 12(%%esi)\n\t"
    "movl %%ecx, %%esp\n\t"
    "movl %%edx, %%ebp\n\t"
    "jmp *%%ebx\n\t"
    SWITCH_CROSSED
    "1:\t" SWITCH_LANDING
    : "+S" (c), "+D" (receiver)
    :
    : "eax", "ebx", "ecx", "edx", "st", "st(1)", "st(2)", "st(3)", "st(4)",
      "st(5)", "st(6)", "st(7)" SWITCH_CLOBBER_SSE SWITCH_CLOBBER_AVX512,
      "memory", "cc");
  return received;
}

static inline void switch_exit (struct context *c, void *message) {
  switch_swapfp(c);
  *c->message = message;
  __asm__ volatile (
    "movl 4(%0), %%ebp\n\t"
    "movl 8(%0), %%edx\n\t"
    "movl 0(%0), %%esp\n\t"
    "jmp *%%edx"
    : : "S" (c) : "memory");
  __builtin_unreachable();
}

#endif
