/*
** registers.h
** Registers that a call keeps, for tests of switch.h
**
** registers_call(in, out, f) loads all callee-saved registers from 'in',
** calls f and stores what they hold then to 'out'. Its own caller's
** registers it keeps itself. REGISTERS is their size in units of 64 bits; 0
** where no routine is written for the processor.
**
**   x86-64 (System V)   rbx rbp r12 r13 r14 r15
**   i386 (System V)     ebx ebp esi edi
**   x86-64 (Windows)    the same, rdi, rsi, xmm6 ... xmm15
**   AArch64             x19 ... x28, x29, d8 ... d15
**   RISC-V 64           s0 ... s11, fs0 ... fs11 in lp64d
**   ppc64le             r14 ... r31, f14 ... f31, v20 ... v31 (two each), CR
**                       with all but its fields 2 to 4 as they came in
**   s390x               r6 ... r13, f8 ... f15
**   ARM                 r4 ... r11, d8 ... d15 (where there is VFP)
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

#elif defined(__i386__) && !defined(_WIN32)

#define REGISTERS 2

#if defined(__CET__) && (__CET__ & 1)
#define REGISTERS_LANDING "endbr32" LINE
#else
#define REGISTERS_LANDING ""
#endif

/* Four registers and the return address are below the arguments; 12 bytes more
   align the call. */
__asm__ (
  ".text\n"
  ".globl registers_call\n"
  "registers_call:\n\t" REGISTERS_LANDING
  "pushl %ebx" LINE "pushl %ebp" LINE "pushl %esi" LINE "pushl %edi" LINE
  "subl $12, %esp" LINE
  "movl 32(%esp), %eax" LINE  /* in */
  "movl 0(%eax), %ebx" LINE "movl 4(%eax), %ebp" LINE
  "movl 8(%eax), %esi" LINE "movl 12(%eax), %edi" LINE
  "call *40(%esp)" LINE  /* f */
  "movl 36(%esp), %eax" LINE  /* out */
  "movl %ebx, 0(%eax)" LINE "movl %ebp, 4(%eax)" LINE
  "movl %esi, 8(%eax)" LINE "movl %edi, 12(%eax)" LINE
  "addl $12, %esp" LINE
  "popl %edi" LINE "popl %esi" LINE "popl %ebp" LINE "popl %ebx" LINE
  "ret\n");
#elif defined(__x86_64__) && defined(_WIN32)

#define REGISTERS 28

