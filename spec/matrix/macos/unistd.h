/* unistd.h: see types.h */

#ifndef unistd_h
#define unistd_h

#include "types.h"

#define STDERR_FILENO 2
#define _SC_PAGESIZE 29

pid_t getpid (void);
long sysconf (int name);
ssize_t write (int file, const void *from, size_t bytes);

#endif
