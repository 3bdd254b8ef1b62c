/*
** contexts.c
** The layer below Lua, alone: two functions that hand over to each other
**
** csrc/switch.h swaps the running state with the one in a slot. So the slot of
** a routine holds the routine while it rests, and while it runs the one who
** resumed it. Nothing else is kept: no list, no current one, and no 'main' to
** go back to. A routine that hands over leaves its resumer to the other, and
** the last one to end returns to him, whoever that is.
**
** This is what fibers are made of, not an API: no errors, no checks, no Lua.
** csrc/fiber.c adds these.
*/

#include <stdio.h>
#include <stdlib.h>

#include "pool.h"
#include "switch.h"

struct routine {
  struct context slot;
  struct stack *stack;
  struct routine *other;  /* NULL: it has ended */
  const char *name;
  int times;
};


/* Exchanges what is in two slots: b's resumer becomes that of a. */
static void exchange (struct routine *a, struct routine *b) {
  struct context c = a->slot;
  a->slot = b->slot;
  b->slot = c;
}


/* From r, which runs, to the other one, which gets r's resumer. It will find r
   in r's slot. */
static void handover (struct routine *r) {
  exchange(r, r->other);
  switch_swap(&r->slot, r->other);
}


/* The same for the last time; or to the resumer, if the other has ended. */
static void end (struct routine *r) {
  printf("%s ends\n", r->name);
  if (r->other != NULL) {
    r->other->other = NULL;
    exchange(r, r->other);
  }
  switch_exit(&r->slot, r->other);
}


/* What both run: says its name so many times, and hands over in between. */
static void count (void *message) {
  struct routine *r = (struct routine *)message;
  int i;
  switch_outermost();
  for (i = 1; i <= r->times; i++) {
    printf("%s %d\n", r->name, i);
    if (r->other != NULL)
      handover(r);
  }
  end(r);
}


static void begin (struct routine *r, struct pool *pool,
                   void (*entry) (void *message)) {
  r->stack = pool_get(pool);
  if (r->stack == NULL) {
    perror("no stack");
    exit(EXIT_FAILURE);
  }
  switch_prepare(&r->slot, stack_low(r->stack), stack_top(r->stack), entry);
}


/* Resumes ping; returns when both have ended. */
static void play (struct pool *pool, const char *who) {
  struct routine ping = {.name = "ping", .times = 2};
  struct routine pong = {.name = "pong", .times = 3};
  ping.other = &pong;
  pong.other = &ping;
  begin(&ping, pool, count);
  begin(&pong, pool, count);
  switch_swap(&ping.slot, &ping);
  printf("back in %s\n", who);
  pool_put(pong.stack);
  pool_put(ping.stack);
}


/* A routine that resumes others. */
static void referee (void *message) {
  struct routine *r = (struct routine *)message;
  switch_outermost();
  play(r->stack->pool, "the referee");
  switch_exit(&r->slot, NULL);
}


int main (void) {
  struct routine third;
  struct pools pools = {.limit = 3};
  struct pool *pool = pools_join(&pools, (size_t)64 << 10);
  if (pool == NULL)
    return EXIT_FAILURE;
  play(pool, "main");
  begin(&third, pool, referee);
  switch_swap(&third.slot, &third);
  pool_put(third.stack);
  pools_leave(pool);
  pools_trim(&pools);
  return EXIT_SUCCESS;
}