/* The unwinder has to find the way for errors that jump out of f. */
__asm__ (
  ".text\n"
  ".globl registers_call\n"
  ".def registers_call; .scl 2; .type 32; .endef\n"
  ".seh_proc registers_call\n"
  "registers_call:\n\t"
  "pushq %rbx" LINE ".seh_pushreg %rbx" LINE
  "pushq %rbp" LINE ".seh_pushreg %rbp" LINE
  "pushq %rdi" LINE ".seh_pushreg %rdi" LINE
  "pushq %rsi" LINE ".seh_pushreg %rsi" LINE
  "pushq %r12" LINE ".seh_pushreg %r12" LINE
  "pushq %r13" LINE ".seh_pushreg %r13" LINE
  "pushq %r14" LINE ".seh_pushreg %r14" LINE
  "pushq %r15" LINE ".seh_pushreg %r15" LINE
  "pushq %rdx" LINE ".seh_stackalloc 8" LINE
  "subq $192, %rsp" LINE ".seh_stackalloc 192" LINE ".seh_endprologue" LINE
  "movups %xmm6, 32(%rsp)" LINE "movups %xmm7, 48(%rsp)" LINE
  "movups %xmm8, 64(%rsp)" LINE "movups %xmm9, 80(%rsp)" LINE
  "movups %xmm10, 96(%rsp)" LINE "movups %xmm11, 112(%rsp)" LINE
  "movups %xmm12, 128(%rsp)" LINE "movups %xmm13, 144(%rsp)" LINE
  "movups %xmm14, 160(%rsp)" LINE "movups %xmm15, 176(%rsp)" LINE
  "movq %r8, %rax" LINE
  "movups 64(%rcx), %xmm6" LINE "movups 80(%rcx), %xmm7" LINE
  "movups 96(%rcx), %xmm8" LINE "movups 112(%rcx), %xmm9" LINE
  "movups 128(%rcx), %xmm10" LINE "movups 144(%rcx), %xmm11" LINE
  "movups 160(%rcx), %xmm12" LINE "movups 176(%rcx), %xmm13" LINE
  "movups 192(%rcx), %xmm14" LINE "movups 208(%rcx), %xmm15" LINE
  "movq 0(%rcx), %rbx" LINE "movq 8(%rcx), %rbp" LINE
  "movq 16(%rcx), %rdi" LINE "movq 24(%rcx), %rsi" LINE
  "movq 32(%rcx), %r12" LINE "movq 40(%rcx), %r13" LINE
  "movq 48(%rcx), %r14" LINE "movq 56(%rcx), %r15" LINE
  "callq *%rax" LINE
  "movq 192(%rsp), %rdx" LINE
  "movq %rbx, 0(%rdx)" LINE "movq %rbp, 8(%rdx)" LINE
  "movq %rdi, 16(%rdx)" LINE "movq %rsi, 24(%rdx)" LINE
  "movq %r12, 32(%rdx)" LINE "movq %r13, 40(%rdx)" LINE
  "movq %r14, 48(%rdx)" LINE "movq %r15, 56(%rdx)" LINE
  "movups %xmm6, 64(%rdx)" LINE "movups %xmm7, 80(%rdx)" LINE
  "movups %xmm8, 96(%rdx)" LINE "movups %xmm9, 112(%rdx)" LINE
  "movups %xmm10, 128(%rdx)" LINE "movups %xmm11, 144(%rdx)" LINE
  "movups %xmm12, 160(%rdx)" LINE "movups %xmm13, 176(%rdx)" LINE
  "movups %xmm14, 192(%rdx)" LINE "movups %xmm15, 208(%rdx)" LINE
  "movups 32(%rsp), %xmm6" LINE "movups 48(%rsp), %xmm7" LINE
  "movups 64(%rsp), %xmm8" LINE "movups 80(%rsp), %xmm9" LINE
  "movups 96(%rsp), %xmm10" LINE "movups 112(%rsp), %xmm11" LINE
  "movups 128(%rsp), %xmm12" LINE "movups 144(%rsp), %xmm13" LINE
  "movups 160(%rsp), %xmm14" LINE "movups 176(%rsp), %xmm15" LINE
  "addq $200, %rsp" LINE
  "popq %r15" LINE "popq %r14" LINE "popq %r13" LINE "popq %r12" LINE
  "popq %rsi" LINE "popq %rdi" LINE "popq %rbp" LINE "popq %rbx" LINE
  "retq\n"
  ".seh_endproc\n");

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

#elif defined(__riscv) && defined(__LP64__) && !defined(__riscv_abi_rve)

#if defined(__riscv_float_abi_double)
#define REGISTERS 24
#define REGISTERS_F(how, at, base) \
  how " fs0, (0 + " at ")(" base ")" LINE \
  how " fs1, (8 + " at ")(" base ")" LINE \
  how " fs2, (16 + " at ")(" base ")" LINE \
  how " fs3, (24 + " at ")(" base ")" LINE \
  how " fs4, (32 + " at ")(" base ")" LINE \
  how " fs5, (40 + " at ")(" base ")" LINE \
  how " fs6, (48 + " at ")(" base ")" LINE \
  how " fs7, (56 + " at ")(" base ")" LINE \
  how " fs8, (64 + " at ")(" base ")" LINE \
  how " fs9, (72 + " at ")(" base ")" LINE \
  how " fs10, (80 + " at ")(" base ")" LINE \
  how " fs11, (88 + " at ")(" base ")" LINE
#else
#define REGISTERS 12
#define REGISTERS_F(how, at, base)
#endif

