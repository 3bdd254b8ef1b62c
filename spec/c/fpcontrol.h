/*
** fpcontrol.h
** The control bits of the floating-point units, as one number, for tests of
** switch.h. Status flags are masked out.
**
** FPCONTROL_FLIPS lists sets of bits to flip: rounding, precision, flush to
** zero, trapped exceptions.
*/

#ifndef fpcontrol_h
#define fpcontrol_h

#include <stdint.h>

#if defined(__x86_64__) || defined(__i386__)

/* Low half: x87 control word. High half: MXCSR without its six flags. */
#define FPCONTROL_FLIPS { 0x0300, 0x0C00, 0x0004, \
  UINT64_C(0x8000) << 32, UINT64_C(0x6000) << 32, UINT64_C(0x0040) << 32, \
  (UINT64_C(0xE040) << 32) | 0x0F04 }

static inline uint64_t fpcontrol_get (void) {
  uint32_t mxcsr;
  uint16_t x87;
  __asm__ volatile ("stmxcsr %0\n\tfnstcw %1" : "=m" (mxcsr), "=m" (x87));
  return ((uint64_t)(mxcsr & ~UINT32_C(0x3F)) << 32) | x87;
}

static inline void fpcontrol_set (uint64_t control) {
  uint32_t mxcsr = (uint32_t)(control >> 32);
  uint16_t x87 = (uint16_t)control;
  __asm__ volatile ("ldmxcsr %0\n\tfldcw %1" : : "m" (mxcsr), "m" (x87));
}

#elif defined(__aarch64__)

/* Default NaN, flush to zero, rounding mode. */
#define FPCONTROL_FLIPS { UINT64_C(1) << 25, UINT64_C(1) << 24, \
  UINT64_C(3) << 22, UINT64_C(15) << 22 }

static inline uint64_t fpcontrol_get (void) {
  uint64_t fpcr;
  __asm__ volatile ("mrs %0, fpcr" : "=r" (fpcr));
  return fpcr;
}

static inline void fpcontrol_set (uint64_t control) {
  __asm__ volatile ("msr fpcr, %0" : : "r" (control));
}

#elif defined(__riscv) && defined(__riscv_flen)

/* Rounding mode. */
#define FPCONTROL_FLIPS { 1, 2, 3, 4 }

static inline uint64_t fpcontrol_get (void) {
  uint64_t frm;
  __asm__ volatile ("frrm %0" : "=r" (frm));
  return frm;
}

static inline void fpcontrol_set (uint64_t control) {
  __asm__ volatile ("fsrm %0" : : "r" (control));
}

#elif defined(__powerpc64__) && defined(__ALTIVEC__) \
      && defined(__LITTLE_ENDIAN__)

/* FPSCR: rounding mode, flush to zero, a trapped exception, decimal rounding
   mode. On the left, bit 16 of VSCR: flush to zero. */
#define FPCONTROL_FLIPS { 1, 3, 4, 0x10, UINT64_C(7) << 32, \
  UINT64_C(1) << 48, (UINT64_C(0x10005) << 32) | 0x16 }

static inline uint64_t fpcontrol_get (void) {
  union { double f; uint64_t bits; } fpscr;
  uint32_t vscr __attribute__((vector_size(16)));
  __asm__ volatile ("mffs %0\n\tmfvscr %1" : "=d" (fpscr.f), "=v" (vscr));
  return (fpscr.bits & UINT64_C(0x7000000FF))
       | ((uint64_t)(vscr[0] & 0x10000) << 32);
}

static inline void fpcontrol_set (uint64_t control) {
  union { double f; uint64_t bits; } fpscr;
  uint32_t vscr __attribute__((vector_size(16))) = {0, 0, 0, 0};
  fpscr.bits = control & UINT64_C(0x7000000FF);
  vscr[0] = (uint32_t)(control >> 32) & 0x10000;
  __asm__ volatile ("mtfsf 255, %0, 1, 0\n\tmtvscr %1"
                    : : "d" (fpscr.f), "v" (vscr));
}

#elif defined(__s390x__)

/* Rounding mode, that of decimal numbers, a trapped exception. */
#define FPCONTROL_FLIPS { 1, 3, 0x20, 0x40000000, 0x40000012 }

static inline uint64_t fpcontrol_get (void) {
  uint32_t fpc;
  __asm__ volatile ("efpc %0" : "=d" (fpc));
  return fpc & UINT32_C(0xFF0000FF);
}

static inline void fpcontrol_set (uint64_t control) {
  __asm__ volatile ("sfpc %0" : : "d" ((uint32_t)control));
}

#elif defined(__arm__) && defined(__ARM_FP)

/* Default NaN, flush to zero, rounding mode. */
#define FPCONTROL_FLIPS { UINT64_C(1) << 25, UINT64_C(1) << 24, \
  UINT64_C(3) << 22, UINT64_C(15) << 22 }

static inline uint64_t fpcontrol_get (void) {
  uint32_t fpscr;
  __asm__ volatile ("vmrs %0, fpscr" : "=r" (fpscr));
  return fpscr & ~UINT32_C(0xF800009F);
}

static inline void fpcontrol_set (uint64_t control) {
  __asm__ volatile ("vmsr fpscr, %0" : : "r" ((uint32_t)control));
}

#else

#include <fenv.h>

#define FPCONTROL_FLIPS { 0 }

static inline uint64_t fpcontrol_get (void) {
  return (uint64_t)fegetround();
}

static inline void fpcontrol_set (uint64_t control) {
  fesetround((int)control);
}

#endif

#endif
