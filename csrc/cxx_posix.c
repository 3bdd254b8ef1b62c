/*
** cxx_posix.c
** cxx.h for systems that have <dlfcn.h>
*/

#if defined(__unix__) || defined(__APPLE__)

#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE  /* RTLD_DEFAULT, RTLD_NOLOAD, dl_iterate_phdr */
#endif
#if defined(__APPLE__) && !defined(_DARWIN_C_SOURCE)
#define _DARWIN_C_SOURCE
#endif

#include "cxx.h"

#include <dlfcn.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__APPLE__)
#include <mach-o/dyld.h>
#else
#include <link.h>
#endif

/* Where libraries are linked into the program itself. */
struct cxx_exceptions *__cxa_get_globals (void);
void *__cxa_begin_catch (void *e);
void __cxa_end_catch (void);
typedef void (*handler) (void);
handler _ZSt13set_terminatePFvvE (handler f);  /* std::set_terminate */
#pragma weak __cxa_get_globals
#pragma weak __cxa_begin_catch
#pragma weak __cxa_end_catch
#pragma weak _ZSt13set_terminatePFvvE
#pragma weak _Unwind_ForcedUnwind
#pragma weak _Unwind_Backtrace
#pragma weak _Unwind_GetRegionStart

typedef __typeof__(_Unwind_GetRegionStart) startof;
typedef __typeof__(UNWINDER_READ) reader;
typedef __typeof__(UNWINDER_WRITE) writer;

/* 'std::exception_ptr', a pointer, as a function returns it: C++ objects with
   destructors are returned in memory (ABI, 3.1.3), in C so large ones are. */
struct exceptionptr {
  void *object;
  void *more[3];
};

/* What tells the text of an exception. */
struct texts {
  const void *base;  /* the 'std::type_info' of 'std::exception' */
  const void *(*type) (void);  /* __cxa_current_exception_type */
  struct exceptionptr (*current) (void);  /* std::current_exception */
  void (*release) (struct exceptionptr *p);  /* its destructor */
};

/* What a C++ runtime has. Found once, for the process. */
struct runtime {
  cxx_getter getter;
  void *(*begincatch) (void *);
  void (*endcatch) (void);
  handler (*setterminate) (handler f);
  _Unwind_Reason_Code (*unwind) (struct _Unwind_Exception *, _Unwind_Stop_Fn,
                                 void *);
  _Unwind_Reason_Code (*walk) (_Unwind_Trace_Fn, void *);
  startof *start;
  reader *read;
  writer *write;
  const void *clang;  /* something that only LLVM's runtime has, or NULL */
  struct texts texts;
};

static struct runtime runtime;
static int found;  /* is it? written after it */


/*
** {======================================================
** The lock
** =======================================================
*/

static pid_t owner;  /* the process that holds it, or 0 */


/* A lock that another thread held during a fork is free in the child, where
   that thread is not. */
static void lock (void) {
  pid_t self = getpid(), holder = 0;
  while (!__atomic_compare_exchange_n(&owner, &holder, self, 0,
                                      __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
    if (holder == self) {
      sched_yield();
      holder = 0;
    }
  }
}


static void unlock (void) {
  __atomic_store_n(&owner, 0, __ATOMIC_RELEASE);
}

/* }====================================================== */


/*
** {======================================================
** Looking for it
** =======================================================
*/

/* A function of a library or of those it needs; is it there? */
static int get (void *library, const char *name, void *function) {
  void *address = dlsym(library, name);
  memcpy(function, &address, sizeof(address));
  return address != NULL;
}


/* May be missing in a program that is linked statically. */
static void taketexts (void *library, struct runtime *r) {
  struct texts *t = &r->texts;
  get(library, "_ZTIN10__cxxabiv116__shim_type_infoE", &r->clang);
  if (!get(library, "_ZTISt9exception", &t->base)
      || !get(library, "__cxa_current_exception_type", &t->type)
      || !get(library, "_ZSt17current_exceptionv", &t->current)
      || !(get(library, "_ZNSt15__exception_ptr13exception_ptrD1Ev",
               &t->release)
           || get(library, "_ZNSt13exception_ptrD1Ev", &t->release)))
    t->base = NULL;
}


static int take (void *library, struct runtime *r) {
  taketexts(library, r);
  return get(library, "__cxa_get_globals", &r->getter)
      && get(library, "__cxa_begin_catch", &r->begincatch)
      && get(library, "__cxa_end_catch", &r->endcatch)
      && get(library, "_ZSt13set_terminatePFvvE", &r->setterminate)
      && get(library, "_Unwind_ForcedUnwind", &r->unwind)
      && get(library, "_Unwind_Backtrace", &r->walk)
      && get(library, "_Unwind_GetRegionStart", &r->start)
      && get(library, UNWINDER_NAME(UNWINDER_READ), &r->read)
      && get(library, UNWINDER_NAME(UNWINDER_WRITE), &r->write);
}


#if defined(RTLD_NOLOAD)

/* Lua loads its modules with RTLD_LOCAL: then their C++ runtime is found by
   its name alone. */
static const char *const names[] = {
  "libstdc++.so.6", "libc++abi.so.1", "libc++.so.1", "libcxxrt.so.1",
  "libc++abi.dylib"
};


/* What is found stays loaded: its handle is kept. */
static int takenamed (struct runtime *r) {
  size_t i;
  for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    void *library = dlopen(names[i], RTLD_LAZY | RTLD_NOLOAD);
    if (library != NULL) {
      if (take(library, r))
        return 1;
      dlclose(library);
    }
  }
  return 0;
}

