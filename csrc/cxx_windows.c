/*
** cxx_windows.c
** cxx.h for Windows: each stack has its own state of exceptions, and no more
**
** Missing is what leaves frames: stacks that are dropped run no destructors,
** and an exception that would leave a fiber ends the process. GCC's runtime
** unwinds by the system's own search for handlers (SEH). _Unwind_ForcedUnwind
** is such an exception, too; where the stack ends no frame takes it, and it is
** unhandled.
*/

#if defined(_WIN32)

#include "cxx.h"

#include <string.h>

#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <winternl.h>

/* GCC's runtime and LLVM's, as mingw-w64 has them */
static const char *const names[] = {"libstdc++-6.dll", "libc++.dll"};


/* Where the process has its list of modules (winternl.h, PEB_LDR_DATA). */
static const LIST_ENTRY *findmodules (void) {
  PEB *(NTAPI *getpeb) (void);
  FARPROC address = GetProcAddress(GetModuleHandleA("ntdll.dll"),
                                   "RtlGetCurrentPeb");
  memcpy(&getpeb, &address, sizeof(getpeb));
  return &getpeb()->Ldr->InMemoryOrderModuleList;
}


/* The last one in it, which is another when a module was loaded. */
static const void *lastmodule (void) {
  static const LIST_ENTRY *modules;
  const LIST_ENTRY *m = __atomic_load_n(&modules, __ATOMIC_RELAXED);
  if (m == NULL) {
    m = findmodules();
    __atomic_store_n(&modules, m, __ATOMIC_RELAXED);
  }
  return __atomic_load_n(&m->Blink, __ATOMIC_RELAXED);
}


/* What is found stays loaded. */
static cxx_getter look (void) {
  cxx_getter getter = NULL;
  size_t i;
  for (i = 0; i < sizeof(names) / sizeof(names[0]) && getter == NULL; i++) {
    HMODULE module;
    if (GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_PIN, names[i], &module)) {
      FARPROC address = GetProcAddress(module, "__cxa_get_globals");
      memcpy(&getter, &address, sizeof(getter));
    }
  }
  return getter;
}


/* A look takes microseconds, under Wine a search of directories. */
cxx_getter cxx_find (void) {
  static cxx_getter found;
  static const void *looked;
  cxx_getter getter = __atomic_load_n(&found, __ATOMIC_ACQUIRE);
  if (getter == NULL) {
    const void *last = lastmodule();
    if (__atomic_load_n(&looked, __ATOMIC_RELAXED) != last) {
      getter = look();
      __atomic_store_n(&found, getter, __ATOMIC_RELEASE);
      __atomic_store_n(&looked, last, __ATOMIC_RELAXED);
    }
  }
  return getter;
}


/* No frame is known to have something to do. */
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
