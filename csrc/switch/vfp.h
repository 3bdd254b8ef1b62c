/*
** vfp.h
** Floating point on 32-bit ARM: has the processor VFP, whose FPSCR and d8 to
** d15 belong to what a call keeps (AAPCS32 2023Q3, section 6.1.2)? A program
** that is compiled without ("soft float") runs on both kinds of processors,
** finds out at run time and has to keep them by itself: libraries in the same
** process may use it, the C library does.
*/

#ifndef vfp_h
#define vfp_h

#include <stdint.h>

#if defined(__ARM_FP)

static inline int switch_hasvfp (void) {
  return 1;
}

static inline uint32_t switch_getfpscr (void) {
  uint32_t fpscr;
  __asm__ volatile ("vmrs %0, fpscr" : "=r" (fpscr));
  return fpscr;
}

static inline void switch_setfpscr (uint32_t fpscr) {
  __asm__ volatile ("vmsr fpscr, %0" : : "r" (fpscr));
}

#else

#if defined(__linux__)

#include <sys/auxv.h>

/* HWCAP_VFP of <asm/hwcap.h> */
static inline int switch_hasvfp (void) {
  return (getauxval(AT_HWCAP) & 64) != 0;
}

#else

static inline int switch_hasvfp (void) {
  return 0;
}

#endif

/* Instructions in numbers, for assemblers that are told of no VFP (Arm ARM:
   VMRS, VMSR, VSTM, VLDM). */
#if defined(__thumb__)
#define SWITCH_CODE ".inst.w "
#else
#define SWITCH_CODE ".inst "
#endif

static inline uint32_t switch_getfpscr (void) {
  register uint32_t r2 __asm__ ("r2");
  __asm__ volatile (SWITCH_CODE "0xeef12a10" : "=r" (r2));  /* vmrs r2, fpscr */
  return r2;
}

static inline void switch_setfpscr (uint32_t fpscr) {
  register uint32_t r2 __asm__ ("r2") = fpscr;
  __asm__ volatile (SWITCH_CODE "0xeee12a10" : : "r" (r2));  /* vmsr fpscr, r2 */
}

/* Stores and loads d8 to d15. */
static inline void switch_getvfp (uint64_t d[8]) {
  register uint64_t *r2 __asm__ ("r2") = d;
  __asm__ volatile (SWITCH_CODE "0xec828b10"  /* vstmia r2, {d8-d15} */
                    : : "r" (r2) : "memory");
}

static inline void switch_setvfp (const uint64_t d[8]) {
  register const uint64_t *r2 __asm__ ("r2") = d;
  __asm__ volatile (SWITCH_CODE "0xec928b10"  /* vldmia r2, {d8-d15} */
                    : : "r" (r2) : "memory");
}

#endif

#endif
