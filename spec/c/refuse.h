/*
** refuse.h
** A system that refuses to guard pages: madvise and mprotect of the program,
** in place of the C library's
*/

#ifndef refuse_h
#define refuse_h

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static int refuse_madvise, refuse_mprotect;  /* errno to fail with, or 0 */

int madvise (void *at, size_t bytes, int advice) {
  if (refuse_madvise != 0) {
    errno = refuse_madvise;
    return -1;
  }
  return (int)syscall(SYS_madvise, at, bytes, advice);
}

int mprotect (void *at, size_t bytes, int protection) {
  if (refuse_mprotect != 0) {
    errno = refuse_mprotect;
    return -1;
  }
  return (int)syscall(SYS_mprotect, at, bytes, protection);
}

#endif
