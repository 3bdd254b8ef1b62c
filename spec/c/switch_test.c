/*
** switch_test.c
** The contract of switch.h: messages, order, slots, threads
*/

#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE  /* pthread_sigmask */
#endif

#include "side.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#define MILLION 1000000
#define MANY 16
#define CHAIN 10


/*
** {======================================================
** Messages
** =======================================================
*/

/* Sends every message back. The first one is its side. */
static void echo (void *message) {
  struct side *s = (struct side *)message;
  for (;;)
    message = switch_swap(&s->slot, message);
}


static void test_first_message (void **state) {
  struct side s;
  (void)state;
  side_open(&s, echo);
  assert_ptr_equal(switch_swap(&s.slot, &s), &s);
  side_close(&s);
}


static void test_messages_both_ways (void **state) {
  static char bytes[100];
  struct side s;
  size_t i;
  (void)state;
  side_open(&s, echo);
  switch_swap(&s.slot, &s);
  for (i = 0; i < sizeof bytes; i++)
    assert_ptr_equal(switch_swap(&s.slot, &bytes[i]), &bytes[i]);
  assert_null(switch_swap(&s.slot, NULL));
  side_close(&s);
}


/* Receives numbers, answers with their sum. */
static void adder (void *message) {
  struct side *s = (struct side *)message;
  uintptr_t sum = 0;
  for (;;)
    sum += (uintptr_t)switch_swap(&s->slot, (void *)sum);
}


static void test_million (void **state) {
  struct side s;
  uintptr_t i, sum = 0;
  (void)state;
  side_open(&s, adder);
  switch_swap(&s.slot, &s);
  for (i = 1; i <= MILLION / 2; i++) {
    sum += i;
    assert_true((uintptr_t)switch_swap(&s.slot, (void *)i) == sum);
  }
  side_close(&s);
}


static void test_prepared_again (void **state) {
  struct side s;
  int i;
  (void)state;
  side_open(&s, adder);
  for (i = 0; i < 3; i++) {
    assert_null(switch_swap(&s.slot, &s));
    assert_true((uintptr_t)switch_swap(&s.slot, (void *)7) == 7);
    switch_prepare(&s.slot, stack_low(s.stack), stack_top(s.stack), adder);
  }
  side_close(&s);
}


/* Leaves for good with what it received last. */
static void leaver (void *message) {
  struct side *s = (struct side *)message;
  switch_exit(&s->slot, switch_swap(&s->slot, s));
}


static void test_exit (void **state) {
  static char answer;
  struct side s;
  int i;
  (void)state;
  side_open(&s, leaver);
  for (i = 0; i < 1000; i++) {
    assert_ptr_equal(switch_swap(&s.slot, &s), &s);
    assert_ptr_equal(switch_swap(&s.slot, &answer), &answer);
    switch_prepare(&s.slot, stack_low(s.stack), stack_top(s.stack), leaver);
  }
  side_close(&s);
}


static void hereentry (void *message) {
  struct side *s = (struct side *)message;
  switch_swap(&s->slot, switch_here());
}


static void test_here (void **state) {
  struct side s;
  void *here;
  (void)state;
  side_open(&s, hereentry);
  here = switch_swap(&s.slot, &s);
  assert_true(stack_holds(s.stack, here));
  assert_true((char *)here > stack_top(s.stack) - 8192);
  assert_false(stack_holds(s.stack, switch_here()));
  side_close(&s);
}

/* }====================================================== */


/*
** {======================================================
** Order
** =======================================================
*/

static void test_alternate (void **state) {
  struct side a, b;
  uintptr_t i;
  (void)state;
  side_open(&a, adder);
  side_open(&b, adder);
  switch_swap(&a.slot, &a);
  switch_swap(&b.slot, &b);
  for (i = 1; i <= 1000; i++) {
    assert_true((uintptr_t)switch_swap(&a.slot, (void *)1) == i);
    assert_true((uintptr_t)switch_swap(&b.slot, (void *)2) == 2 * i);
  }
  side_close(&a);
  side_close(&b);
}


