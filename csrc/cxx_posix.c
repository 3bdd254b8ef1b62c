/*
** cxx_posix.c
** cxx.h for systems that have <dlfcn.h>
*/

#if defined(__unix__) || defined(__APPLE__)

#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE  /* RTLD_DEFAULT, RTLD_NOLOAD, dl_iterate_phdr */
#endif
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE
#endif

#include "cxx.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#if defined(__APPLE__)
#include <mach-o/dyld.h>
#else
#include <link.h>
#endif

typedef _Unwind_Reason_Code (*forced_unwind) (struct _Unwind_Exception *,
                                              _Unwind_Stop_Fn, void *);

/* Where libraries are linked into the program itself. */
struct cxx_exceptions *__cxa_get_globals (void);
#pragma weak __cxa_get_globals
#pragma weak _Unwind_ForcedUnwind

/* Found once, for the process; 'found' is written last. */
static forced_unwind forced;
static cxx_getter found;


/*
** {======================================================
** Looking for it
** =======================================================
*/

/* Lua loads its modules with RTLD_LOCAL: then their C++ runtime is found by
   its name alone. */
static const char *const names[] = {
  "libstdc++.so.6", "libc++abi.so.1", "libc++.so.1", "libcxxrt.so.1",
  "libc++abi.dylib"
};


/* Both functions of a library and those it needs; are they there? */
static int take (void *library) {
  cxx_getter getter;
  void *global = dlsym(library, "__cxa_get_globals");
  void *unwind = dlsym(library, "_Unwind_ForcedUnwind");
  if (global == NULL || unwind == NULL)
    return 0;
  memcpy(&forced, &unwind, sizeof(forced));
  memcpy(&getter, &global, sizeof(getter));
  __atomic_store_n(&found, getter, __ATOMIC_RELEASE);
  return 1;
}


/* What is found stays loaded: its handle is kept. */
static void takenamed (void) {
  size_t i;
  int taken = 0;
  for (i = 0; !taken && i < sizeof(names) / sizeof(names[0]); i++) {
    void *library = dlopen(names[i], RTLD_LAZY | RTLD_NOLOAD);
    if (library != NULL && !(taken = take(library)))
      dlclose(library);
  }
}


static void look (void) {
  if (__cxa_get_globals != NULL && _Unwind_ForcedUnwind != NULL) {
    forced = _Unwind_ForcedUnwind;
    __atomic_store_n(&found, __cxa_get_globals, __ATOMIC_RELEASE);
  }
  else if (!take(RTLD_DEFAULT))
    takenamed();
}


/* How often a library was loaded, at least once. */
#if defined(__APPLE__)

static unsigned long long loads (void) {
  return _dyld_image_count();
}

#else

static int readloads (struct dl_phdr_info *info, size_t size, void *count) {
  if (size >= offsetof(struct dl_phdr_info, dlpi_adds)
             + sizeof(info->dlpi_adds))
    *(unsigned long long *)count = info->dlpi_adds;
  return 1;  /* the first library tells it */
}


static unsigned long long loads (void) {
  unsigned long long count = 1;
  dl_iterate_phdr(readloads, &count);
  return count;
}

#endif


/* A look takes microseconds, to learn that nothing was loaded since the last
   one some 50 ns. Two threads that look at once find the same. */
cxx_getter cxx_find (void) {
  static unsigned long long looked = 0;
  unsigned long long present;
  cxx_getter getter = __atomic_load_n(&found, __ATOMIC_ACQUIRE);
  if (getter != NULL)
    return getter;
  present = loads();
  if (__atomic_exchange_n(&looked, present, __ATOMIC_RELAXED) != present)
    look();
  return __atomic_load_n(&found, __ATOMIC_ACQUIRE);
}

/* }====================================================== */


/*
** {======================================================
** Leaving frames
** =======================================================
*/

static void leave (struct cxx_unwinding *w);


/* Asked before each frame (ABI, 1.3.2). */
static _Unwind_Reason_Code stop (int version, _Unwind_Action actions,
                                 _Unwind_Exception_Class kind,
                                 struct _Unwind_Exception *e,
                                 struct _Unwind_Context *context, void *arg) {
  struct cxx_unwinding *w = (struct cxx_unwinding *)arg;
  (void)version; (void)kind; (void)e; (void)context;
  if (actions & _UA_END_OF_STACK)
    w->done(w->arg);
  return _URC_NO_REASON;
}


/* A 'catch (...)' has ended without 'throw;'. */
static void caught (_Unwind_Reason_Code reason, struct _Unwind_Exception *e) {
  (void)reason;
  leave((struct cxx_unwinding *)(void *)((char *)e
          - offsetof(struct cxx_unwinding, exception)));
}


/* The class is none of C++: 'catch (...)' and 'catch (abi::__forced_unwind &)'
   see it, and no other. */
static void leave (struct cxx_unwinding *w) {
  memset(&w->exception, 0, sizeof(w->exception));
  w->exception.exception_cleanup = caught;
  forced(&w->exception, stop, w);
  w->done(w->arg);  /* the stack cannot be read */
}


void cxx_unwind (struct cxx_unwinding *w, void (*done) (void *arg),
                 void *arg) {
  w->done = done;
  w->arg = arg;
  leave(w);
}

/* }====================================================== */

#else

typedef int cxx_posix_is_empty_here;  /* C99 6.9 wants a declaration */

#endif
