/*
** switch_stack_test.c
** The contract of switch.h: the stack's layout, unwinding, signals
*/

#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE  /* setitimer, SA_RESTART */
#endif

#include "side.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#if defined(__GLIBC__)
#include <execinfo.h>
#define HAS_BACKTRACE
#elif defined(_WIN32)
#include <windows.h>
#define HAS_BACKTRACE
#define backtrace(frames, n) CaptureStackBackTrace(0, n, frames, NULL)
#endif

/* Hides from the compiler what it knows of a pointer. */
static inline uintptr_t opaque (const volatile void *p) {
  uintptr_t u = (uintptr_t)p;
  __asm__ volatile ("" : "+r" (u));
  return u;
}


static int isnative (void) {
  return strcmp(SWITCH_NAME, "ucontext") != 0;
}


/*
** {======================================================
** Red zone, alignment
** =======================================================
*/

/* A leaf: what it holds may lie below the stack pointer. */
static APART long leaf (struct context *c, const long *values) {
  volatile long local[12];
  long sum = 0;
  int i;
  for (i = 0; i < 12; i++)
    local[i] = values[i];
  switch_swap(c, NULL);
  for (i = 0; i < 12; i++)
    sum += (i + 1) * local[i];
  return sum;
}


static void leaves (void *message) {
  static const long values[12] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};
  struct side *s = (struct side *)message;
  for (;;) {
    if (leaf(&s->slot, values) != 7 * 78)
      s->data = s;
  }
}


