/*
** annotate.h
** What sanitizers and valgrind are told of stacks: inline functions, empty in
** a build without these tools. Knows no Lua.
**
** A sanitizer keeps its own account of the stack that runs: ASan its bounds
** and a fake stack for variables that may be used after their function
** returned, TSan a clock and the calls. The account changes with the stack.
** That of the side that does not run lies beside its context, so a slot
** always has the other side of both (see switch.h).
*/

#ifndef annotate_h
#define annotate_h

#include <stddef.h>
#include <string.h>

#include "config.h"

#if defined(__has_feature)  /* clang */
#if __has_feature(address_sanitizer)
#define ANNOTATE_ASAN
#elif __has_feature(thread_sanitizer)
#define ANNOTATE_TSAN
#endif
#elif defined(__SANITIZE_ADDRESS__)  /* gcc */
#define ANNOTATE_ASAN
#elif defined(__SANITIZE_THREAD__)
#define ANNOTATE_TSAN
#endif

/* The requests are some 15 instructions for each stack that is made, none for
   one that is reused: they are there wherever their header is. */
#if defined(__has_include) && !defined(CFIBER_NO_VALGRIND)
#if __has_include(<valgrind/memcheck.h>)
#define ANNOTATE_VALGRIND
#endif
#endif


/*
** {======================================================
** Accounts of a sanitizer
** =======================================================
*/

/*
** annotate_prepare: a context was prepared on the stack that has 'bytes' from
**   'low' on.
** annotate_swap: the next thing is a swap with the context beside 'a'.
** annotate_exit: the same for the last time.
** annotate_jumped: the running code did not swap, it jumped to the other side.
** annotate_exchange: two contexts changed places.
** annotate_forget: the account in 'a' is no longer known, nor dropped.
** annotate_drop: what the account in 'a' is of will not run again; the stack
**   goes where it came from.
*/

#if defined(ANNOTATE_ASAN)

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>

struct annotation {
  void *fake;  /* the fake stack, or NULL */
  const void *low;  /* the bounds */
  size_t bytes;
};

INLINE void annotate_exchange (struct annotation *a, struct annotation *b) {
  struct annotation before = *a;
  *a = *b;
  *b = before;
}

/* What only this stack refers to is no leak. */
INLINE void annotate_prepare (struct annotation *a, const void *low,
                              size_t bytes) {
  a->fake = NULL;
  a->low = low;
  a->bytes = bytes;
  __lsan_register_root_region(low, bytes);
}

/* The second call is meant for the other side; it tells the bounds of this
   one, which is known here only when it is a fiber's. */
INLINE void annotate_swap (struct annotation *a) {
  struct annotation to = *a;
  __sanitizer_start_switch_fiber(&a->fake, to.low, to.bytes);
  __sanitizer_finish_switch_fiber(to.fake, &a->low, &a->bytes);
}

INLINE void annotate_exit (struct annotation *a) {
  struct annotation to = *a;
  a->fake = NULL;
  __sanitizer_start_switch_fiber(NULL, to.low, to.bytes);
  __sanitizer_finish_switch_fiber(to.fake, &a->low, &a->bytes);
}

INLINE void annotate_forget (struct annotation *a) {
  a->fake = NULL;
}

/* Frames that were entered after the jump lie on the fake stack of the side
   that was left. Those that were jumped over, below the running one, have left
   marks of their variables: ASan took them off the stack that was left. */
INLINE void annotate_jumped (struct annotation *a) {
  const char *low = (const char *)a->low;
  size_t bytes = (size_t)((const char *)__builtin_frame_address(0) - low);
  int there = bytes < a->bytes;
  annotate_swap(a);
  annotate_forget(a);
  if (there)
    __asan_unpoison_memory_region(low, bytes);
}

/* Only who runs with a fake stack can free it. Jumps leave marks of variables
   in the memory that the next one to use it knows nothing of. */
INLINE void annotate_drop (struct annotation *a, const void *low,
                           size_t bytes) {
  if (a->fake != NULL) {
    annotate_swap(a);
    annotate_exit(a);
  }
  __lsan_unregister_root_region(low, bytes);
  __asan_unpoison_memory_region(low, bytes);
}

#elif defined(ANNOTATE_TSAN)

/* <sanitizer/tsan_interface.h> of gcc 10 defines variables in each file. */
void *__tsan_get_current_fiber (void);
void *__tsan_create_fiber (unsigned int flags);
void __tsan_destroy_fiber (void *fiber);
void __tsan_switch_to_fiber (void *fiber, unsigned int flags);