__asm__ (
  ".text\n"
  ".p2align 2\n"
  ".globl registers_call\n"
  "registers_call:\n\t"
  "addi sp, sp, -208" LINE
  "sd ra, 192(sp)" LINE "sd a1, 200(sp)" LINE
  "sd s0, 0(sp)" LINE "sd s1, 8(sp)" LINE "sd s2, 16(sp)" LINE
  "sd s3, 24(sp)" LINE "sd s4, 32(sp)" LINE "sd s5, 40(sp)" LINE
  "sd s6, 48(sp)" LINE "sd s7, 56(sp)" LINE "sd s8, 64(sp)" LINE
  "sd s9, 72(sp)" LINE "sd s10, 80(sp)" LINE "sd s11, 88(sp)" LINE
  REGISTERS_F("fsd", "96", "sp")
  "ld s0, 0(a0)" LINE "ld s1, 8(a0)" LINE "ld s2, 16(a0)" LINE
  "ld s3, 24(a0)" LINE "ld s4, 32(a0)" LINE "ld s5, 40(a0)" LINE
  "ld s6, 48(a0)" LINE "ld s7, 56(a0)" LINE "ld s8, 64(a0)" LINE
  "ld s9, 72(a0)" LINE "ld s10, 80(a0)" LINE "ld s11, 88(a0)" LINE
  REGISTERS_F("fld", "96", "a0")
  "jalr a2" LINE
  "ld a1, 200(sp)" LINE
  "sd s0, 0(a1)" LINE "sd s1, 8(a1)" LINE "sd s2, 16(a1)" LINE
  "sd s3, 24(a1)" LINE "sd s4, 32(a1)" LINE "sd s5, 40(a1)" LINE
  "sd s6, 48(a1)" LINE "sd s7, 56(a1)" LINE "sd s8, 64(a1)" LINE
  "sd s9, 72(a1)" LINE "sd s10, 80(a1)" LINE "sd s11, 88(a1)" LINE
  REGISTERS_F("fsd", "96", "a1")
  "ld s0, 0(sp)" LINE "ld s1, 8(sp)" LINE "ld s2, 16(sp)" LINE
  "ld s3, 24(sp)" LINE "ld s4, 32(sp)" LINE "ld s5, 40(sp)" LINE
  "ld s6, 48(sp)" LINE "ld s7, 56(sp)" LINE "ld s8, 64(sp)" LINE
  "ld s9, 72(sp)" LINE "ld s10, 80(sp)" LINE "ld s11, 88(sp)" LINE
  REGISTERS_F("fld", "96", "sp")
  "ld ra, 192(sp)" LINE
  "addi sp, sp, 208" LINE
  "ret\n");

#elif defined(__powerpc64__) && defined(__ALTIVEC__) \
      && defined(__LITTLE_ENDIAN__)

#define REGISTERS 61