static void test_red_zone (void **state) {
  static const long values[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  struct side s;
  int i;
  (void)state;
  side_open(&s, leaves);
  switch_swap(&s.slot, &s);
  for (i = 0; i < 100; i++)
    assert_int_equal(leaf(&s.slot, values), 650);
  assert_null(s.data);
  side_close(&s);
}


/* The address of a frame; on ARM the stack pointer, which says more. */
static inline uintptr_t frame (void *address) {
#if defined(__arm__)
  __asm__ volatile ("mov %0, sp" : "=r" (address));
#endif
  return opaque(address);
}


struct alignment {
  struct context slot;
  uintptr_t entry, below;  /* frames */
  uintptr_t local;  /* of a variable that the compiler aligns to 16 */
  char text[40];  /* what a call with a double makes of 1.5 */
};


static APART void alignbelow (struct alignment *a) {
  volatile char local[24] __attribute__((aligned(16)));
  local[0] = 0;
  a->below = frame(__builtin_frame_address(0));
  a->local = opaque(local);
  snprintf(a->text, sizeof a->text, "%.3f", 1.5);
}


static void recordalignment (void *message) {
  struct alignment *a = (struct alignment *)message;
  a->entry = frame(__builtin_frame_address(0));
  alignbelow(a);
  switch_swap(&a->slot, NULL);
}


/* Of frames, where saved frame pointer and return address together take 16
   bytes; on i386 they take 8 of them. */
#if defined(__x86_64__) || defined(__aarch64__) \
    || (defined(__riscv) && __riscv_xlen == 64) || defined(__powerpc64__)
#define FRAME_ALIGNMENT 16
#elif defined(__s390x__) || defined(__i386__) || defined(__arm__)
#define FRAME_ALIGNMENT 8
#else
#define FRAME_ALIGNMENT 4
#endif

/* Where a frame has the address of its caller's, from its own address on: on
   RISC-V that is where the frame ends. */
#if defined(__riscv)
#define FRAME_LINK (-2 * (int)sizeof(uintptr_t))
#else
#define FRAME_LINK 0
#endif

/* On POWER a prepared stack begins with a frame: 'entry' has to store its
   return address in one. */
#if defined(__powerpc64__)
#define FRAMES_ABOVE 1
#else
#define FRAMES_ABOVE 0
#endif

/* On s390x frames are linked only where all code is compiled so
   (-mbackchain), on ARM in clang's code only. */
#if defined(__s390x__) || (defined(__arm__) && !defined(__clang__))
#define FRAMES_LINKED 0
#else
#define FRAMES_LINKED 1
#endif


static void test_alignment (void **state) {
  struct stack *stack = stack_alone(SIDE_SIZE);
  int i;
  (void)state;
  for (i = 0; i < 64; i++) {
    struct alignment a;
    switch_prepare(&a.slot, stack_low(stack), stack_top(stack) - i,
                   recordalignment);
    switch_swap(&a.slot, &a);
    assert_true(a.entry % FRAME_ALIGNMENT == 0);
    assert_true(a.below % FRAME_ALIGNMENT == 0);
    assert_true(a.local % 16 == 0);
    assert_true(a.entry + (uintptr_t)FRAME_LINK
                < (uintptr_t)stack_top(stack) - (uintptr_t)i);
    assert_string_equal(a.text, "1.500");
  }
  stack_drop(stack);
}

/* What lies above the top is another's, also where the first frame stores
   something for itself above its own end. */
static void test_above (void **state) {
  struct stack *stack = stack_alone(SIDE_SIZE);
  unsigned char *top = (unsigned char *)stack_top(stack) - 256;
  struct alignment a;
  int i, changed = 0;
  (void)state;
  memset(top, 0x5A, 256);
  switch_prepare(&a.slot, stack_low(stack), top, recordalignment);
  switch_swap(&a.slot, &a);
  for (i = 0; i < 256; i++)
    changed += top[i] != 0x5A;
  assert_int_equal(changed, 0);
  stack_drop(stack);
}

/* }====================================================== */


/*
** {======================================================
** Unwinding
** =======================================================
*/

#define FRAMES 32

struct trace {
  struct context slot, other;
  uintptr_t expected[3];  /* innermost first */
  uintptr_t found[FRAMES];
  int n;
  volatile int result;  /* used, so that no call is a tail call */
  void *frames[FRAMES];
  void *message;
};


static APART uintptr_t callersframe (uintptr_t fp) {
  return *(const uintptr_t *)(fp + (uintptr_t)FRAME_LINK);
}


/* Each frame has a record: the caller's frame, the return address. */
static APART int walk (struct trace *t) {
  uintptr_t fp = opaque(__builtin_frame_address(0));
  t->expected[0] = fp;
  for (t->n = 0; fp != 0 && t->n < FRAMES; t->n++) {
    t->found[t->n] = fp;
    fp = callersframe(fp);
  }
  return t->n;
}


static APART int walkbelow (struct trace *t) {
  t->expected[1] = opaque(__builtin_frame_address(0));
  return walk(t) + 1;
}


static void walkentry (void *message) {
  struct trace *t = (struct trace *)message;
  t->expected[2] = opaque(__builtin_frame_address(0));
  t->result = walkbelow(t);
  switch_swap(&t->slot, NULL);
}


static void test_frame_pointers (void **state) {
  struct side s;
  struct trace t;
  (void)state;
  if (!isnative() || !FRAMES_LINKED)
    skip();
  side_open(&s, walkentry);
  t.slot = s.slot;
  switch_swap(&t.slot, &t);
  assert_int_equal(t.n, 3 + FRAMES_ABOVE);
  assert_true(t.found[0] == t.expected[0]);
  assert_true(t.found[1] == t.expected[1]);
  assert_true(t.found[2] == t.expected[2]);
  side_close(&s);
}


#if defined(HAS_BACKTRACE)

/* A return address without the bit that says Thumb on ARM. */
#if defined(__thumb__)
#define RETURN (opaque(__builtin_return_address(0)) & ~(uintptr_t)1)
#else
#define RETURN opaque(__builtin_return_address(0))
#endif


static APART int traceinner (struct trace *t) {
  t->expected[0] = RETURN;
  t->n = backtrace(t->frames, FRAMES);
  return t->n;
}


static APART int tracebelow (struct trace *t) {
  t->expected[1] = RETURN;
  return traceinner(t) + 1;
}


static void traceentry (void *message) {
  struct trace *t = (struct trace *)message;
  for (;;) {
    t->message = tracebelow(t) < 0 ? t : NULL;
    switch_swap(&t->slot, NULL);
  }
}


/* Native: traceinner, tracebelow, entry. The C library's own way may add
   the two routines that called entry. */
static void checktrace (const struct trace *t) {
  assert_true(t->n >= 3 && t->n <= (isnative() ? 3 : 5));
  assert_true((uintptr_t)t->frames[1] == t->expected[0]);
  assert_true((uintptr_t)t->frames[2] == t->expected[1]);
}


static void test_backtrace (void **state) {
  struct side s;
  struct trace t;
  (void)state;
  side_open(&s, traceentry);
  t.slot = s.slot;
  switch_swap(&t.slot, &t);
  checktrace(&t);
  t.n = 0;
  switch_swap(&t.slot, &t);
  checktrace(&t);
  side_close(&s);
}


/* Ends; the side that 'message' points to takes its place, freshly. */
static void exitto (void *message) {
  struct trace *t = (struct trace *)message;
  struct context resumer = t->slot;
  t->slot = t->other;
  t->other = resumer;
  switch_exit(&t->slot, t);
}


static void traceother (void *message) {
  struct trace *t = (struct trace *)message;
  t->message = tracebelow(t) < 0 ? t : NULL;
  switch_swap(&t->other, NULL);
}


static void test_backtrace_exit (void **state) {
  struct side s, other;
  struct trace t;
  (void)state;
  side_open(&s, exitto);
  side_open(&other, traceother);
  t.slot = s.slot;
  t.other = other.slot;
  switch_swap(&t.slot, &t);
  checktrace(&t);
  side_close(&s);
  side_close(&other);
}

#else

static void test_backtrace (void **state) {
  (void)state;
  skip();
}

#define test_backtrace_exit test_backtrace

#endif

/* }====================================================== */


/*
** {======================================================
** Signals
** =======================================================
*/

#if defined(SIGALRM)

static struct stack *volatile signalstack;
static volatile sig_atomic_t inside, outside;


static void onsignal (int sig) {
  volatile char local[512];
  int i;
  for (i = 0; i < 512; i++)
    local[i] = (char)sig;
  if (stack_holds(signalstack, (const void *)opaque(local)))
    inside++;
  else
    outside++;
}


static void settimer (int microseconds) {
  struct itimerval t;
  memset(&t, 0, sizeof t);
  t.it_interval.tv_usec = t.it_value.tv_usec = microseconds;
  setitimer(ITIMER_REAL, &t, NULL);
}


static void counter (void *message) {
  struct side *s = (struct side *)message;
  uintptr_t n = 0;
  for (;;) {
    uintptr_t sum = 0;
    int i;
    for (i = 0; i < 32; i++)  /* for signals to meet */
      sum += opaque(&i) != 0;
    n += sum == 32;
    switch_swap(&s->slot, (void *)n);
  }
}


static void test_signals (void **state) {
  struct sigaction action, before;
  struct side s;
  uintptr_t n = 0, wrong = 0;
  (void)state;
  side_open(&s, counter);
  signalstack = s.stack;
  inside = outside = 0;
  memset(&action, 0, sizeof action);
  action.sa_handler = onsignal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, &before);
  settimer(100);
  while (n < 500000 || inside < 10 || outside < 10) {
    n++;
    wrong += (uintptr_t)switch_swap(&s.slot, &s) != n;
  }
  settimer(0);
  sigaction(SIGALRM, &before, NULL);
  assert_int_equal(wrong, 0);
  side_close(&s);
}


