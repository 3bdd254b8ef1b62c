/*
** pages_posix.c
** pages.h for POSIX systems
*/

#if !defined(_WIN32)

#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE  /* MAP_ANONYMOUS, madvise */
#endif

#include "pages.h"

#include <sys/mman.h>
#include <unistd.h>

#if !defined(MAP_ANONYMOUS)
#define MAP_ANONYMOUS MAP_ANON
#endif

#if !defined(MAP_NORESERVE)
#define MAP_NORESERVE 0
#endif

/* OpenBSD ends a process whose stack pointer is in other memory (mmap(2)); to
   Linux, since 6.7, it says that huge pages are of no use. To FreeBSD it means
   a stack that grows: what 'mprotect' did to a part that is not there yet is
   forgotten, and with it the guard. */
#if (defined(__OpenBSD__) || defined(__linux__)) && defined(MAP_STACK)
#define STACKS MAP_STACK
#else
#define STACKS 0
#endif

#define MEMORY (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | STACKS)

#if defined(__linux__) && !defined(MADV_GUARD_INSTALL)
#define MADV_GUARD_INSTALL 102  /* linux/mman.h, since 6.13 */
#endif
#define MADV_UNKNOWN 0x7FFFFFFF  /* no advice at all */


size_t pages_size (void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}


size_t pages_round (size_t bytes) {
  size_t page = pages_size();
  return (bytes + page - 1) & ~(page - 1);
}


void *pages_reserve (size_t bytes) {
  void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MEMORY, -1, 0);
  if (at == MAP_FAILED)
    return NULL;
#if defined(MADV_NOHUGEPAGE)  /* before Linux 6.7 MAP_STACK does not say so */
  madvise(at, bytes, MADV_NOHUGEPAGE);  /* else a touch may cost 2 MB */
#endif
  return at;
}


#if defined(MADV_GUARD_INSTALL)

/* Emulators of a processor (qemu) accept any advice and do nothing. */
static int advicematters (void) {
  static int matters;  /* 0 not asked yet, 1 yes, -1 no: as long as we run */
  int m = __atomic_load_n(&matters, __ATOMIC_RELAXED);
  if (m == 0) {
    m = madvise(NULL, 0, MADV_UNKNOWN) != 0 ? 1 : -1;
    __atomic_store_n(&matters, m, __ATOMIC_RELAXED);
  }
  return m > 0;
}


/* Kernels that do not know the advice, locked memory and some system call
   filters refuse it. */
static int adviseguard (void *at, size_t bytes) {
  return advicematters() && madvise(at, bytes, MADV_GUARD_INSTALL) == 0;
}

#else

static int adviseguard (void *at, size_t bytes) {
  (void)at;
  (void)bytes;
  return 0;
}

#endif


int pages_guard (void *at, size_t bytes, enum pages_guard *way) {
  if (*way == GUARD_ADVICE) {
    if (adviseguard(at, bytes))
      return 0;
    *way = GUARD_MPROTECT;
  }
  return mprotect(at, bytes, PROT_NONE);
}


/* To Linux the advice is an order. Others take it for one on what to swap out,
   and lose nothing; there new memory takes the place of the old. */
void pages_discard (void *at, size_t bytes) {
#if defined(__linux__)
  madvise(at, bytes, MADV_DONTNEED);
#else
  mmap(at, bytes, PROT_READ | PROT_WRITE, MEMORY | MAP_FIXED, -1, 0);
#endif
}


int pages_release (void *at, size_t bytes) {
  return munmap(at, bytes);
}

#else

typedef int pages_posix_is_empty_here;  /* C99 6.9 wants a declaration */

#endif
