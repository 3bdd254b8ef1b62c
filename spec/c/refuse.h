/*
** refuse.h
** A system that refuses: mmap, munmap, mprotect and madvise of the program,
** in place of the C library's
*/

#ifndef refuse_h
#define refuse_h

#include <errno.h>
#include <limits.h>

/* Which uses of a call fail; the first use is 1. */
struct refuse {
  int why;  /* errno of those that fail */
  unsigned first, last;  /* of them; none with 0 */
  unsigned uses;  /* so far */
};

static struct refuse refuse_mmap, refuse_munmap;
static struct refuse refuse_mprotect, refuse_madvise;

/* Of the uses to come fails the nth, or from the nth on every one. */
static inline void refuse_only (struct refuse *r, unsigned nth, int why) {
  r->why = why;
  r->first = r->last = nth;
  r->uses = 0;
}

static inline void refuse_from (struct refuse *r, unsigned nth, int why) {
  refuse_only(r, nth, why);
  r->last = UINT_MAX;
}

/* And all counts start again. */
static inline void refuse_nothing (void) {
  refuse_only(&refuse_mmap, 0, 0);
  refuse_only(&refuse_munmap, 0, 0);
  refuse_only(&refuse_mprotect, 0, 0);
  refuse_only(&refuse_madvise, 0, 0);
}

/* Counts a use. Does it fail? */
static inline int refuse_this (struct refuse *r) {
  r->uses++;
  if (r->uses < r->first || r->uses > r->last)
    return 0;
  errno = r->why;
  return 1;
}

#if defined(_WIN32)

#include "windows/refuse.h"

#else

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What comes of the errno of a call that fails. */
static inline int refuse_said (int why) {
  return why;
}

/* Where Linux is given advice others map new memory in place of the old. */
void *mmap (void *at, size_t bytes, int protection, int flags, int file,
            off_t offset) {
  int advised = (flags & MAP_FIXED) && (flags & MAP_PRIVATE);
  if (refuse_this(advised ? &refuse_madvise : &refuse_mmap))
    return MAP_FAILED;
#if defined(SYS_mmap2)  /* takes the offset in units of 4 KB */
  return (void *)syscall(SYS_mmap2, at, bytes, protection, flags, file,
                         offset / 4096);
#elif defined(__s390x__)  /* there a call has at most five arguments */
  unsigned long all[6] = {(unsigned long)at, bytes, (unsigned long)protection,
                          (unsigned long)flags, (unsigned long)file,
                          (unsigned long)offset};
  return (void *)syscall(SYS_mmap, all);
#else
  return (void *)syscall(SYS_mmap, at, bytes, protection, flags, file, offset);
#endif
}

int munmap (void *at, size_t bytes) {
  if (refuse_this(&refuse_munmap))
    return -1;
  return (int)syscall(SYS_munmap, at, bytes);
}

int madvise (void *at, size_t bytes, int advice) {
  if (refuse_this(&refuse_madvise))
    return -1;
  return (int)syscall(SYS_madvise, at, bytes, advice);
}

int mprotect (void *at, size_t bytes, int protection) {
  if (refuse_this(&refuse_mprotect))
    return -1;
  return (int)syscall(SYS_mprotect, at, bytes, protection);
}

#endif

#endif
