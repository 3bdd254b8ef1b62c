/*
** overflow_windows.c
** overflow.h for Windows
**
** A vectored handler sees each exception of the process before those of frames
** do, and passes all on. It runs on the stack that overflowed, in what the
** system has made usable of the guard (pages_windows.c). Where frames are not
** touched page by page, in code that no compiler for Windows made, they end
** behind that part: the system then has no place for a handler and ends the
** process without a word.
*/

#if defined(_WIN32)

#include "overflow.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "report.h"

static SRWLOCK lock = SRWLOCK_INIT;
static struct universe *universes;  /* under the lock, as all that follows */
static PVOID handler;  /* the one that is installed, or NULL */
static int users;  /* universes with the report on */


/*
** {======================================================
** The report
** =======================================================
*/

/* An attempt to read what the overflow may have interrupted half-written. */
struct attempt {
  void *volatile thread;  /* the OS thread that makes it, or NULL */
  volatile int failed;
  CONTEXT start;  /* where it began, and goes on after a fault */
};

static struct attempt attempt;


/* Two threads at the same time: then one of them says less. */
static NOINLINE void tryplace (struct report *r, lua_State *L) {
  size_t length = r->length;
  if (InterlockedCompareExchangePointer(&attempt.thread, switch_thread(), NULL)
      != NULL)
    return;
  attempt.failed = 0;
  RtlCaptureContext(&attempt.start);
  if (!attempt.failed)
    report_place(r, L);
  else
    r->length = length;
  attempt.thread = NULL;
}


static void tell (const struct fiber *f) {
  struct report r;
  DWORD written;
  report_begin(&r, f);
  tryplace(&r, f->L);
  report_end(&r, f);
  WriteFile(GetStdHandle(STD_ERROR_HANDLE), r.text, (DWORD)r.length, &written,
            NULL);
}


/* For handlers: its holder may be what they interrupted. */
static int lockinhandler (void) {
  int tries;
  for (tries = OVERFLOW_TRIES; tries > 0; tries--) {
    if (TryAcquireSRWLockExclusive(&lock))
      return 1;
    SwitchToThread();
  }
  return 0;
}


/* The fiber that overflowed its stack, or NULL. The exception that says so does
   not say where; a probe comes before the stack pointer is lowered. */
static const struct fiber *overflown (const EXCEPTION_RECORD *e,
                                      const CONTEXT *c) {
  const struct fiber *f = NULL;
  struct universe *u;
  if (!lockinhandler())
    return NULL;
  u = universes;
  if (e->ExceptionCode == EXCEPTION_STACK_OVERFLOW) {
    f = report_running(&u, (const void *)c->Rsp);
    if (f != NULL && !u->overflow_report)
      f = NULL;
  }
  else if (e->ExceptionCode == EXCEPTION_ACCESS_VIOLATION)
    f = report_overflown(u, (const void *)e->ExceptionInformation[1]);
  ReleaseSRWLockExclusive(&lock);
  return f;
}


static LONG CALLBACK handle (EXCEPTION_POINTERS *p) {
  const struct fiber *f;
  DWORD error;
  if (p->ExceptionRecord->ExceptionCode != EXCEPTION_STACK_OVERFLOW
      && p->ExceptionRecord->ExceptionCode != EXCEPTION_ACCESS_VIOLATION)
    return EXCEPTION_CONTINUE_SEARCH;
  if (attempt.thread == switch_thread()) {
    attempt.failed = 1;
    *p->ContextRecord = attempt.start;
    return EXCEPTION_CONTINUE_EXECUTION;
  }
  error = GetLastError();
  f = overflown(p->ExceptionRecord, p->ContextRecord);
  if (f != NULL)
    tell(f);
  SetLastError(error);
  return EXCEPTION_CONTINUE_SEARCH;
}


struct fiber *overflow_running (const void *address, struct universe **u) {
  struct fiber *f;
  AcquireSRWLockExclusive(&lock);
  *u = universes;
  f = report_running(u, address);
  ReleaseSRWLockExclusive(&lock);
  return f;
}

/* }====================================================== */


/* Handlers of others run before this one: it comes last. */
static void begin (struct universe *u) {
  u->overflow_report = 1;
  if (users++ == 0)
    handler = AddVectoredExceptionHandler(0, handle);
}


static void end (struct universe *u) {
  u->overflow_report = 0;
  if (--users == 0 && handler != NULL) {
    RemoveVectoredExceptionHandler(handler);
    handler = NULL;
  }
}


void overflow_open (struct universe *u) {
  AcquireSRWLockExclusive(&lock);
  u->next = universes;
  universes = u;
  begin(u);
  ReleaseSRWLockExclusive(&lock);
}


void overflow_close (struct universe *u) {
  struct universe **p = &universes;
  AcquireSRWLockExclusive(&lock);
  while (*p != NULL && *p != u)
    p = &(*p)->next;
  if (*p != NULL) {
    *p = u->next;
    if (u->overflow_report)
      end(u);
  }
  ReleaseSRWLockExclusive(&lock);
}


/* No thread has anything of its own here. */
void overflow_arrive (struct universe *u) {
  __atomic_store_n(&u->thread, switch_thread(), __ATOMIC_RELAXED);
}


void overflow_report (struct universe *u, int on) {
  if (u->closed || on == u->overflow_report)
    return;
  AcquireSRWLockExclusive(&lock);
  if (on)
    begin(u);
  else
    end(u);
  ReleaseSRWLockExclusive(&lock);
}

#else

typedef int overflow_windows_is_empty_here;  /* C99 6.9 wants a declaration */

#endif
