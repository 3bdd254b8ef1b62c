/*
** registers.h
** Registers that a call keeps, for tests of switch.h
**
** registers_call(in, out, f) loads all callee-saved registers from 'in',
** calls f and stores what they hold then to 'out'. Its own caller's
** registers it keeps itself. REGISTERS is their number; 0 where no routine
** is written for the processor.
**
**   x86-64 (System V)   rbx rbp r12 r13 r14 r15
**   AArch64             x19 ... x28, x29, d8 ... d15
*/

#ifndef registers_h
#define registers_h

#include <stdint.h>

#define LINE "\n\t"

#if defined(__x86_64__) && !defined(__ILP32__) && !defined(_WIN32)

#define REGISTERS 6

#if defined(__CET__) && (__CET__ & 1)
#define REGISTERS_LANDING "endbr64" LINE
#else
#define REGISTERS_LANDING ""
#endif

__asm__ (
  ".text\n"
  ".globl registers_call\n"
  "registers_call:\n\t" REGISTERS_LANDING
  "pushq %rbx" LINE "pushq %rbp" LINE "pushq %r12" LINE
  "pushq %r13" LINE "pushq %r14" LINE "pushq %r15" LINE
  "pushq %rsi" LINE
  "movq 0(%rdi), %rbx" LINE "movq 8(%rdi), %rbp" LINE
  "movq 16(%rdi), %r12" LINE "movq 24(%rdi), %r13" LINE
  "movq 32(%rdi), %r14" LINE "movq 40(%rdi), %r15" LINE
  "callq *%rdx" LINE
  "popq %rsi" LINE
  "movq %rbx, 0(%rsi)" LINE "movq %rbp, 8(%rsi)" LINE
  "movq %r12, 16(%rsi)" LINE "movq %r13, 24(%rsi)" LINE
  "movq %r14, 32(%rsi)" LINE "movq %r15, 40(%rsi)" LINE
  "popq %r15" LINE "popq %r14" LINE "popq %r13" LINE
  "popq %r12" LINE "popq %rbp" LINE "popq %rbx" LINE
  "retq\n");

#elif defined(__aarch64__) && !defined(__ILP32__)

#define REGISTERS 19

__asm__ (
  ".text\n"
  ".p2align 2\n"
  ".globl registers_call\n"
  "registers_call:\n\t"
  "hint #34" LINE  /* bti c */
  "stp x29, x30, [sp, #-176]!" LINE
  "stp x19, x20, [sp, #16]" LINE "stp x21, x22, [sp, #32]" LINE
  "stp x23, x24, [sp, #48]" LINE "stp x25, x26, [sp, #64]" LINE
  "stp x27, x28, [sp, #80]" LINE
  "stp d8, d9, [sp, #96]" LINE "stp d10, d11, [sp, #112]" LINE
  "stp d12, d13, [sp, #128]" LINE "stp d14, d15, [sp, #144]" LINE
  "str x1, [sp, #160]" LINE
  "ldp x19, x20, [x0]" LINE "ldp x21, x22, [x0, #16]" LINE
  "ldp x23, x24, [x0, #32]" LINE "ldp x25, x26, [x0, #48]" LINE
  "ldp x27, x28, [x0, #64]" LINE "ldr x29, [x0, #80]" LINE
  "ldp d8, d9, [x0, #88]" LINE "ldp d10, d11, [x0, #104]" LINE
  "ldp d12, d13, [x0, #120]" LINE "ldp d14, d15, [x0, #136]" LINE
  "blr x2" LINE
  "ldr x1, [sp, #160]" LINE
  "stp x19, x20, [x1]" LINE "stp x21, x22, [x1, #16]" LINE
  "stp x23, x24, [x1, #32]" LINE "stp x25, x26, [x1, #48]" LINE
  "stp x27, x28, [x1, #64]" LINE "str x29, [x1, #80]" LINE
  "stp d8, d9, [x1, #88]" LINE "stp d10, d11, [x1, #104]" LINE
  "stp d12, d13, [x1, #120]" LINE "stp d14, d15, [x1, #136]" LINE
  "ldp x19, x20, [sp, #16]" LINE "ldp x21, x22, [sp, #32]" LINE
  "ldp x23, x24, [sp, #48]" LINE "ldp x25, x26, [sp, #64]" LINE
  "ldp x27, x28, [sp, #80]" LINE
  "ldp d8, d9, [sp, #96]" LINE "ldp d10, d11, [sp, #112]" LINE
  "ldp d12, d13, [sp, #128]" LINE "ldp d14, d15, [sp, #144]" LINE
  "ldp x29, x30, [sp], #176" LINE
  "ret\n");

#else

#define REGISTERS 0

#endif

#if REGISTERS > 0

void registers_call (const uint64_t *in, uint64_t *out, void (*f) (void))
  __asm__ ("registers_call");

#endif

#endif
