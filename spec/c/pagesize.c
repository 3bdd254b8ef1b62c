/*
** pagesize.c
** A system with larger pages than it has: of $PAGESIZE bytes. To be preloaded
** (LD_PRELOAD): then its functions come before those of the C library.
**
** Addresses that are not multiples of such a page are refused as by such a
** system, lengths are rounded up. Files are mapped as they are.
*/

#define _GNU_SOURCE  /* RTLD_NEXT */

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>


static size_t page (void) {
  static size_t size;
  if (size == 0) {
    const char *value = getenv("PAGESIZE");
    size = value != NULL ? (size_t)strtoul(value, NULL, 10) : 4096;
  }
  return size;
}


static size_t rounded (size_t bytes) {
  return (bytes + page() - 1) & ~(page() - 1);
}


/* Sets errno where an address is not that of a page. */
static int misplaced (const void *at) {
  if ((uintptr_t)at % page() == 0)
    return 0;
  errno = EINVAL;
  return 1;
}


long sysconf (int name) {
  long (*original) (int);
  if (name == _SC_PAGESIZE)
    return (long)page();
  *(void **)&original = dlsym(RTLD_NEXT, "sysconf");
  return original(name);
}


int getpagesize (void) {
  return (int)page();
}


unsigned long getauxval (unsigned long type) {
  unsigned long (*original) (unsigned long);
  if (type == AT_PAGESZ)
    return page();
  *(void **)&original = dlsym(RTLD_NEXT, "getauxval");
  return original(type);
}


int munmap (void *at, size_t bytes) {
  int (*original) (void *, size_t);
  *(void **)&original = dlsym(RTLD_NEXT, "munmap");
  return misplaced(at) ? -1 : original(at, rounded(bytes));
}


int mprotect (void *at, size_t bytes, int protection) {
  int (*original) (void *, size_t, int);
  *(void **)&original = dlsym(RTLD_NEXT, "mprotect");
  return misplaced(at) ? -1 : original(at, rounded(bytes), protection);
}


int madvise (void *at, size_t bytes, int advice) {
  int (*original) (void *, size_t, int);
  *(void **)&original = dlsym(RTLD_NEXT, "madvise");
  return misplaced(at) ? -1 : original(at, rounded(bytes), advice);
}


/* Cuts a mapping, which has a page more than 'bytes', at both ends: what is left
   touches the mapping above where that begins with a page. */
static void *cut (char *at, size_t bytes) {
  int (*release) (void *, size_t);
  char *from = at + page() - (uintptr_t)at % page();
  *(void **)&release = dlsym(RTLD_NEXT, "munmap");
  release(at, (size_t)(from - at));
  if (from < at + page())
    release(from + bytes, (size_t)(at + page() - from));
  return from;
}


void *mmap (void *at, size_t bytes, int protection, int flags, int file,
            off_t offset) {
  void *(*original) (void *, size_t, int, int, int, off_t);
  void *got;
  *(void **)&original = dlsym(RTLD_NEXT, "mmap");
  if (!(flags & MAP_ANONYMOUS))
    return original(at, bytes, protection, flags, file, offset);
  bytes = rounded(bytes);
  if (flags & MAP_FIXED)
    return misplaced(at) ? MAP_FAILED
                         : original(at, bytes, protection, flags, file, offset);
  got = original(at, bytes + page(), protection, flags, file, offset);
  return got == MAP_FAILED ? got : cut((char *)got, bytes);
}