static void test_any_order (void **state) {
  struct side sides[MANY];
  uintptr_t sums[MANY] = {0};
  uint32_t random = 1, i;
  (void)state;
  for (i = 0; i < MANY; i++) {
    side_open(&sides[i], adder);
    switch_swap(&sides[i].slot, &sides[i]);
  }
  for (i = 0; i < 10000; i++) {
    uint32_t k = side_random(&random, MANY);
    sums[k] += i;
    assert_true((uintptr_t)switch_swap(&sides[k].slot, (void *)(uintptr_t)i)
                == sums[k]);
  }
  for (i = 0; i < MANY; i++)
    side_close(&sides[i]);
}


/* Resumes the next side, until the last, and hands its answer plus 1 out. */
static void nest (void *message) {
  struct side *s = (struct side *)message;
  struct side *next = (struct side *)s->data;
  for (;;) {
    uintptr_t depth = next == NULL ? 0
                    : (uintptr_t)switch_swap(&next->slot, next);
    switch_swap(&s->slot, (void *)(depth + 1));
  }
}


static void test_chain (void **state) {
  struct side sides[CHAIN];
  int i;
  (void)state;
  for (i = 0; i < CHAIN; i++) {
    side_open(&sides[i], nest);
    sides[i].data = i + 1 < CHAIN ? &sides[i + 1] : NULL;
  }
  for (i = 0; i < 3; i++)
    assert_true((uintptr_t)switch_swap(&sides[0].slot, &sides[0]) == CHAIN);
  for (i = 0; i < CHAIN; i++)
    side_close(&sides[i]);
}

/* }====================================================== */


/*
** {======================================================
** Slots
** =======================================================
*/

/* Sums like 'adder', in a slot that is looked up anew for every swap. */
static void movingadder (void *message) {
  struct context **slot = (struct context **)message;
  uintptr_t sum = 0;
  for (;;)
    sum += (uintptr_t)switch_swap(*slot, (void *)sum);
}


static void test_moved_suspended (void **state) {
  struct side s;
  struct context slots[4];
  struct context *slot = &s.slot;
  int i;
  (void)state;
  side_open(&s, movingadder);
  switch_swap(slot, &slot);
  for (i = 0; i < 4; i++) {
    slots[i] = *slot;
    memset(slot, 0xFF, sizeof *slot);
    slot = &slots[i];
    assert_true((uintptr_t)switch_swap(slot, (void *)5)
                == 5 * (uintptr_t)(i + 1));
  }
  side_close(&s);
}


/* While it runs the slot holds its resumer; moves it before going back. */
static void mover (void *message) {
  struct side *s = (struct side *)message;
  struct context *to = (struct context *)s->data;
  *to = s->slot;
  memset(&s->slot, 0xFF, sizeof s->slot);
  switch_swap(to, to);
}


static void test_moved_running (void **state) {
  struct side s;
  struct context elsewhere;
  (void)state;
  side_open(&s, mover);
  s.data = &elsewhere;
  assert_ptr_equal(switch_swap(&s.slot, &s), &elsewhere);
  side_close(&s);
}


static void exchange (struct context *a, struct context *b) {
  struct context c = *a;
  *a = *b;
  *b = c;
}


static void test_exchanged (void **state) {
  struct side a, b;
  struct context *inner = &a.slot, *outer = &b.slot;
  (void)state;
  side_open(&a, movingadder);
  side_open(&b, movingadder);
  switch_swap(&a.slot, &inner);
  switch_swap(&b.slot, &outer);
  assert_true((uintptr_t)switch_swap(inner, (void *)1) == 1);
  assert_true((uintptr_t)switch_swap(outer, (void *)10) == 10);
  exchange(&a.slot, &b.slot);
  inner = &b.slot;
  outer = &a.slot;
  assert_true((uintptr_t)switch_swap(inner, (void *)1) == 2);
  assert_true((uintptr_t)switch_swap(outer, (void *)10) == 20);
  side_close(&a);
  side_close(&b);
}


/*
** Three-way exchange: 'from' runs, its slot holds the resumer. Afterwards
** the slot of 'to' holds the resumer and 'from' is suspended in its own.
*/
static void *transfer (struct side *from, struct side *to, void *message) {
  exchange(&from->slot, &to->slot);
  return switch_swap(&from->slot, message);
}


struct relay {
  struct side sides[3];
  char log[32];
  int length;
};


/* Runs in turn with the other two; the third in each round goes back. */
static void runner (void *message) {
  struct relay *r = (struct relay *)message;
  int me = r->log[r->length++] - 'a';
  for (;;) {
    int next = (me + 1) % 3;
    r->log[r->length] = (char)('a' + next);
    if (next == 0)
      switch_swap(&r->sides[me].slot, r);
    else
      transfer(&r->sides[me], &r->sides[next], r);
    r->length++;
  }
}


