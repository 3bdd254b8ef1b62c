/*
** switch_abi_test.c
** The contract of switch.h: what the ABI keeps over a call, and unwinding
*/

#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE
#endif

#include "side.h"

#include <fenv.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#if defined(__GLIBC__)
#include <execinfo.h>
#endif

#include "fpcontrol.h"
#include "registers.h"

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
** Registers
** =======================================================
*/

#if REGISTERS > 0

static struct side side;
static uint64_t sidein[REGISTERS], sideout[REGISTERS];


static void pattern (uint64_t *r, uint64_t seed) {
  int i;
  for (i = 0; i < REGISTERS; i++)
    r[i] = (seed + (uint64_t)i) * UINT64_C(0x9E3779B97F4A7C15);
}


static void swapside (void) {
  switch_swap(&side.slot, NULL);
}


static void holdregisters (void *message) {
  (void)message;
  for (;;)
    registers_call(sidein, sideout, swapside);
}


static void test_registers (void **state) {
  uint64_t in[REGISTERS], out[REGISTERS];
  uint64_t i;
  (void)state;
  side_open(&side, holdregisters);
  for (i = 0; i < 100; i++) {
    pattern(in, 2 * i);
    pattern(sidein, 2 * i + 1);
    memset(out, 0, sizeof out);
    registers_call(in, out, swapside);
    assert_memory_equal(out, in, sizeof in);
  }
  side_close(&side);
}


static void test_registers_of_side (void **state) {
  uint64_t in[REGISTERS], out[REGISTERS];
  uint64_t i;
  (void)state;
  side_open(&side, holdregisters);
  for (i = 0; i < 100; i++) {
    pattern(in, 2 * i);
    pattern(sidein, 2 * i + 1);
    registers_call(in, out, swapside);  /* the side loads 'sidein' */
    registers_call(in, out, swapside);  /* the side fills 'sideout' */
    assert_memory_equal(sideout, sidein, sizeof sidein);
  }
  side_close(&side);
}

#else

static void test_registers (void **state) {
  (void)state;
  skip();
}

#define test_registers_of_side test_registers

#endif


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


/* Many values live across the swap, in whatever the compiler has for them. */
static APART double crowd (struct context *c, const double *d,
                           const long *n) {
  double d0 = d[0] * 2, d1 = d[1] * 3, d2 = d[2] * 5, d3 = d[3] * 7;
  long n0 = n[0] * 2, n1 = n[1] * 3, n2 = n[2] * 5, n3 = n[3] * 7;
  long n4 = n[4] * 11, n5 = n[5] * 13, n6 = n[6] * 17, n7 = n[7] * 19;
  switch_swap(c, NULL);
  return d0 + d1 + d2 + d3
       + (double)(n0 + n1 + n2 + n3 + n4 + n5 + n6 + n7);
}


static void crowds (void *message) {
  static const double d[4] = {9, 9, 9, 9};
  static const long n[8] = {8, 8, 8, 8, 8, 8, 8, 8};
  struct side *s = (struct side *)message;
  for (;;) {
    if (crowd(&s->slot, d, n) != 9 * 17 + 8 * 77)
      s->data = s;
  }
}