/* The memory of a vector begins at a multiple of 16: stvx rounds down. */
__asm__ (
  ".text\n"
  ".p2align 2\n"
  ".globl registers_call\n"
  ".type registers_call, @function\n"
  "registers_call:\n\t"
  "mflr 0" LINE "std 0, 16(1)" LINE "mfcr 0" LINE "std 0, 8(1)" LINE
  "stdu 1, -528(1)" LINE "std 2, 24(1)" LINE
  "std 3, 32(1)" LINE "std 4, 40(1)" LINE
  "std 14, 48(1)" LINE "std 15, 56(1)" LINE "std 16, 64(1)" LINE
  "std 17, 72(1)" LINE "std 18, 80(1)" LINE "std 19, 88(1)" LINE
  "std 20, 96(1)" LINE "std 21, 104(1)" LINE "std 22, 112(1)" LINE
  "std 23, 120(1)" LINE "std 24, 128(1)" LINE "std 25, 136(1)" LINE
  "std 26, 144(1)" LINE "std 27, 152(1)" LINE "std 28, 160(1)" LINE
  "std 29, 168(1)" LINE "std 30, 176(1)" LINE "std 31, 184(1)" LINE
  "stfd 14, 192(1)" LINE "stfd 15, 200(1)" LINE "stfd 16, 208(1)" LINE
  "stfd 17, 216(1)" LINE "stfd 18, 224(1)" LINE "stfd 19, 232(1)" LINE
  "stfd 20, 240(1)" LINE "stfd 21, 248(1)" LINE "stfd 22, 256(1)" LINE
  "stfd 23, 264(1)" LINE "stfd 24, 272(1)" LINE "stfd 25, 280(1)" LINE
  "stfd 26, 288(1)" LINE "stfd 27, 296(1)" LINE "stfd 28, 304(1)" LINE
  "stfd 29, 312(1)" LINE "stfd 30, 320(1)" LINE "stfd 31, 328(1)" LINE
  "li 6, 336" LINE "stvx 20, 1, 6" LINE "li 6, 352" LINE "stvx 21, 1, 6" LINE
  "li 6, 368" LINE "stvx 22, 1, 6" LINE "li 6, 384" LINE "stvx 23, 1, 6" LINE
  "li 6, 400" LINE "stvx 24, 1, 6" LINE "li 6, 416" LINE "stvx 25, 1, 6" LINE
  "li 6, 432" LINE "stvx 26, 1, 6" LINE "li 6, 448" LINE "stvx 27, 1, 6" LINE
  "li 6, 464" LINE "stvx 28, 1, 6" LINE "li 6, 480" LINE "stvx 29, 1, 6" LINE
  "li 6, 496" LINE "stvx 30, 1, 6" LINE "li 6, 512" LINE "stvx 31, 1, 6" LINE
  "mr 12, 5" LINE "mtctr 5" LINE
  "ld 0, 480(3)" LINE "mtcrf 0x38, 0" LINE
  "li 6, 288" LINE "lxvd2x 52, 3, 6" LINE "li 6, 304" LINE
  "lxvd2x 53, 3, 6" LINE "li 6, 320" LINE "lxvd2x 54, 3, 6" LINE
  "li 6, 336" LINE "lxvd2x 55, 3, 6" LINE "li 6, 352" LINE
  "lxvd2x 56, 3, 6" LINE "li 6, 368" LINE "lxvd2x 57, 3, 6" LINE
  "li 6, 384" LINE "lxvd2x 58, 3, 6" LINE "li 6, 400" LINE
  "lxvd2x 59, 3, 6" LINE "li 6, 416" LINE "lxvd2x 60, 3, 6" LINE
  "li 6, 432" LINE "lxvd2x 61, 3, 6" LINE "li 6, 448" LINE
  "lxvd2x 62, 3, 6" LINE "li 6, 464" LINE "lxvd2x 63, 3, 6" LINE
  "lfd 14, 144(3)" LINE "lfd 15, 152(3)" LINE "lfd 16, 160(3)" LINE
  "lfd 17, 168(3)" LINE "lfd 18, 176(3)" LINE "lfd 19, 184(3)" LINE
  "lfd 20, 192(3)" LINE "lfd 21, 200(3)" LINE "lfd 22, 208(3)" LINE
  "lfd 23, 216(3)" LINE "lfd 24, 224(3)" LINE "lfd 25, 232(3)" LINE
  "lfd 26, 240(3)" LINE "lfd 27, 248(3)" LINE "lfd 28, 256(3)" LINE
  "lfd 29, 264(3)" LINE "lfd 30, 272(3)" LINE "lfd 31, 280(3)" LINE
  "ld 14, 0(3)" LINE "ld 15, 8(3)" LINE "ld 16, 16(3)" LINE
  "ld 17, 24(3)" LINE "ld 18, 32(3)" LINE "ld 19, 40(3)" LINE
  "ld 20, 48(3)" LINE "ld 21, 56(3)" LINE "ld 22, 64(3)" LINE
  "ld 23, 72(3)" LINE "ld 24, 80(3)" LINE "ld 25, 88(3)" LINE
  "ld 26, 96(3)" LINE "ld 27, 104(3)" LINE "ld 28, 112(3)" LINE
  "ld 29, 120(3)" LINE "ld 30, 128(3)" LINE "ld 31, 136(3)" LINE
  "bctrl" LINE "ld 2, 24(1)" LINE
  "ld 3, 32(1)" LINE "ld 4, 40(1)" LINE
  "std 14, 0(4)" LINE "std 15, 8(4)" LINE "std 16, 16(4)" LINE
  "std 17, 24(4)" LINE "std 18, 32(4)" LINE "std 19, 40(4)" LINE
  "std 20, 48(4)" LINE "std 21, 56(4)" LINE "std 22, 64(4)" LINE
  "std 23, 72(4)" LINE "std 24, 80(4)" LINE "std 25, 88(4)" LINE
  "std 26, 96(4)" LINE "std 27, 104(4)" LINE "std 28, 112(4)" LINE
  "std 29, 120(4)" LINE "std 30, 128(4)" LINE "std 31, 136(4)" LINE
  "stfd 14, 144(4)" LINE "stfd 15, 152(4)" LINE "stfd 16, 160(4)" LINE
  "stfd 17, 168(4)" LINE "stfd 18, 176(4)" LINE "stfd 19, 184(4)" LINE
  "stfd 20, 192(4)" LINE "stfd 21, 200(4)" LINE "stfd 22, 208(4)" LINE
  "stfd 23, 216(4)" LINE "stfd 24, 224(4)" LINE "stfd 25, 232(4)" LINE
  "stfd 26, 240(4)" LINE "stfd 27, 248(4)" LINE "stfd 28, 256(4)" LINE
  "stfd 29, 264(4)" LINE "stfd 30, 272(4)" LINE "stfd 31, 280(4)" LINE
  "li 6, 288" LINE "stxvd2x 52, 4, 6" LINE "li 6, 304" LINE
  "stxvd2x 53, 4, 6" LINE "li 6, 320" LINE "stxvd2x 54, 4, 6" LINE
  "li 6, 336" LINE "stxvd2x 55, 4, 6" LINE "li 6, 352" LINE
  "stxvd2x 56, 4, 6" LINE "li 6, 368" LINE "stxvd2x 57, 4, 6" LINE
  "li 6, 384" LINE "stxvd2x 58, 4, 6" LINE "li 6, 400" LINE
  "stxvd2x 59, 4, 6" LINE "li 6, 416" LINE "stxvd2x 60, 4, 6" LINE
  "li 6, 432" LINE "stxvd2x 61, 4, 6" LINE "li 6, 448" LINE
  "stxvd2x 62, 4, 6" LINE "li 6, 464" LINE "stxvd2x 63, 4, 6" LINE
  "mfcr 5" LINE "ld 0, 480(3)" LINE
  "rlwimi 0, 5, 0, 8, 19" LINE "std 0, 480(4)" LINE
  "ld 14, 48(1)" LINE "ld 15, 56(1)" LINE "ld 16, 64(1)" LINE
  "ld 17, 72(1)" LINE "ld 18, 80(1)" LINE "ld 19, 88(1)" LINE
  "ld 20, 96(1)" LINE "ld 21, 104(1)" LINE "ld 22, 112(1)" LINE
  "ld 23, 120(1)" LINE "ld 24, 128(1)" LINE "ld 25, 136(1)" LINE
  "ld 26, 144(1)" LINE "ld 27, 152(1)" LINE "ld 28, 160(1)" LINE
  "ld 29, 168(1)" LINE "ld 30, 176(1)" LINE "ld 31, 184(1)" LINE
  "lfd 14, 192(1)" LINE "lfd 15, 200(1)" LINE "lfd 16, 208(1)" LINE
  "lfd 17, 216(1)" LINE "lfd 18, 224(1)" LINE "lfd 19, 232(1)" LINE
  "lfd 20, 240(1)" LINE "lfd 21, 248(1)" LINE "lfd 22, 256(1)" LINE
  "lfd 23, 264(1)" LINE "lfd 24, 272(1)" LINE "lfd 25, 280(1)" LINE
  "lfd 26, 288(1)" LINE "lfd 27, 296(1)" LINE "lfd 28, 304(1)" LINE
  "lfd 29, 312(1)" LINE "lfd 30, 320(1)" LINE "lfd 31, 328(1)" LINE
  "li 6, 336" LINE "lvx 20, 1, 6" LINE "li 6, 352" LINE "lvx 21, 1, 6" LINE
  "li 6, 368" LINE "lvx 22, 1, 6" LINE "li 6, 384" LINE "lvx 23, 1, 6" LINE
  "li 6, 400" LINE "lvx 24, 1, 6" LINE "li 6, 416" LINE "lvx 25, 1, 6" LINE
  "li 6, 432" LINE "lvx 26, 1, 6" LINE "li 6, 448" LINE "lvx 27, 1, 6" LINE
  "li 6, 464" LINE "lvx 28, 1, 6" LINE "li 6, 480" LINE "lvx 29, 1, 6" LINE
  "li 6, 496" LINE "lvx 30, 1, 6" LINE "li 6, 512" LINE "lvx 31, 1, 6" LINE
  "addi 1, 1, 528" LINE
  "ld 0, 8(1)" LINE "mtcrf 0x38, 0" LINE
  "ld 0, 16(1)" LINE "mtlr 0" LINE
  "blr\n");

