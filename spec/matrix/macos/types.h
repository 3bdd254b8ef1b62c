/*
** types.h
** What the stand-ins share: types of macOS and how functions are declared
**
** The headers in this directory stand in for Apple's where cfiber is compiled
** for macOS without them (../macos.sh): what its sources use, with the numbers
** and the layouts of Darwin (xnu: bsd/sys; POSIX.1 for the rest). Nothing is
** linked with them.
*/

#ifndef types_h
#define types_h

#include <stddef.h>
#include <stdint.h>

typedef int pid_t;
typedef long ssize_t;
typedef long long off_t;
typedef uint32_t sigset_t;

#endif