#else  /* older OpenBSD: nobody can ask without loading */

static int takenamed (struct runtime *r) {
  (void)r;
  return 0;
}

#endif


static int takelinked (struct runtime *r) {
  taketexts(RTLD_DEFAULT, r);
  r->getter = __cxa_get_globals;
  r->begincatch = __cxa_begin_catch;
  r->endcatch = __cxa_end_catch;
  r->setterminate = _ZSt13set_terminatePFvvE;
  r->unwind = _Unwind_ForcedUnwind;
  r->walk = _Unwind_Backtrace;
  r->start = _Unwind_GetRegionStart;
  r->read = UNWINDER_READ;
  r->write = UNWINDER_WRITE;
  return r->getter != NULL && r->begincatch != NULL && r->endcatch != NULL
      && r->setterminate != NULL && r->unwind != NULL && r->walk != NULL
      && r->start != NULL && r->read != NULL && r->write != NULL;
}


static void look (void) {
  struct runtime r;
  if (takelinked(&r) || take(RTLD_DEFAULT, &r) || takenamed(&r)) {
    lock();
    if (!found)
      runtime = r;
    __atomic_store_n(&found, 1, __ATOMIC_RELEASE);
    unlock();
  }
}


/* How often a library was loaded, at least once. */
#if defined(__APPLE__)

static unsigned long long loads (void) {
  return _dyld_image_count();
}

#elif defined(__OpenBSD__)

/* It does not count. What is loaded where tells nearly as much. */
static int addload (struct dl_phdr_info *info, size_t size, void *sum) {
  unsigned long long *s = (unsigned long long *)sum;
  (void)size;
  *s = *s * 31 + info->dlpi_addr;
  return 0;
}


