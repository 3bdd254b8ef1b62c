/*
** overflow_posix.c
** overflow.h for POSIX systems
*/

#if !defined(_WIN32)

#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE  /* sigaction, sigaltstack, siglongjmp */
#endif

#include "overflow.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#include "pages.h"
#include "report.h"

/* Before glibc 2.34 these are in a library that a program without threads
   does not load; there one place for one thread will do. */
#if defined(__GLIBC__) && __GLIBC__ * 100 + __GLIBC_MINOR__ < 234
#pragma weak pthread_key_create
#pragma weak pthread_key_delete
#pragma weak pthread_getspecific
#pragma weak pthread_setspecific
#define THREADS (pthread_key_create != NULL)
#else
#define THREADS 1
#endif


/*
** {======================================================
** The lock
** =======================================================
*/

static pid_t owner;  /* the process that holds it, or 0 */


/* A lock that another thread held during a fork is free in the child, where
   that thread is not. The list of universes is whole at any time: a single
   store changes it. */
static int trylock (void) {
  pid_t self = getpid();
  pid_t found = 0;
  if (__atomic_compare_exchange_n(&owner, &found, self, 0, __ATOMIC_ACQUIRE,
                                  __ATOMIC_RELAXED))
    return 1;
  return found != self
      && __atomic_compare_exchange_n(&owner, &found, self, 0,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}


static void lock (void) {
  while (!trylock())
    sched_yield();
}


/* For handlers: its holder may be what they interrupted. */
static int lockinhandler (void) {
  int tries;
  for (tries = OVERFLOW_TRIES; tries > 0; tries--) {
    if (trylock())
      return 1;
    sched_yield();
  }
  return 0;
}


static void unlock (void) {
  __atomic_store_n(&owner, 0, __ATOMIC_RELEASE);
}

/* }====================================================== */


/*
** {======================================================
** The report. What a handler does neither allocates nor uses stdio: any code
** may have been interrupted.
** =======================================================
*/

static struct universe *universes;  /* under the lock */

/* An attempt to read what the overflow may have interrupted half-written. */
struct attempt {
  void *thread;  /* the OS thread that makes it */
  sigjmp_buf failed;  /* where a fault in it ends */
};

static struct attempt *attempt;  /* the one being made, or NULL */


static void tryplace (struct report *r, lua_State *L) {
  struct attempt mine, *none = NULL;
  size_t length = r->length;
  mine.thread = switch_thread();
  if (!__atomic_compare_exchange_n(&attempt, &none, &mine, 0,
                                   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
    return;  /* two threads at the same time */
  if (sigsetjmp(mine.failed, 0) == 0)
    report_place(r, L);
  else
    r->length = length;
  __atomic_store_n(&attempt, NULL, __ATOMIC_RELEASE);
}


static void tell (const struct fiber *f) {
  struct report r;
  report_begin(&r, f);
  tryplace(&r, f->L);
  report_end(&r, f);
  if (write(STDERR_FILENO, r.text, r.length) < 0)
    return;  /* nobody to tell */
}


/* The fiber of this OS thread whose guard was hit, or NULL. */
static const struct fiber *overflown (const void *address) {
  const struct fiber *f = NULL;
  if (lockinhandler()) {
    f = report_overflown(universes, address);
    unlock();
  }
  return f;
}


struct fiber *overflow_running (const void *address, struct universe **u) {
  struct fiber *f;
  lock();
  *u = universes;
  f = report_running(u, address);
  unlock();
  return f;
}

/* }====================================================== */


/*
** {======================================================
** Signals
** =======================================================
*/

enum { SIGNALS = 2 };

static const int signals[SIGNALS] = {SIGSEGV, SIGBUS};

static struct sigaction previous[SIGNALS];
static int installed[SIGNALS];  /* and not removed; under the lock */
static int users;  /* universes with the report on; under the lock */


/* Index of a signal. */
INLINE int place (int sig) {
  return sig == signals[0] ? 0 : 1;
}


static int isdefault (const struct sigaction *a) {
  return a->sa_handler == SIG_DFL;
}


/* Sets the default again: the instruction will fault once more. What another
   process sent will not come again by itself. */
static void bydefault (int sig, const siginfo_t *info) {
  struct sigaction a;
  a.sa_handler = SIG_DFL;
  a.sa_flags = 0;
  sigemptyset(&a.sa_mask);
  sigaction(sig, &a, NULL);
  if (info->si_code <= 0)
    (void)raise(sig);
}


/* Blocks what the system would have blocked for this action. 'sigprocmask' is
   about the calling thread on every system. */
static void block (int sig, const struct sigaction *a) {
  sigset_t mask = a->sa_mask;
  if (!(a->sa_flags & SA_NODEFER))
    sigaddset(&mask, sig);
  sigprocmask(SIG_BLOCK, &mask, NULL);
}


/* Does what the system would have done without this handler. Two things are
   settled before: it is on the alternate stack, if there is one, and whether
   system calls go on (see 'install'). */
static void goon (int sig, siginfo_t *info, void *context) {
  struct sigaction *p = &previous[place(sig)];
  struct sigaction a = *p;
  if (isdefault(&a) || (a.sa_handler == SIG_IGN && info->si_code > 0))
    bydefault(sig, info);
  else if (a.sa_handler != SIG_IGN) {
    if (a.sa_flags & SA_RESETHAND)
      p->sa_handler = SIG_DFL;
    block(sig, &a);
    if (a.sa_flags & SA_SIGINFO)
      a.sa_sigaction(sig, info, context);
    else
      a.sa_handler(sig);
  }
}


static void handle (int sig, siginfo_t *info, void *context) {
  struct attempt *a = __atomic_load_n(&attempt, __ATOMIC_ACQUIRE);
  const struct fiber *f = NULL;
  int saved = errno;
  if (a != NULL && a->thread == switch_thread())
    siglongjmp(a->failed, 1);
  if (info->si_code > 0)  /* a fault, not sent by a process */
    f = overflown(info->si_addr);
  if (f != NULL)
    tell(f);
  errno = saved;
  goon(sig, info, context);
}


static int isours (const struct sigaction *a) {
  return (a->sa_flags & SA_SIGINFO) && a->sa_sigaction == handle;
}


/* Does nobody else handle the signal? */
static int isfree (int sig) {
  struct sigaction a;
  return sigaction(sig, NULL, &a) == 0 && (isdefault(&a) || isours(&a));
}


/* Not above one who may go on to an earlier installation: they would call
   each other. SA_NODEFER lets a fault in 'handle' end an attempt. */
static void install (int i) {
  struct sigaction present, ours;
  sigaction(signals[i], NULL, &present);
  if (isours(&present) || (installed[i] && !isdefault(&present)
                           && present.sa_handler != SIG_IGN))
    return;
  previous[i] = present;
  installed[i] = 1;
  ours.sa_sigaction = handle;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER
                | (present.sa_flags & SA_RESTART);
  sigemptyset(&ours.sa_mask);
  sigaction(signals[i], &ours, NULL);
}


static void uninstall (int i) {
  struct sigaction present;
  sigaction(signals[i], NULL, &present);
  if (isours(&present)) {
    sigaction(signals[i], &previous[i], NULL);
    installed[i] = 0;
  }
}


/* Turns the report of u on: of all signals, or of those nobody handles. */
static void begin (struct universe *u, int asked) {
  int i;
  for (i = 0; i < SIGNALS; i++) {
    if (asked || isfree(signals[i]))
      install(i);
  }
  u->overflow_report = 1;
  users++;
}


static void end (struct universe *u) {
  int i;
  u->overflow_report = 0;
  if (--users > 0)
    return;
  for (i = 0; i < SIGNALS; i++)
    uninstall(i);
}

/* }====================================================== */


/*
** {======================================================
** Alternate stacks
** =======================================================
*/

struct alternate {  /* lies at the upper end of the stack */
  char *base;  /* of the reservation, and of its guard */
  size_t bytes;
};

static pthread_key_t key;  /* value: the thread's alternate stack */
static int keyed;  /* is there a key? under the lock */
static struct alternate theirs;  /* value: the thread had one */
static void *single;  /* the value where there is only one thread */


static void *getvalue (void) {
  return THREADS ? pthread_getspecific(key) : single;
}


static int setvalue (void *value) {
  if (THREADS)
    return pthread_setspecific(key, value) == 0;
  single = value;
  return 1;
}


static size_t alternatesize (void) {
  size_t size = OVERFLOW_STACK;
#if defined(_SC_SIGSTKSZ)
  long wanted = sysconf(_SC_SIGSTKSZ);
  if (wanted > 0 && (size_t)wanted > size)
    size = (size_t)wanted;
#endif
  if ((size_t)SIGSTKSZ > size)
    size = (size_t)SIGSTKSZ;
  return pages_round(size);
}


static void freealternate (struct alternate *a) {
  pages_release(a->base, a->bytes);
}


static struct alternate *newalternate (void) {
  size_t bytes = pages_size() + alternatesize();
  char *base = (char *)pages_reserve(bytes);
  enum pages_guard way = GUARD_ADVICE;
  struct alternate *a;
  if (base == NULL)
    return NULL;
  a = (struct alternate *)(void *)(base + bytes) - 1;
  a->base = base;
  a->bytes = bytes;
  if (pages_guard(base, pages_size(), &way) != 0) {
    freealternate(a);
    return NULL;
  }
  return a;
}


static int usealternate (struct alternate *a) {
  stack_t s;
  s.ss_sp = a->base + pages_size();
  s.ss_size = (size_t)((char *)a - (char *)s.ss_sp);
  s.ss_flags = 0;
  return sigaltstack(&s, NULL) == 0;
}


/* Somebody who replaced the stack may mean to put it back: then it stays. */
static void dropalternate (struct alternate *a) {
  stack_t s;
  if (a == NULL || a == &theirs || sigaltstack(NULL, &s) != 0
      || s.ss_sp != a->base + pages_size())
    return;
  s.ss_flags = SS_DISABLE;
  if (sigaltstack(&s, NULL) == 0)
    freealternate(a);
}


/* Gives the present thread an alternate stack, if it has none. Failure means
   no report and no more. */
static void equip (void) {
  stack_t s;
  struct alternate *a = &theirs;
  if (getvalue() != NULL || sigaltstack(NULL, &s) != 0)
    return;
  if (s.ss_flags & SS_DISABLE)
    a = newalternate();
  if (a != NULL && (!setvalue(a) || (a != &theirs && !usealternate(a)))) {
    setvalue(NULL);
    if (a != &theirs)
      freealternate(a);
  }
}


/* Destructor of the key. The next thread may look the same to the universes
   that ran on this one. */
static void endthread (void *value) {
  struct universe *u;
  lock();
  for (u = universes; u != NULL; u = u->next) {
    if (fiber_athome(u))
      __atomic_store_n(&u->thread, NULL, __ATOMIC_RELAXED);
  }
  unlock();
  dropalternate((struct alternate *)value);
}


static int havekey (void) {
  if (!keyed)
    keyed = !THREADS || pthread_key_create(&key, endthread) == 0;
  return keyed;
}


/* The last universe ends: nothing of this library may be called any more.
   Returns the value of this thread. */
static void *losekey (void) {
  void *value = keyed ? getvalue() : NULL;
  if (keyed && THREADS)
    pthread_key_delete(key);
  keyed = 0;
  single = NULL;
  return value;
}

/* }====================================================== */


void overflow_open (struct universe *u) {
  lock();
  u->next = universes;
  universes = u;
  if (isfree(signals[0]))
    begin(u, 0);
  unlock();
}


void overflow_close (struct universe *u) {
  struct universe **p = &universes;
  void *value = NULL;
  lock();
  while (*p != NULL && *p != u)
    p = &(*p)->next;
  if (*p != NULL) {
    *p = u->next;
    if (u->overflow_report)
      end(u);
    if (universes == NULL)
      value = losekey();
  }
  unlock();
  dropalternate((struct alternate *)value);
}


void overflow_arrive (struct universe *u) {
  int ready;
  lock();
  __atomic_store_n(&u->thread, switch_thread(), __ATOMIC_RELAXED);
  ready = u->overflow_report && havekey();
  unlock();
  if (ready)
    equip();
}


void overflow_report (struct universe *u, int on) {
  if (u->closed || on == u->overflow_report)
    return;
  lock();
  if (on)
    begin(u, 1);
  else
    end(u);
  unlock();
  if (on)
    overflow_arrive(u);
}

#else

typedef int overflow_posix_is_empty_here;  /* C99 6.9 wants a declaration */

#endif