#elif defined(__s390x__)

#define REGISTERS 16

__asm__ (
  ".text\n"
  ".p2align 2\n"
  ".globl registers_call\n"
  "registers_call:\n\t"
  "stmg %r6, %r15, 48(%r15)" LINE "lay %r15, -232(%r15)" LINE
  "stg %r3, 160(%r15)" LINE
  "std %f8, 168(%r15)" LINE "std %f9, 176(%r15)" LINE
  "std %f10, 184(%r15)" LINE "std %f11, 192(%r15)" LINE
  "std %f12, 200(%r15)" LINE "std %f13, 208(%r15)" LINE
  "std %f14, 216(%r15)" LINE "std %f15, 224(%r15)" LINE
  "lmg %r6, %r13, 0(%r2)" LINE
  "ld %f8, 64(%r2)" LINE "ld %f9, 72(%r2)" LINE "ld %f10, 80(%r2)" LINE
  "ld %f11, 88(%r2)" LINE "ld %f12, 96(%r2)" LINE "ld %f13, 104(%r2)" LINE
  "ld %f14, 112(%r2)" LINE "ld %f15, 120(%r2)" LINE
  "basr %r14, %r4" LINE
  "lg %r3, 160(%r15)" LINE
  "stmg %r6, %r13, 0(%r3)" LINE
  "std %f8, 64(%r3)" LINE "std %f9, 72(%r3)" LINE "std %f10, 80(%r3)" LINE
  "std %f11, 88(%r3)" LINE "std %f12, 96(%r3)" LINE "std %f13, 104(%r3)" LINE
  "std %f14, 112(%r3)" LINE "std %f15, 120(%r3)" LINE
  "ld %f8, 168(%r15)" LINE "ld %f9, 176(%r15)" LINE "ld %f10, 184(%r15)" LINE
  "ld %f11, 192(%r15)" LINE "ld %f12, 200(%r15)" LINE
  "ld %f13, 208(%r15)" LINE "ld %f14, 216(%r15)" LINE
  "ld %f15, 224(%r15)" LINE
  "lmg %r6, %r15, 280(%r15)" LINE
  "br %r14\n");

