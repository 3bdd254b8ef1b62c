/*
** outermost.h
** Marks a frame as the outermost one (DWARF 5, section 6.4.4: the return
** address is undefined), for gdb and other users of unwind tables, and lets
** exceptions end there
*/

#ifndef outermost_h
#define outermost_h

/* Are there unwind tables that directives in the code are added to? clang says
   so on ARM where it writes none. */
#if defined(__GCC_HAVE_DWARF2_CFI_ASM) \
    && !(defined(__arm__) && defined(__clang__))
#define SWITCH_CFI
#endif

#if defined(__GNUC__)  /* the mark is meant for the caller's frame */
__attribute__((always_inline))
#endif
static inline void switch_outermost (void) {
#if defined(SWITCH_CFI) && defined(__x86_64__)
  __asm__ volatile (".cfi_undefined rip");
#elif defined(SWITCH_CFI) && defined(__i386__)
  __asm__ volatile (".cfi_undefined eip");
#elif defined(SWITCH_CFI) && defined(__aarch64__)
  __asm__ volatile (".cfi_undefined x30");
#elif defined(SWITCH_CFI) && defined(__riscv)
  __asm__ volatile (".cfi_undefined ra");
#elif defined(SWITCH_CFI) && defined(__powerpc64__)
  __asm__ volatile (".cfi_undefined 65");  /* lr */
#elif defined(SWITCH_CFI) && defined(__s390x__)
  __asm__ volatile (".cfi_undefined 14");
#elif defined(SWITCH_CFI) && defined(__arm__)
  __asm__ volatile (".cfi_undefined lr");
#endif
}

/*
** Ends an exception in the frame of the function it stands in, once, after
** switch_outermost. 'personality' is asked for that frame; where it installs
** the frame at the address that is its language-specific data, 'landed' is
** called there, which must not return. Both are functions by their names, and
** are declared with SWITCH_BYNAME.
*/
#if defined(SWITCH_CFI) && defined(__ELF__) \
    && defined(__x86_64__) && !defined(__ILP32__)
#define SWITCH_CATCHES
#define SWITCH_NAMED "i"
#if defined(__CET__) && (__CET__ & 1)
#define SWITCH_PAD "jmp 1f\n.Lpad%=:\tendbr64\n\tcall %c1\n\tud2\n1:"
#else
#define SWITCH_PAD "jmp 1f\n.Lpad%=:\tcall %c1\n\tud2\n1:"
#endif
#elif defined(SWITCH_CFI) && defined(__ELF__) \
    && defined(__aarch64__) && !defined(__ILP32__)
#define SWITCH_CATCHES
#define SWITCH_NAMED "S"
#define SWITCH_PAD "b 1f\n.Lpad%=:\thint #38\n\tbl %c1\n\tbrk #1\n1:"  /* bti jc */
#elif defined(SWITCH_CFI) && defined(__ELF__) \
    && defined(__riscv) && defined(__LP64__)
#define SWITCH_CATCHES
#define SWITCH_NAMED "i"
#define SWITCH_PERSONALITY "%0"  /* GCC knows no %c of a symbol there */
#define SWITCH_PAD "j 1f\n.Lpad%=:\tcall %1\n\tunimp\n1:"
#elif defined(SWITCH_CFI) && defined(__ELF__) \
    && defined(__powerpc64__) && defined(_CALL_ELF) && _CALL_ELF == 2
#define SWITCH_CATCHES
#define SWITCH_NAMED "i"
#define SWITCH_PAD "b 1f\n.Lpad%=:\tbl %c1\n\tnop\n\ttrap\n1:"
#elif defined(SWITCH_CFI) && defined(__ELF__) \
    && defined(__s390x__)
#define SWITCH_CATCHES
#define SWITCH_NAMED "i"
#define SWITCH_PAD "j 1f\n.Lpad%=:\tbrasl %%r14, %c1\n\t.short 0\n1:"
#endif

#if !defined(SWITCH_PERSONALITY)
#define SWITCH_PERSONALITY "%c0"
#endif

/* No operand of position-independent code for i386 is a plain name: here it is
   in the text, which the compiler does not read. The frame may end anywhere:
   the stack is aligned for the call. */
#if defined(SWITCH_CFI) && defined(__ELF__) \
    && defined(__i386__)
#define SWITCH_CATCHES
#define SWITCH_BYNAME __attribute__((used))
#if defined(__CET__) && (__CET__ & 1)
#define SWITCH_PAD "jmp 1f\n.Lpad%=:\tendbr32\n\tandl $-16, %%esp\n\tcall "
#else
#define SWITCH_PAD "jmp 1f\n.Lpad%=:\tandl $-16, %%esp\n\tcall "
#endif
#define SWITCH_CATCH(personality, landed) \
  __asm__ volatile (".cfi_personality 0x1b, " #personality "\n\t" \
                    ".cfi_lsda 0x1b, .Lpad%=\n\t" \
                    SWITCH_PAD #landed "\n\tud2\n1:" : : )
#elif defined(SWITCH_CATCHES)
#define SWITCH_BYNAME
#define SWITCH_CATCH(personality, landed) \
  __asm__ volatile (".cfi_personality 0x1b, " SWITCH_PERSONALITY "\n\t" \
                    ".cfi_lsda 0x1b, .Lpad%=\n\t" SWITCH_PAD \
                    : : SWITCH_NAMED (personality), SWITCH_NAMED (landed))
#else
#define SWITCH_BYNAME
#define SWITCH_CATCH(personality, landed) ((void)(personality), (void)(landed))
#endif

/* The same for the instructions between these two. While the stack pointer is
   that of the other side the tables do not fit: a profiler's signal handler
   that unwinds would read at any address. The 'nop' is never executed: there
   unwinders look who take one off the address where a suspended side goes
   on, as off a return address. */
#if defined(SWITCH_CFI)
#define SWITCH_CROSSING(ra) ".cfi_remember_state\n\t.cfi_undefined " ra "\n\t"
#define SWITCH_CROSSED ".cfi_restore_state\n\tnop\n"
#else
#define SWITCH_CROSSING(ra)
#define SWITCH_CROSSED
#endif

#endif