static void test_transfer (void **state) {
  struct relay r;
  int i;
  (void)state;
  memset(&r, 0, sizeof r);
  for (i = 0; i < 3; i++)
    side_open(&r.sides[i], runner);
  for (i = 0; i < 4; i++) {
    r.log[r.length] = 'a';
    assert_ptr_equal(switch_swap(&r.sides[0].slot, &r), &r);
  }
  assert_string_equal(r.log, "abcabcabcabca");
  for (i = 0; i < 3; i++)
    side_close(&r.sides[i]);
}


/* Ends and lets the side in 'data', which is fresh, take its place. */
static void heir (void *message) {
  struct side *s = (struct side *)message;
  struct side *next = (struct side *)s->data;
  if (next == NULL)
    switch_exit(&s->slot, s);
  exchange(&s->slot, &next->slot);
  switch_exit(&s->slot, next);
}


static void test_exit_transfer (void **state) {
  struct side sides[CHAIN];
  int i;
  (void)state;
  for (i = 0; i < CHAIN; i++) {
    side_open(&sides[i], heir);
    sides[i].data = i + 1 < CHAIN ? &sides[i + 1] : NULL;
  }
  assert_ptr_equal(switch_swap(&sides[0].slot, &sides[0]), &sides[CHAIN - 1]);
  for (i = 0; i < CHAIN; i++)
    side_close(&sides[i]);
}

/* }====================================================== */


/*
** {======================================================
** Errors, threads
** =======================================================
*/

struct thrower {
  struct side side;
  struct side *other;
  jmp_buf handler;
  int caught;
};


static APART void jump (struct thrower *t) {
  longjmp(t->handler, 1);
}


/* The jump leaves a frame that is not the handler's. */
static APART int throwit (struct thrower *t) {
  volatile char frame[100];
  frame[0] = 1;
  jump(t);
  return frame[0];
}


/* Between setjmp and longjmp it resumes the other side and is suspended. */
static void thrower (void *message) {
  struct thrower *t = (struct thrower *)message;
  for (;;) {
    if (setjmp(t->handler) == 0) {
      switch_swap(&t->other->slot, (void *)1);
      switch_swap(&t->side.slot, NULL);
      throwit(t);
    }
    t->caught++;
    switch_swap(&t->side.slot, NULL);
  }
}


static void test_longjmp (void **state) {
  struct thrower t;
  struct side other;
  uintptr_t i;
  (void)state;
  side_open(&t.side, thrower);
  side_open(&other, adder);
  t.other = &other;
  t.caught = 0;
  switch_swap(&other.slot, &other);
  for (i = 1; i <= 10; i++) {
    switch_swap(&t.side.slot, &t);
    assert_true((uintptr_t)switch_swap(&other.slot, (void *)1) == 2 * i);
    switch_swap(&t.side.slot, &t);
    assert_int_equal(t.caught, i);
  }
  side_close(&t.side);
  side_close(&other);
}


static void test_longjmp_outside (void **state) {
  struct thrower t;
  struct side s;
  volatile uintptr_t i;
  (void)state;
  side_open(&s, adder);
  switch_swap(&s.slot, &s);
  for (i = 1; i <= 10; i++) {
    if (setjmp(t.handler) == 0) {
      assert_true((uintptr_t)switch_swap(&s.slot, (void *)1) == i);
      throwit(&t);
    }
  }
  side_close(&s);
}


/* Adds 1 to 1000 on a side; returns the sum. */
static void *sumup (void *side) {
  struct side *s = (struct side *)side;
  uintptr_t i;
  void *sum = NULL;
  for (i = 1; i <= 1000; i++)
    sum = switch_swap(&s->slot, (void *)i);
  return sum;
}


static void *openandsumup (void *side) {
  struct side *s = (struct side *)side;
  switch_prepare(&s->slot, stack_low(s->stack), stack_top(s->stack), adder);
  switch_swap(&s->slot, s);
  return sumup(s);
}


static uintptr_t inthread (void *(*f) (void *), struct side *s) {
  pthread_t thread;
  void *result;
  assert_int_equal(pthread_create(&thread, NULL, f, s), 0);
  assert_int_equal(pthread_join(thread, &result), 0);
  return (uintptr_t)result;
}