#else

static void test_signals (void **state) {
  (void)state;
  skip();
}

#endif


#if (defined(__x86_64__) || defined(__i386__)) && defined(SIGALRM)

static volatile sig_atomic_t steps;


static void onstep (int sig) {
  volatile char local[512];
  int i;
  for (i = 0; i < 512; i++)
    local[i] = (char)sig;
  steps += local[0] == (char)sig;
}


/* The trap flag: a signal after every instruction, but not in its handler.
   Steps over the red zone to push. */
static inline void setstepping (int on) {
  uintptr_t flag = on ? 0x100 : 0;
#if defined(__x86_64__)
  __asm__ volatile ("leaq -128(%%rsp), %%rsp\n\tpushfq\n\t"
                    "andq $~0x100, (%%rsp)\n\torq %0, (%%rsp)\n\t"
                    "popfq\n\tleaq 128(%%rsp), %%rsp"
                    : : "r" (flag) : "memory", "cc");
#else
  __asm__ volatile ("pushfl\n\tandl $~0x100, (%%esp)\n\t"
                    "orl %0, (%%esp)\n\tpopfl"
                    : : "r" (flag) : "memory", "cc");
#endif
}


static void test_stepping (void **state) {
  static const long values[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  struct sigaction action, before;
  struct side s;
  long sum = 0;
  int i;
  (void)state;
  side_open(&s, leaves);
  steps = 0;
  memset(&action, 0, sizeof action);
  action.sa_handler = onstep;
  sigaction(SIGTRAP, &action, &before);
  setstepping(1);
  switch_swap(&s.slot, &s);
  for (i = 0; i < 10; i++)
    sum += leaf(&s.slot, values);
  setstepping(0);
  sigaction(SIGTRAP, &before, NULL);
  assert_int_equal(sum, 10 * 650);
  assert_null(s.data);
  assert_true(steps > 20 * 20);
  side_close(&s);
}

#else

static void test_stepping (void **state) {
  (void)state;
  skip();
}

#endif

/* }====================================================== */


int main (void) {
  const struct CMUnitTest tests[] = {
    {"the red zone of a leaf survives", test_red_zone, NULL, NULL, NULL},
    {"the stack is aligned at entry and below, whatever its top",
     test_alignment, NULL, NULL, NULL},
    {"nothing above the top of a stack is written",
     test_above, NULL, NULL, NULL},
    {"frame pointers end at the entry",
     test_frame_pointers, NULL, NULL, NULL},
    {"backtrace ends at the entry", test_backtrace, NULL, NULL, NULL},
    {"backtrace ends at the entry of a context that took another's place",
     test_backtrace_exit, NULL, NULL, NULL},
    {"signals during a million swaps disturb nothing",
     test_signals, NULL, NULL, NULL},
    {"a signal at every instruction of a swap disturbs nothing",
     test_stepping, NULL, NULL, NULL},
  };
  return cmocka_run_group_tests_name("switch stack", tests, NULL, NULL);
}
