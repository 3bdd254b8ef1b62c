/*
** trips.h
** Round trips between two ends: what the programs in C share
**
** Each program defines, before it includes this file,
**
**   struct end
**       what one end knows of the other.
**
** and after it
**
**   static inline void *end_swap (struct end *e, void *v);
**       hands v over, lets the other end run, returns what that hands back.
**   static struct end end_open (void);
**       makes another end that runs 'end_echo' from the first swap on.
*/

#ifndef trips_h
#define trips_h

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STACK_SIZE ((size_t)64 << 10)

static inline void *end_swap (struct end *e, void *v);
static struct end end_open (void);

/* The lower end of a new stack. */
static inline char *end_stack (void) {
  char *stack = (char *)malloc(STACK_SIZE);
  if (stack == NULL)
    abort();
  return stack;
}

/* Sends every value back; v is the first. */
static inline void end_echo (struct end e, void *v) {
  for (;;)
    v = end_swap(&e, v);
}

static void end_trips (struct end *e, long count) {
  struct end here = *e;  /* its address stays here: it may be in registers */
  long i;
  for (i = 1; i <= count; i++) {
    void *v = (void *)(intptr_t)i;
    if (end_swap(&here, v) != v)
      abort();
  }
  *e = here;
}

/* The argument of the program is the number of round trips. */
int main (int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 1;
  struct end e = end_open();
  clock_t start;
  end_trips(&e, n / 10 + 1);
  start = clock();
  end_trips(&e, n);
  printf("%.2f\n", (double)(clock() - start) * 1e9 / CLOCKS_PER_SEC
                   / (double)n);
  return 0;
}

#endif
