/*
** shadow.h
** Does the OS thread have a shadow stack? It holds the return addresses once
** more, in memory that only calls write, and a return to any other address
** faults. A program that switches stacks has to switch it too: cfiber does not
** (nor do contexts of <ucontext.h> that are dropped in the middle). Both
** instructions do nothing on machines that do not know them.
*/

#ifndef shadow_h
#define shadow_h

#include <stdint.h>

#if defined(__x86_64__) && !defined(__ILP32__) && defined(__GNUC__)

/* What turns it off: for a program that asks Windows for it, or with the C
   library that knows how to turn it on. */
#if defined(_WIN32)
#define SWITCH_UNSHADOW "'editbin /CETCOMPAT:NO' of the program"
#else
#define SWITCH_UNSHADOW "GLIBC_TUNABLES=glibc.cpu.x86_shstk=off"
#endif

/* 'rdsspq %rax', in bytes for assemblers from before 2017: the shadow stack's
   pointer (Intel SDM, volume 2, RDSSPQ). */
static inline int switch_isshadowed (void) {
  uint64_t pointer = 0;
  __asm__ volatile (".byte 0xF3, 0x48, 0x0F, 0x1E, 0xC8" : "+a" (pointer));
  return pointer != 0;
}

#elif defined(__aarch64__) && !defined(__ILP32__) && defined(__GNUC__) \
      && !defined(_WIN32)

#define SWITCH_UNSHADOW "GLIBC_TUNABLES=glibc.cpu.aarch64_gcs=0"

/* 'chkfeat x16': bit 0 is cleared where the guarded control stack is in use
   (Arm ARM, CHKFEAT). */
static inline int switch_isshadowed (void) {
  register uint64_t x16 __asm__ ("x16") = 1;
  __asm__ volatile ("hint #40" : "+r" (x16));
  return x16 == 0;
}

#else

#define SWITCH_UNSHADOW ""

static inline int switch_isshadowed (void) {
  return 0;
}

#endif

#endif