static void test_thread (void **state) {
  struct side s;
  (void)state;
  side_open(&s, adder);
  assert_true(inthread(openandsumup, &s) == 500500);
  side_close(&s);
}


static void test_moved_to_thread (void **state) {
  struct side s;
  (void)state;
  side_open(&s, adder);
  switch_swap(&s.slot, &s);
  sumup(&s);
  assert_true(inthread(sumup, &s) == 2 * 500500);
  assert_true((uintptr_t)sumup(&s) == 3 * 500500);
  side_close(&s);
}


#if defined(SIGUSR1)

/* Blocks the signal and yields, then lets it through and yields. */
static void blocker (void *message) {
  struct side *s = (struct side *)message;
  const sigset_t *set = (const sigset_t *)s->data;
  pthread_sigmask(SIG_BLOCK, set, NULL);
  switch_swap(&s->slot, NULL);
  pthread_sigmask(SIG_UNBLOCK, set, NULL);
  switch_swap(&s->slot, NULL);
}


static int isblocked (int sig) {
  sigset_t now;
  pthread_sigmask(SIG_BLOCK, NULL, &now);
  return sigismember(&now, sig);
}


/* Blocks the signal and ends. */
static void blockandexit (void *message) {
  struct side *s = (struct side *)message;
  pthread_sigmask(SIG_BLOCK, (const sigset_t *)s->data, NULL);
  switch_exit(&s->slot, NULL);
}


static void test_signal_mask_exit (void **state) {
  struct side s;
  sigset_t set;
  int blocked;
  (void)state;
  side_open(&s, blockandexit);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  s.data = &set;
  switch_swap(&s.slot, &s);
  blocked = isblocked(SIGUSR1);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  assert_true(blocked);
  side_close(&s);
}


static void test_signal_mask (void **state) {
  struct side s;
  sigset_t set;
  int blocked, unblocked;
  (void)state;
  side_open(&s, blocker);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  s.data = &set;
  switch_swap(&s.slot, &s);
  blocked = isblocked(SIGUSR1);
  switch_swap(&s.slot, NULL);
  unblocked = !isblocked(SIGUSR1);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  assert_true(blocked);
  assert_true(unblocked);
  side_close(&s);
}

#else

static void test_signal_mask (void **state) {
  (void)state;
  skip();
}

#define test_signal_mask_exit test_signal_mask

#endif

/* }====================================================== */


int main (void) {
  const struct CMUnitTest tests[] = {
    {"the first message is the argument of entry",
     test_first_message, NULL, NULL, NULL},
    {"messages pass both ways", test_messages_both_ways, NULL, NULL, NULL},
    {"a million swaps lose nothing", test_million, NULL, NULL, NULL},
    {"a stack can be prepared again", test_prepared_again, NULL, NULL, NULL},
    {"an exit hands its message over and leaves the stack for reuse",
     test_exit, NULL, NULL, NULL},
    {"here is an address on the running stack",
     test_here, NULL, NULL, NULL},
    {"two contexts alternate", test_alternate, NULL, NULL, NULL},
    {"contexts are resumed in any order", test_any_order, NULL, NULL, NULL},
    {"ten contexts nest", test_chain, NULL, NULL, NULL},
    {"a slot moves while its context is suspended",
     test_moved_suspended, NULL, NULL, NULL},
    {"a slot moves while its context runs",
     test_moved_running, NULL, NULL, NULL},
    {"two slots exchange their contexts", test_exchanged, NULL, NULL, NULL},
    {"a context hands its resumer over to another",
     test_transfer, NULL, NULL, NULL},
    {"an exit hands its resumer over to another context",
     test_exit_transfer, NULL, NULL, NULL},
    {"longjmp within one context leaves another alone",
     test_longjmp, NULL, NULL, NULL},
    {"longjmp outside leaves a suspended context alone",
     test_longjmp_outside, NULL, NULL, NULL},
    {"contexts work in a thread that is not the main one",
     test_thread, NULL, NULL, NULL},
    {"a suspended context goes on in another thread",
     test_moved_to_thread, NULL, NULL, NULL},
    {"the signal mask is the thread's", test_signal_mask, NULL, NULL, NULL},
    {"the signal mask is the thread's after an exit",
     test_signal_mask_exit, NULL, NULL, NULL},
  };
  return cmocka_run_group_tests_name("switch", tests, NULL, NULL);
}