void __tsan_func_entry (void *pc);  /* what the compiler calls */

struct annotation {
  void *strand;  /* what TSan calls a fiber */
};

INLINE void annotate_exchange (struct annotation *a, struct annotation *b) {
  struct annotation before = *a;
  *a = *b;
  *b = before;
}

INLINE void annotate_prepare (struct annotation *a, const void *low,
                              size_t bytes) {
  (void)low;
  (void)bytes;
  a->strand = __tsan_create_fiber(0);
}

INLINE void annotate_swap (struct annotation *a) {
  void *to = a->strand;
  a->strand = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(to, 0);
}

INLINE void annotate_exit (struct annotation *a) {
  annotate_swap(a);
}

INLINE void annotate_forget (struct annotation *a) {
  a->strand = NULL;
}

/* Calls that began since the jump count on the side that was left. They end
   on this one, whose count must not get below zero. */
INLINE void annotate_jumped (struct annotation *a) {
  int i;
  annotate_swap(a);
  for (i = 0; i < 16; i++)
    __tsan_func_entry(__builtin_return_address(0));
}

INLINE void annotate_drop (struct annotation *a, const void *low,
                           size_t bytes) {
  (void)low;
  (void)bytes;
  if (a->strand != NULL)
    __tsan_destroy_fiber(a->strand);
}

#else

struct annotation {
  char nothing;
};

INLINE void annotate_exchange (struct annotation *a, struct annotation *b) {
  (void)a;
  (void)b;
}

INLINE void annotate_prepare (struct annotation *a, const void *low,
                              size_t bytes) {
  (void)a;
  (void)low;
  (void)bytes;
}

INLINE void annotate_swap (struct annotation *a) {
  (void)a;
}

INLINE void annotate_exit (struct annotation *a) {
  (void)a;
}

INLINE void annotate_forget (struct annotation *a) {
  (void)a;
}

INLINE void annotate_jumped (struct annotation *a) {
  (void)a;
}

INLINE void annotate_drop (struct annotation *a, const void *low,
                           size_t bytes) {
  (void)a;
  (void)low;
  (void)bytes;
}

#endif

/* }====================================================== */


/*
** {======================================================
** Memory of a stack
** =======================================================
*/

#if defined(ANNOTATE_VALGRIND)

#include <valgrind/memcheck.h>

/* There is a stack from 'low' up to 'top'; returns what annotate_nostack
   takes when it is gone. */
INLINE unsigned int annotate_stack (const void *low, const void *top) {
  (void)low; (void)top;  /* on machines that valgrind does not know */
  return VALGRIND_STACK_REGISTER(low, top);
}

INLINE void annotate_nostack (unsigned int id) {
  (void)id;
  VALGRIND_STACK_DEREGISTER(id);
}

/* What these bytes hold is meant to be looked at, whatever it is. */
INLINE void annotate_defined (const void *at, size_t bytes) {
  (void)at; (void)bytes;
  VALGRIND_MAKE_MEM_DEFINED(at, bytes);
}

/* Reads outside of all frames are meant, until annotate_peeked. */
INLINE void annotate_peek (void) {
  VALGRIND_DISABLE_ERROR_REPORTING;
}

INLINE void annotate_peeked (void) {
  VALGRIND_ENABLE_ERROR_REPORTING;
}

#else

INLINE unsigned int annotate_stack (const void *low, const void *top) {
  (void)low;
  (void)top;
  return 0;
}

INLINE void annotate_nostack (unsigned int id) {
  (void)id;
}

INLINE void annotate_defined (const void *at, size_t bytes) {
  (void)at;
  (void)bytes;
}

INLINE void annotate_peek (void) {
}

INLINE void annotate_peeked (void) {
}

#endif

#if defined(ANNOTATE_ASAN)

/* 'memcmp' would stop at what frames have put around their variables. */
__attribute__((no_sanitize_address))
static inline int annotate_equal (const char *p, const char *q,
                                  size_t bytes) {
  while (bytes > 0 && *p == *q) {
    p++;
    q++;
    bytes--;
  }
  return bytes == 0;
}

#else

INLINE int annotate_equal (const char *p, const char *q, size_t bytes) {
  return memcmp(p, q, bytes) == 0;
}

#endif

/* }====================================================== */

#endif
