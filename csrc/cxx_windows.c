/*
** cxx_windows.c
** cxx.h for Windows: nothing is done for C++ yet
**
** Exceptions that are thrown and caught on one stack need nothing from here.
** What is missing is what cxx.h is for: fibers that yield inside 'catch' blocks
** share one state of exceptions, stacks that are dropped run no destructors,
** and an exception that would leave a fiber ends the process. GCC's runtime
** unwinds by the system's own search (SEH), which ends in an unhandled
** exception where no frame takes it.
*/

#if defined(_WIN32)

#include "cxx.h"


cxx_getter cxx_find (void) {
  return NULL;
}


/* The rest is called only where cxx_find has found something. */

int cxx_finds (void (*outermost) (void *)) {
  (void)outermost;
  return 0;
}


int cxx_catches (const struct _Unwind_Exception *e) {
  (void)e;
  return 0;
}


void cxx_land (struct _Unwind_Context *context) {
  (void)context;
}


char *cxx_catch (struct _Unwind_Exception *e) {
  (void)e;
  return NULL;
}


void cxx_begin (struct cxx_unwinding *w, const void *low, const void *high) {
  (void)w; (void)low; (void)high;
}


void cxx_end (struct cxx_unwinding *w) {
  (void)w;
}


void cxx_unwind (struct cxx_unwinding *w, void (*done) (void *arg), void *arg) {
  (void)w;
  done(arg);
}

#else

typedef int cxx_windows_is_empty_here;  /* C99 6.9 wants a declaration */

#endif
