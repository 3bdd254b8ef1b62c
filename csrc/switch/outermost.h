/*
** outermost.h
** Marks a frame as the outermost one (DWARF 5, section 6.4.4: the return
** address is undefined), for gdb and other users of unwind tables
*/

#ifndef outermost_h
#define outermost_h

static inline void switch_outermost (void) {
#if defined(__GCC_HAVE_DWARF2_CFI_ASM) && defined(__x86_64__)
  __asm__ volatile (".cfi_undefined rip");
#elif defined(__GCC_HAVE_DWARF2_CFI_ASM) && defined(__i386__)
  __asm__ volatile (".cfi_undefined eip");
#elif defined(__GCC_HAVE_DWARF2_CFI_ASM) && defined(__aarch64__)
  __asm__ volatile (".cfi_undefined x30");
#endif
}

/* The same for the instructions between these two. While the stack pointer is
   that of the other side the tables do not fit: a profiler's signal handler
   that unwinds would read at any address. The 'nop' is never executed: there
   unwinders look who take one off the address where a suspended side goes
   on, as off a return address. */
#if defined(__GCC_HAVE_DWARF2_CFI_ASM)
#define SWITCH_CROSSING(ra) ".cfi_remember_state\n\t.cfi_undefined " ra "\n\t"
#define SWITCH_CROSSED ".cfi_restore_state\n\tnop\n"
#else
#define SWITCH_CROSSING(ra)
#define SWITCH_CROSSED
#endif

#endif
