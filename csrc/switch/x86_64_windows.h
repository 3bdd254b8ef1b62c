/*
** x86_64_windows.h
** switch.h for x86-64, Microsoft's calling convention ("x64 calling
** convention" and "x64 stack usage" in the documentation of Visual C++)
**
** The switch is inlined. It names every register as clobbered, so that the
** compiler saves what lives and nothing else: rbx, rdi, rsi, r12 to r15 and
** xmm6 to xmm15 are its callers'. rbp, which may be the frame pointer and
** cannot be named, it saves itself. There is no red zone.
**
** The system has to know on which stack a thread runs: it searches handlers of
** exceptions only between the bounds in the thread's information block (TIB,
** winternl.h), and most builds of Lua raise errors by such a search: longjmp
** unwinds. So the bounds go along with the stack pointer:
**
** struct context                     prepared stack
**    0  sp   rsp                              top (multiple of 16)
**    8  fp   rbp                        high  32 bytes for 'entry' to keep its
**   16  ip   where to go on                   arguments
**   24  mxcsr                           - 8   0, where its return address
**   28  x87 control word                      would be: sp points here
**   32  high  gs:0x08  StackBase              frame of 'entry' ...
**   40  limit gs:0x10  StackLimit       limit the last that may be used
**   48  low   gs:0x1478                       guard
**             DeallocationStack         low   its end
**   56  list  gs:0  ExceptionList
**
** A frame that begins at 'high' is none to the system: there a search ends. An
** access between limit and low is an overflow, for whose handlers the system
** then makes the upper pages of the guard usable.
**
** The list of handlers is empty in Windows for 64 bits. Wine has those of its
** own libraries there, and compares their addresses with the stack pointer.
** What stays the thread's is FiberData (gs:0x20): a program which itself runs
** on fibers of Windows may resume and yield in each of them.
**
** Why not those fibers (CreateFiberEx, SwitchToFiber): they bring their own
** stack, which the system reserves and frees; here a stack is the owner's, and
** is prepared again for the next one that runs on it.
*/

#ifndef x86_64_windows_h
#define x86_64_windows_h

#include <stdint.h>

#include "../config.h"
#include "outermost.h"

#define SWITCH_NAME "x86-64 Windows"

struct context {
  void *sp;
  void *fp;
  void *ip;
  uint32_t mxcsr;  /* SSE control and status */
  uint16_t x87;  /* x87 control word */
  void *high, *limit, *low, *list;
};

#define SWITCH_ENDOFLIST ((void *)UINTPTR_MAX)

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
  void **high = (void **)((uintptr_t)top & ~(uintptr_t)15) - 4;
  void **sp = high - 1;
  *sp = NULL;  /* no return address: unwinders stop */
  c->sp = sp;
  c->fp = NULL;  /* no caller's frame */
  c->ip = (void *)(uintptr_t)entry;
  c->high = high;
  c->limit = low;
  c->low = (char *)low - GUARD_SIZE;
  c->list = SWITCH_ENDOFLIST;
  __asm__ volatile ("stmxcsr %0\n\tfnstcw %1" : "=m" (c->mxcsr), "=m" (c->x87));
}

static inline void *switch_here (void) {
  void *sp;
  __asm__ ("movq %%rsp, %0" : "=r" (sp));
  return sp;
}

/* The address of the thread's environment block. */
static inline void *switch_thread (void) {
  void *self;
  __asm__ volatile ("movq %%gs:0x30, %0" : "=r" (self));
  return self;
}

/* Exchanges what the TIB has of the stack with that of c. */
#define SWITCH_JUMPS
static inline void switch_jumped (struct context *c) {
  void *high = c->high, *limit = c->limit, *low = c->low, *list = c->list;
  __asm__ volatile ("movq %%gs:0x08, %0\n\tmovq %%gs:0x10, %1\n\t"
                    "movq %%gs:0x1478, %2\n\tmovq %%gs:0, %3"
                    : "=r" (c->high), "=r" (c->limit), "=r" (c->low),
                      "=r" (c->list));
  __asm__ volatile ("movq %0, %%gs:0x08\n\tmovq %1, %%gs:0x10\n\t"
                    "movq %2, %%gs:0x1478\n\tmovq %3, %%gs:0"
                    : : "r" (high), "r" (limit), "r" (low), "r" (list)
                    : "memory");
}

/* Exchanges the floating-point control with that of c. */
static inline void switch_swapfp (struct context *c) {
  uint32_t mxcsr = c->mxcsr;
  uint16_t x87 = c->x87;
  __asm__ volatile ("stmxcsr %0\n\tfnstcw %1\n\tldmxcsr %2\n\tfldcw %3"
                    : "=m" (c->mxcsr), "=m" (c->x87)
                    : "m" (mxcsr), "m" (x87));
}

/* What c has of a stack goes to the TIB, what was there to rax and r8 to r10. */
#define SWITCH_TIB \
  "movq %%gs:0x08, %%rax\n\tmovq %%gs:0x10, %%r8\n\t" \
  "movq %%gs:0x1478, %%r9\n\tmovq %%gs:0, %%r10\n\t" \
  "movq 32(%%rdx), %%r11\n\tmovq 40(%%rdx), %%rbx\n\t" \
  "movq 48(%%rdx), %%r13\n\tmovq 56(%%rdx), %%r14\n\t" \
  "movq %%r11, %%gs:0x08\n\tmovq %%rbx, %%gs:0x10\n\t" \
  "movq %%r13, %%gs:0x1478\n\tmovq %%r14, %%gs:0\n\t"

static inline void *switch_swap (struct context *c, void *message) {
  switch_swapfp(c);
  __asm__ volatile (
    "movq 0(%%rdx), %%rsi\n\t"
    "movq 8(%%rdx), %%r12\n\t"
    "movq 16(%%rdx), %%rdi\n\t"
    SWITCH_TIB
    "movq %%rax, 32(%%rdx)\n\t"
    "movq %%r8, 40(%%rdx)\n\t"
    "movq %%r9, 48(%%rdx)\n\t"
    "movq %%r10, 56(%%rdx)\n\t"
    "leaq 1f(%%rip), %%r8\n\t"
    "movq %%rsp, 0(%%rdx)\n\t"
    "movq %%rbp, 8(%%rdx)\n\t"
    "movq %%r8, 16(%%rdx)\n\t"
    "movq %%rsi, %%rsp\n\t"
    "movq %%r12, %%rbp\n\t"
    "jmpq *%%rdi\n\t"
    "1:\t"
    : "+c" (message), "+d" (c)
    :
    : "rax", "rbx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
      "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
      "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
      "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)",
      "st(7)" SWITCH_CLOBBER_AVX512, "memory", "cc");
  return message;
}

static inline void switch_exit (struct context *c, void *message) {
  __asm__ volatile ("ldmxcsr %0\n\tfldcw %1"
                    : : "m" (c->mxcsr), "m" (c->x87));
  __asm__ volatile (
    SWITCH_TIB
    "movq 8(%%rdx), %%rbp\n\t"
    "movq 16(%%rdx), %%rdi\n\t"
    "movq 0(%%rdx), %%rsp\n\t"
    "jmpq *%%rdi"
    : : "d" (c), "c" (message) : "memory");
  __builtin_unreachable();
}

#endif
