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

#if !defined(MAP_STACK)  /* OpenBSD demands it */
#define MAP_STACK 0
#endif

#if defined(__linux__) && !defined(MADV_GUARD_INSTALL)
#define MADV_GUARD_INSTALL 102  /* linux/mman.h, since 6.13 */
#endif
#define MADV_UNKNOWN 0x7FFFFFFF  /* no advice at all */


size_t pages_size (void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}


void *pages_reserve (size_t bytes) {
  void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK,
                  -1, 0);
  if (at == MAP_FAILED)
    return NULL;
#if defined(MADV_NOHUGEPAGE)  /* before Linux 6.7 MAP_STACK does not say so */
  madvise(at, bytes, MADV_NOHUGEPAGE);  /* else a touch may cost 2 MB */
#endif
  return at;
}


/* The advice guards without splitting the mapping, so that the system's
   limit of mappings (65,530) does not limit the stacks. Kernels that do not
   know it, locked memory and some system call filters refuse it; emulators
   of a processor (qemu) accept any advice and do nothing. */
int pages_guard (void *at, size_t bytes) {
#if defined(MADV_GUARD_INSTALL)
  if (madvise(at, bytes, MADV_GUARD_INSTALL) == 0
      && madvise(at, bytes, MADV_UNKNOWN) != 0)  /* not just ignored */
    return 0;
#endif
  return mprotect(at, bytes, PROT_NONE);
}


void pages_release (void *at, size_t bytes) {
  if (munmap(at, bytes) != 0)  /* it would split one mapping too many */
    madvise(at, bytes, MADV_DONTNEED);
}

#else

typedef int pages_posix_is_empty_here;  /* C99 6.9 wants a declaration */

#endif
