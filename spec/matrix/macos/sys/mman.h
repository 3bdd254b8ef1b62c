/* sys/mman.h: see ../types.h. There is no MAP_STACK. */

#ifndef sys_mman_h
#define sys_mman_h

#include "../types.h"

#define PROT_NONE 0x0
#define PROT_READ 0x1
#define PROT_WRITE 0x2

#define MAP_PRIVATE 0x2
#define MAP_FIXED 0x10
#define MAP_NORESERVE 0x40
#define MAP_ANON 0x1000
#define MAP_FAILED ((void *)-1)

#define MADV_DONTNEED 4
#define MADV_FREE 5

int madvise (void *at, size_t bytes, int advice);
void *mmap (void *at, size_t bytes, int protection, int flags, int file,
            off_t offset);
int mprotect (void *at, size_t bytes, int protection);
int munmap (void *at, size_t bytes);

#endif
