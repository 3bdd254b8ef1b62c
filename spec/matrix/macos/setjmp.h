/* setjmp.h: see types.h */

#ifndef setjmp_h
#define setjmp_h

#if defined(__x86_64__)
typedef int sigjmp_buf[38];
#else
typedef int sigjmp_buf[49];
#endif

int sigsetjmp (sigjmp_buf place, int mask) __attribute__((returns_twice));
void siglongjmp (sigjmp_buf place, int value) __attribute__((noreturn));

#endif