#elif defined(__arm__) && defined(__ARM_EABI__)

#define REGISTERS 12

/* In ARM code, whatever the rest is compiled to. What is pushed last is 'out'. */
#define REGISTERS_ROUTINE(name, push, load, store, pop) \
  ".globl " name LINE ".type " name ", %function\n" name ":\n\t" \
  "push {r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}" LINE push \
  "str r1, [sp, #-8]!" LINE \
  load "mov r12, r2" LINE \
  "ldmia r0, {r4, r5, r6, r7, r8, r9, r10, r11}" LINE \
  "blx r12" LINE \
  "ldr r1, [sp], #8" LINE \
  "stmia r1!, {r4, r5, r6, r7, r8, r9, r10, r11}" LINE store pop \
  "pop {r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}\n"

#define REGISTERS_VFP(name) REGISTERS_ROUTINE(name, \
  "vpush {d8-d15}" LINE, "add r3, r0, #32" LINE "vldmia r3, {d8-d15}" LINE, \
  "vstmia r1, {d8-d15}" LINE, "vpop {d8-d15}" LINE)

#if defined(__ARM_FP)

__asm__ (".text\n.syntax unified\n.arm\n.p2align 2\n"
         REGISTERS_VFP("registers_call"));

#else

#include <string.h>

#include "switch/vfp.h"

__asm__ (".text\n.syntax unified\n.arm\n.p2align 2\n"
         REGISTERS_ROUTINE("registers_core", , , , )
         ".fpu vfp\n" REGISTERS_VFP("registers_vfp") ".fpu softvfp\n");

void registers_core (const uint64_t *in, uint64_t *out, void (*f) (void));
void registers_vfp (const uint64_t *in, uint64_t *out, void (*f) (void));

static inline void registers_call (const uint64_t *in, uint64_t *out,
                                   void (*f) (void)) {
  if (switch_hasvfp())
    registers_vfp(in, out, f);
  else {
    registers_core(in, out, f);
    memcpy(out + 4, in + 4, 8 * sizeof(out[0]));
  }
}

#define registers_call registers_call

#endif

#else

#define REGISTERS 0

#endif

/* To be called before all. Linux sets all bits of VRSAVE where a program uses
   vectors and has none set (arch/powerpc/kernel/vector.S), an emulator (qemu)
   does not: then 'swapcontext' of glibc leaves vectors and their control as
   they are. */
static inline void registers_setup (void) {
#if defined(__powerpc64__)
  __asm__ volatile ("mtspr 256, %0" : : "r" (-1L));
#endif
}

#if REGISTERS > 0 && !defined(registers_call)

void registers_call (const uint64_t *in, uint64_t *out, void (*f) (void))
  __asm__ ("registers_call");

#endif

#endif