static void test_locals (void **state) {
  static const double d[4] = {1, 2, 3, 4};
  static const long n[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  struct side s;
  int i;
  (void)state;
  side_open(&s, crowds);
  switch_swap(&s.slot, &s);
  for (i = 0; i < 100; i++)
    assert_true(crowd(&s.slot, d, n) == 51 + 455);
  assert_null(s.data);
  side_close(&s);
}

/* }====================================================== */


/*
** {======================================================
** Floating-point control, direction flag
** =======================================================
*/

/* Sets what it receives, answers with what it finds before that. */
static void rounder (void *message) {
  struct side *s = (struct side *)message;
  for (;;) {
    int *mode = (int *)switch_swap(&s->slot, message);
    int before = fegetround();
    fesetround(*mode);
    *mode = before;
    message = mode;
  }
}


static void test_rounding (void **state) {
  static const int modes[3] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
  struct side s;
  int i, expected = FE_TONEAREST;
  (void)state;
  side_open(&s, rounder);
  switch_swap(&s.slot, &s);
  for (i = 0; i < 12; i++) {
    int mode = modes[i % 3], mine;
    fesetround(modes[(i + 1 + i / 3) % 3]);
    switch_swap(&s.slot, &mode);
    mine = fegetround();
    fesetround(FE_TONEAREST);
    assert_int_equal(mine, modes[(i + 1 + i / 3) % 3]);
    assert_int_equal(mode, expected);
    expected = modes[i % 3];
  }
  side_close(&s);
}


/* The same with all control bits. */
static void controller (void *message) {
  struct side *s = (struct side *)message;
  for (;;) {
    uint64_t *control = (uint64_t *)switch_swap(&s->slot, message);
    uint64_t before = fpcontrol_get();
    fpcontrol_set(*control);
    *control = before;
    message = control;
  }
}


static void test_fp_control (void **state) {
  static const uint64_t flips[] = FPCONTROL_FLIPS;
  struct side s;
  uint64_t usual = fpcontrol_get(), expected = usual;
  size_t i, n = sizeof flips / sizeof flips[0];
  (void)state;
  side_open(&s, controller);
  switch_swap(&s.slot, &s);
  for (i = 0; i < n * n; i++) {
    uint64_t control = usual ^ flips[i % n], mine;
    fpcontrol_set(usual ^ flips[i / n]);
    switch_swap(&s.slot, &control);
    mine = fpcontrol_get();
    fpcontrol_set(usual);
    assert_true(mine == (usual ^ flips[i / n]));
    assert_true(control == expected);
    expected = usual ^ flips[i % n];
  }
  side_close(&s);
}


static void recordcontrol (void *message) {
  struct side *s = (struct side *)message;
  *(uint64_t *)s->data = fpcontrol_get();
  switch_swap(&s->slot, NULL);
}


static void test_fp_inherited (void **state) {
  static const uint64_t flips[] = FPCONTROL_FLIPS;
  size_t i;
  (void)state;
  for (i = 0; i < sizeof flips / sizeof flips[0]; i++) {
    struct side s;
    uint64_t usual = fpcontrol_get(), found = 0;
    fpcontrol_set(usual ^ flips[i]);
    side_open(&s, recordcontrol);
    s.data = &found;
    switch_swap(&s.slot, &s);
    fpcontrol_set(usual);
    assert_true(found == (usual ^ flips[i]));
    side_close(&s);
  }
}


#if defined(__x86_64__)

/* Steps over the red zone to push. */
static int direction (void) {
  uint64_t flags;
  __asm__ volatile ("leaq -128(%%rsp), %%rsp\n\tpushfq\n\tpopq %0\n\t"
                    "leaq 128(%%rsp), %%rsp" : "=r" (flags) : : "memory");
  return (flags & 0x400) != 0;
}

#else

static int direction (void) {
  return 0;
}

#endif


static void recorddirection (void *message) {
  struct side *s = (struct side *)message;
  int set = direction();
  switch_swap(&s->slot, &s);
  set |= direction();
  switch_swap(&s->slot, set ? s : NULL);
}


static void test_direction (void **state) {
  struct side s;
  (void)state;
  side_open(&s, recorddirection);
  switch_swap(&s.slot, &s);
  assert_null(switch_swap(&s.slot, NULL));
  assert_int_equal(direction(), 0);
  side_close(&s);
}

/* }====================================================== */


/*
** {======================================================
** Alignment
** =======================================================
*/

struct alignment {
  struct context slot;
  uintptr_t entry, below;  /* frame addresses */
  uintptr_t local;  /* of a variable that the compiler aligns to 16 */
  char text[40];  /* what a call with a double makes of 1.5 */
};


static APART void alignbelow (struct alignment *a) {
  volatile char local[24] __attribute__((aligned(16)));
  local[0] = 0;
  a->below = opaque(__builtin_frame_address(0));
  a->local = opaque(local);
  snprintf(a->text, sizeof a->text, "%.3f", 1.5);
}


static void recordalignment (void *message) {
  struct alignment *a = (struct alignment *)message;
  a->entry = opaque(__builtin_frame_address(0));
  alignbelow(a);
  switch_swap(&a->slot, NULL);
}


/* The frame address is one or two words off a stack pointer that is a
   multiple of 16 before the call: itself one on x86-64 and AArch64. */
static void test_alignment (void **state) {
  struct stack *stack = stack_new(stack_round(SIDE_SIZE));
  int i;
  (void)state;
  for (i = 0; i < 64; i++) {
    struct alignment a;
    switch_prepare(&a.slot, stack_low(stack), stack_top(stack) - i,
                   recordalignment);
    switch_swap(&a.slot, &a);
    assert_true(a.entry % 16 == 0);
    assert_true(a.below % 16 == 0);
    assert_true(a.local % 16 == 0);
    assert_true(a.entry < (uintptr_t)stack_top(stack) - (uintptr_t)i);
    assert_string_equal(a.text, "1.500");
  }
  stack_free(stack);
}

/* }====================================================== */


/*
** {======================================================
** Unwinding
** =======================================================
*/

#define FRAMES 32

struct trace {
  struct context slot;
  uintptr_t expected[3];  /* innermost first */
  uintptr_t found[FRAMES];
  int n;
  volatile int result;  /* used, so that no call is a tail call */
  void *frames[FRAMES];
  void *message;
};


/* A record at a frame's address: the caller's frame, the return address. */
static APART int walk (struct trace *t) {
  uintptr_t fp = opaque(__builtin_frame_address(0));
  t->expected[0] = fp;
  for (t->n = 0; fp != 0 && t->n < FRAMES; t->n++) {
    t->found[t->n] = fp;
    fp = *(const uintptr_t *)fp;
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
  if (!isnative())
    skip();
  side_open(&s, walkentry);
  t.slot = s.slot;
  switch_swap(&t.slot, &t);
  assert_int_equal(t.n, 3);
  assert_true(t.found[0] == t.expected[0]);
  assert_true(t.found[1] == t.expected[1]);
  assert_true(t.found[2] == t.expected[2]);
  side_close(&s);
}


#if defined(__GLIBC__)

static APART int traceinner (struct trace *t) {
  t->expected[0] = opaque(__builtin_return_address(0));
  t->n = backtrace(t->frames, FRAMES);
  return t->n;
}


static APART int tracebelow (struct trace *t) {
  t->expected[1] = opaque(__builtin_return_address(0));
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
   the routine that called entry. */
static void checktrace (const struct trace *t) {
  assert_in_range(t->n, 3, isnative() ? 3 : 4);
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

#else

static void test_backtrace (void **state) {
  (void)state;
  skip();
}

#endif

/* }====================================================== */


/*
** {======================================================
** Signals
** =======================================================
*/

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


#if defined(__x86_64__)

static volatile sig_atomic_t steps;


static void onstep (int sig) {
  volatile char local[512];
  int i;
  for (i = 0; i < 512; i++)
    local[i] = (char)sig;
  steps++;
}


/* The trap flag: a signal after every instruction, but not in its handler.
   Steps over the red zone to push. */
static inline void setstepping (int on) {
  uint64_t flag = on ? 0x100 : 0;
  __asm__ volatile ("leaq -128(%%rsp), %%rsp\n\tpushfq\n\t"
                    "andq $~0x100, (%%rsp)\n\torq %0, (%%rsp)\n\t"
                    "popfq\n\tleaq 128(%%rsp), %%rsp"
                    : : "r" (flag) : "memory", "cc");
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
    {"callee-saved registers survive a swap",
     test_registers, NULL, NULL, NULL},
    {"callee-saved registers survive on a prepared stack",
     test_registers_of_side, NULL, NULL, NULL},
    {"the red zone of a leaf survives", test_red_zone, NULL, NULL, NULL},
    {"local variables survive", test_locals, NULL, NULL, NULL},
    {"each context has its rounding mode", test_rounding, NULL, NULL, NULL},
    {"each context has its floating-point control",
     test_fp_control, NULL, NULL, NULL},
    {"a new context has its caller's floating-point control",
     test_fp_inherited, NULL, NULL, NULL},
    {"the direction flag is clear", test_direction, NULL, NULL, NULL},
    {"the stack is aligned at entry and below, whatever its top",
     test_alignment, NULL, NULL, NULL},
    {"frame pointers end at the entry",
     test_frame_pointers, NULL, NULL, NULL},
    {"backtrace ends at the entry", test_backtrace, NULL, NULL, NULL},
    {"signals during a million swaps disturb nothing",
     test_signals, NULL, NULL, NULL},
    {"a signal at every instruction of a swap disturbs nothing",
     test_stepping, NULL, NULL, NULL},
  };
  return cmocka_run_group_tests_name("switch abi", tests, NULL, NULL);
}