static unsigned long long loads (void) {
  unsigned long long sum = 1;
  dl_iterate_phdr(addload, &sum);
  return sum;
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
   one some 50 ns. Who sees that one has been taken sees what it found. */
cxx_getter cxx_find (void) {
  static unsigned long looked = 0;
  if (!__atomic_load_n(&found, __ATOMIC_ACQUIRE)) {
    unsigned long present = (unsigned long)loads();
    if (__atomic_load_n(&looked, __ATOMIC_ACQUIRE) != present) {
      look();
      __atomic_store_n(&looked, present, __ATOMIC_RELEASE);
    }
    if (!__atomic_load_n(&found, __ATOMIC_ACQUIRE))
      return NULL;
  }
  return runtime.getter;
}

/* }====================================================== */


/*
** {======================================================
** Where C++ would end the process
** =======================================================
*/

static struct cxx_unwinding *unwindings;  /* the list; under the lock */
static handler former;  /* while there are some: the one that was there */


static struct cxx_unwinding *around (const char *here) {
  struct cxx_unwinding *w;
  lock();
  w = unwindings;
  while (w != NULL && (here < w->low || here >= w->high))
    w = w->next;
  unlock();
  return w;
}


/* The blocks end that are open, and those that were when it began. Where 'w'
   itself is caught it does not go on by that. */
static void endblocks (struct cxx_unwinding *w) {
  struct cxx_exceptions *present = runtime.getter();
  w->exception.exception_cleanup = NULL;
  while (present->caught != NULL)
    runtime.endcatch();
  present->caught = w->caught;
  w->caught = NULL;
  while (present->caught != NULL)
    runtime.endcatch();
}


/* The handler of 'std::terminate', which may do anything but return. */
static void terminated (void) {
  struct cxx_unwinding *w = around((char *)__builtin_frame_address(0));
  if (w != NULL) {
    endblocks(w);
    w->done(w->arg);
  }
  if (former != NULL)
    former();
  abort();
}


void cxx_begin (struct cxx_unwinding *w, const void *low, const void *high) {
  w->low = (const char *)low;
  w->high = (const char *)high;
  lock();
  if (unwindings == NULL)
    former = runtime.setterminate(terminated);
  w->next = unwindings;
  unwindings = w;
  unlock();
}


/* A handler that the host has set meanwhile stays. */
void cxx_end (struct cxx_unwinding *w) {
  struct cxx_unwinding **p = &unwindings;
  lock();
  while (*p != w)
    p = &(*p)->next;
  *p = w->next;
  if (unwindings == NULL) {
    handler present = runtime.setterminate(former);
    if (present != terminated)
      runtime.setterminate(present);
  }
  unlock();
}

/* }====================================================== */


/*
** {======================================================
** Leaving frames
** =======================================================
*/

struct search {
  uintptr_t outermost;
  int any;
};


/* The data says what a frame has to do (LSDA). */
static _Unwind_Reason_Code find (struct _Unwind_Context *context, void *arg) {
  struct search *s = (struct search *)arg;
  s->any = unwinder_hasdata(context, runtime.read)
          && (uintptr_t)runtime.start(context) != s->outermost;
  return s->any ? _URC_END_OF_STACK : _URC_NO_REASON;
}


int cxx_finds (void (*outermost) (void *)) {
  struct search s;
  s.outermost = (uintptr_t)outermost;
  s.any = 0;
  runtime.walk(find, &s);
  return s.any;
}


static void leave (struct cxx_unwinding *w);


/* Asked before each frame (ABI, 1.3.2). On ARM libraries do not agree on how
   the class is passed, so that what comes behind it cannot be relied upon. */
static _Unwind_Reason_Code stop (int version, _Unwind_Action actions,
                                 _Unwind_Exception_Class kind,
                                 struct _Unwind_Exception *e,
                                 struct _Unwind_Context *context, void *arg) {
  (void)version; (void)kind; (void)e; (void)context; (void)arg;
  if (actions & _UA_END_OF_STACK) {
    struct cxx_unwinding *w = around((char *)__builtin_frame_address(0));
    endblocks(w);
    w->done(w->arg);
  }
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
  runtime.unwind(&w->exception, stop, NULL);
  w->done(w->arg);  /* the stack cannot be read */
}


void cxx_unwind (struct cxx_unwinding *w, void (*done) (void *arg),
                 void *arg) {
  struct cxx_exceptions *present = runtime.getter();
  w->done = done;
  w->arg = arg;
  w->caught = present->caught;
  cxx_clear(present);
  leave(w);
}

/* }====================================================== */


/*
** {======================================================
** Catching
** =======================================================
*/

/* The class has the name of a vendor and a language in seven bytes. Another
   runtime may use the same one, but counts for itself. */
int cxx_catches (const struct _Unwind_Exception *e) {
  unsigned long long kind, own;
  memcpy(&kind, &e->exception_class, sizeof(kind));
  if (cxx_find() == NULL || runtime.getter()->uncaught == 0)
    return 0;
  own = runtime.clang != NULL ? 0x434c4e47432b2b : 0x474e5543432b2b;
  return kind >> 8 == own;  /* CLNGC++, GNUCC++ */
}


void cxx_land (struct _Unwind_Context *context) {
  unwinder_land(context, runtime.read, runtime.write);
}


/* A virtual function of a C++ object, by its place (ABI, 2.5.2). */
static void method (const void *object, int place, void *function) {
  void *const *table = *(void *const *const *)object;
  memcpy(function, &table[place], sizeof(void *));
}


/* The object as a 'std::exception', or NULL. What a handler for 'base' asks is
   the fifth virtual function of its type, in each runtime. */
static void *asexception (const void *base, const void *type, void *object) {
  int (*catches) (const void *, const void *, void **, unsigned int);
  method(base, 4, &catches);
  return (catches(base, type, &object, 1) & 1) != 0 ? object : NULL;
}


static char *copy (const char *text) {
  size_t bytes = strlen(text) + 1;
  char *s = (char *)malloc(bytes);
  return s != NULL ? (char *)memcpy(s, text, bytes) : NULL;
}


/* what() is the third virtual function, after the two destructors. */
static char *textof (const struct texts *t) {
  struct exceptionptr p = t->current();
  void *exception = asexception(t->base, t->type(), p.object);
  const char *(*what) (const void *);
  char *text = NULL;
  if (exception != NULL) {
    method(exception, 2, &what);
    text = copy(what(exception));
  }
  t->release(&p);
  return text;
}


char *cxx_catch (struct _Unwind_Exception *e) {
  char *text = NULL;
  runtime.begincatch(e);
  if (runtime.texts.base != NULL)
    text = textof(&runtime.texts);
  runtime.endcatch();
  return text;
}

/* }====================================================== */

#else

typedef int cxx_posix_is_empty_here;  /* C99 6.9 wants a declaration */

#endif
