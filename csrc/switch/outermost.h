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

#endif
