/*
** sse.h
** Has the i386 that runs this SSE, and with it MXCSR? A program for every i386
** finds out at run time.
*/

#ifndef sse_h
#define sse_h

static inline int switch_hassse (void) {
#if defined(__SSE__)
  return 1;
#else
  return __builtin_cpu_supports("sse") != 0;
#endif
}

#endif
