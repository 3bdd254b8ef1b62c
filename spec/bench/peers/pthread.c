/*
** pthread.c
** Round trips between two threads with a mutex and condition variables
** usage: pthread N
**
** Both threads are kept on one CPU: a hand-over between two CPUs takes
** longer, and the time of the process would not count the waiting.
*/

#define _GNU_SOURCE  /* sched_setaffinity */

#include <pthread.h>
#include <sched.h>

struct end {
  int me;  /* 0 or 1 */
};

#include "trips.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed[2] = {PTHREAD_COND_INITIALIZER,
                                    PTHREAD_COND_INITIALIZER};
static int turn;  /* whose it is */
static void *message;

/* What the other thread hands over when it is the turn of 'me'. */
static inline void *await (int me) {
  void *v;
  pthread_mutex_lock(&mutex);
  while (turn != me)
    pthread_cond_wait(&changed[me], &mutex);
  v = message;
  pthread_mutex_unlock(&mutex);
  return v;
}

/* Signals after the mutex is free: the other way round the thread that wakes
   up has to wait for it, and a round trip takes twice as long. */
static inline void *end_swap (struct end *e, void *v) {
  pthread_mutex_lock(&mutex);
  message = v;
  turn = !e->me;
  pthread_mutex_unlock(&mutex);
  pthread_cond_signal(&changed[!e->me]);
  return await(e->me);
}

static void *thread (void *argument) {
  struct end e = {1};
  (void)argument;
  end_echo(e, await(e.me));
  return NULL;
}

static void stay (void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(sched_getcpu(), &set);
  sched_setaffinity(0, sizeof set, &set);
}

static struct end end_open (void) {
  struct end e = {0};
  pthread_t other;
  stay();
  if (pthread_create(&other, NULL, thread, NULL) != 0)
    abort();
  return e;
}
