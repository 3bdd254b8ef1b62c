/*
** switch_abi_test.c
** The contract of switch.h: registers and modes that the ABI keeps over a call,
** and what tells threads apart
*/

#include "side.h"

#include <fenv.h>
#include <pthread.h>
#include <string.h>

#include "fpcontrol.h"
#include "registers.h"

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


/* Leaves with other values in the registers. */
static void exitside (void) {
  switch_exit(&side.slot, NULL);
}


static void exitregisters (void *message) {
  (void)message;
  registers_call(sidein, sideout, exitside);
}


static void test_registers_exit (void **state) {
  uint64_t in[REGISTERS], out[REGISTERS];
  uint64_t i;
  (void)state;
  for (i = 0; i < 100; i++) {
    side_open(&side, exitregisters);
    pattern(in, 2 * i);
    pattern(sidein, 2 * i + 1);
    registers_call(in, out, swapside);
    assert_memory_equal(out, in, sizeof in);
    side_close(&side);
  }
}

#else

static void test_registers (void **state) {
  (void)state;
  skip();
}

#define test_registers_exit test_registers

#define test_registers_of_side test_registers

#endif


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
  if (fesetround(FE_UPWARD) != 0)
    skip();  /* a processor without floating point */
  fesetround(FE_TONEAREST);
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


static void exitcontrol (void *message) {
  struct side *s = (struct side *)message;
  fpcontrol_set(*(uint64_t *)s->data);
  switch_exit(&s->slot, NULL);
}


static void test_fp_exit (void **state) {
  static const uint64_t flips[] = FPCONTROL_FLIPS;
  uint64_t usual = fpcontrol_get(), found;
  size_t i;
  (void)state;
  for (i = 0; i < sizeof flips / sizeof flips[0]; i++) {
    struct side s;
    uint64_t control = usual ^ flips[i];
    side_open(&s, exitcontrol);
    s.data = &control;
    switch_swap(&s.slot, &s);
    found = fpcontrol_get();
    fpcontrol_set(usual);
    assert_true(found == usual);
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

#elif defined(__i386__)

static int direction (void) {
  uint32_t flags;
  __asm__ volatile ("pushfl\n\tpopl %0" : "=r" (flags) : : "memory");
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
** Threads
** =======================================================
*/

static APART void *thisthread (void) {
  return switch_thread();
}


static void *storethread (void *data) {
  void **threads = (void **)data;
  threads[0] = thisthread();
  threads[1] = thisthread();
  return NULL;
}


static void test_thread (void **state) {
  void *mine = thisthread(), *others[2] = {NULL, NULL};
  pthread_t thread;
  (void)state;
  assert_int_equal(pthread_create(&thread, NULL, storethread, others), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_non_null(others[0]);
  assert_ptr_equal(others[0], others[1]);
  assert_ptr_not_equal(others[0], mine);
  assert_ptr_equal(thisthread(), mine);
}


static void sendthread (void *message) {
  struct side *s = (struct side *)message;
  for (;;)
    switch_swap(&s->slot, thisthread());
}


static void test_thread_of_side (void **state) {
  struct side s;
  (void)state;
  side_open(&s, sendthread);
  assert_ptr_equal(switch_swap(&s.slot, &s), thisthread());
  side_close(&s);
}

/* }====================================================== */


int main (void) {
  const struct CMUnitTest tests[] = {
    {"callee-saved registers survive a swap",
     test_registers, NULL, NULL, NULL},
    {"callee-saved registers survive on a prepared stack",
     test_registers_of_side, NULL, NULL, NULL},
    {"callee-saved registers survive an exit of the other side",
     test_registers_exit, NULL, NULL, NULL},
    {"local variables survive", test_locals, NULL, NULL, NULL},
    {"each context has its rounding mode", test_rounding, NULL, NULL, NULL},
    {"each context has its floating-point control",
     test_fp_control, NULL, NULL, NULL},
    {"a new context has its caller's floating-point control",
     test_fp_inherited, NULL, NULL, NULL},
    {"floating-point control comes back after an exit of the other side",
     test_fp_exit, NULL, NULL, NULL},
    {"the direction flag is clear", test_direction, NULL, NULL, NULL},
    {"two threads differ", test_thread, NULL, NULL, NULL},
    {"a swap does not change the thread",
     test_thread_of_side, NULL, NULL, NULL},
  };
  registers_setup();
  return cmocka_run_group_tests_name("switch abi", tests, NULL, NULL);
}
