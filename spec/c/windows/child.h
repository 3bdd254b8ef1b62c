/*
** child.h
** What is expected to fault, on Windows, where no process forks: it runs in
** this one, and what a fault did to guards is mended
*/

#ifndef windows_child_h
#define windows_child_h

#include <signal.h>
#include <stdint.h>

#include "config.h"
#include "system.h"

struct child_bounds {
  void *high, *limit, *low;
  void *list;  /* of handlers, in Wine */
};

static struct {
  CONTEXT start;
  volatile int faulted;
  EXCEPTION_RECORD record;
  struct child_bounds bounds;  /* when it did */
} child;

/* Those of the running stack, as the system sees it: StackBase, StackLimit,
   DeallocationStack, ExceptionList. */
static inline struct child_bounds child_bounds (void) {
  struct child_bounds b;
  __asm__ volatile ("movq %%gs:0x08, %0\n\tmovq %%gs:0x10, %1\n\t"
                    "movq %%gs:0x1478, %2\n\tmovq %%gs:0, %3"
                    : "=r" (b.high), "=r" (b.limit), "=r" (b.low),
                      "=r" (b.list));
  return b;
}

static inline void child_setbounds (const struct child_bounds *b) {
  __asm__ volatile ("movq %0, %%gs:0x08\n\tmovq %1, %%gs:0x10\n\t"
                    "movq %2, %%gs:0x1478\n\tmovq %3, %%gs:0"
                    : : "r" (b->high), "r" (b->limit), "r" (b->low),
                        "r" (b->list) : "memory");
}

static LONG CALLBACK child_handle (EXCEPTION_POINTERS *p) {
  DWORD code = p->ExceptionRecord->ExceptionCode;
  if (code != EXCEPTION_ACCESS_VIOLATION && code != EXCEPTION_GUARD_PAGE
      && code != EXCEPTION_STACK_OVERFLOW)
    return EXCEPTION_CONTINUE_SEARCH;
  child.faulted = 1;
  child.record = *p->ExceptionRecord;
  child.bounds = child_bounds();
  *p->ContextRecord = child.start;
  return EXCEPTION_CONTINUE_EXECUTION;
}

/* The pages of a guard that were touched. */
static inline void child_mend (void) {
  DWORD before;
  if (child.record.ExceptionCode == EXCEPTION_GUARD_PAGE)
    VirtualProtect((void *)child.record.ExceptionInformation[1], 1,
                   PAGE_READWRITE | PAGE_GUARD, &before);
  else if (child.record.ExceptionCode == EXCEPTION_STACK_OVERFLOW)
    VirtualProtect((char *)child.bounds.low + 4096, GUARD_SIZE - 4096,
                   PAGE_READWRITE | PAGE_GUARD, &before);
}

/* Runs f. Returns SIGSEGV if it faulted, or minus its result. */
static __attribute__((noinline)) int child_run (int (*f) (void *data),
                                                void *data) {
  struct child_bounds bounds = child_bounds();
  PVOID handler = AddVectoredExceptionHandler(1, child_handle);
  volatile int result = SIGSEGV;
  child.faulted = 0;
  RtlCaptureContext(&child.start);
  if (!child.faulted)
    result = -f(data);
  else {
    child_setbounds(&bounds);
    child_mend();
  }
  RemoveVectoredExceptionHandler(handler);
  return result;
}

#endif
