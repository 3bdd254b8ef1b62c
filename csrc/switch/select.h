/*
** select.h
** The ladder that selects a port of switch.h
*/

#ifndef select_h
#define select_h

#if defined(CFIBER_SWITCH_UCONTEXT)
#include "ucontext.h"
#elif defined(__x86_64__) && !defined(__ILP32__) && !defined(_WIN32) \
      && !defined(__CYGWIN__) && defined(__GNUC__)
#include "x86_64_sysv.h"
#elif defined(__i386__) && !defined(_WIN32) && !defined(__CYGWIN__) \
      && !defined(__APPLE__) && defined(__GNUC__)
#include "i386.h"
#elif defined(__aarch64__) && !defined(__ILP32__) && !defined(_WIN32) \
      && defined(__GNUC__)
#include "aarch64.h"
#elif defined(__riscv) && defined(__LP64__) && !defined(__riscv_abi_rve) \
      && defined(__GNUC__)
#include "riscv64.h"
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__) \
      && defined(_CALL_ELF) && _CALL_ELF == 2 && defined(__ALTIVEC__) \
      && defined(__GNUC__)
#include "ppc64le.h"
#elif defined(__s390x__) && defined(__GNUC__)
#include "s390x.h"
#elif defined(__arm__) && defined(__ARM_EABI__) && !defined(_WIN32) \
      && !defined(__FDPIC__) && defined(__GNUC__) \
      && (!defined(__thumb__) || defined(__thumb2__))
#include "arm.h"
#elif defined(__x86_64__) && defined(_WIN32) && defined(__GNUC__)
#include "x86_64_windows.h"
#elif defined(__unix__) || defined(__APPLE__)
#include "ucontext.h"
#else
#error "cfiber has no context switch for this system: doc/porting.md is how \
to write one; where there is <ucontext.h>, 'make SWITCH=ucontext' does without"
#endif

#if !defined(SWITCH_JUMPS)

static inline void switch_jumped (struct context *c) {
  (void)c;
}

#endif

#endif
