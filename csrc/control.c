/*
** control.c
** Transitions that coroutines do not have
*/

#include "control.h"

#include <lauxlib.h>

#include "finalizer.h"
#include "lifecycle.h"
#include "slice.h"


/* Refuses to leave a finalizer. */
static void checkfinalizer (struct universe *u, lua_State *L,
                            const struct fiber *f) {
  if (finalizer_isinside(u, L, f, 0))
    fiber_raise(L, "attempt to yield from a finalizer");
}


/*
** {======================================================
** Throw
** =======================================================
*/

static void disarm (struct fiber *f) {
  f->body = BODY_RESUME;
  lua_sethook(f->L, f->hook, f->hookmask, f->hookcount);
}


/*
** Goes off when the thread calls, returns or takes an instruction, whichever
** comes first: when it was suspended in a 'yield', as that returns, so that a
** 'pcall' around it catches the error. A thread that C code makes before that
** inherits the hook.
*/
static void throwhook (lua_State *L, lua_Debug *ar) {
  struct fiber *f = universe_of(L)->running;
  (void)ar;
  if (f != NULL && f->L == L && f->body == BODY_THROW) {
    disarm(f);
    lua_pushvalue(f->from, -1);
    lua_xmove(f->from, L, 1);
    lua_error(L);
  }
  lua_sethook(L, NULL, 0, 0);
}


static void arm (struct fiber *f) {
  f->body = BODY_THROW;
  f->hook = lua_gethook(f->L);
  f->hookmask = lua_gethookmask(f->L);
  f->hookcount = lua_gethookcount(f->L);
  lua_sethook(f->L, throwhook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}


/* Where nothing runs on fibers, the thread dies without catching anything. */
static RARE int throwclosed (struct universe *u, lua_State *L,
                             lua_State *co) {
  if (fiber_close(u, L, co) != LUA_OK)
    lua_xmove(co, L, 1);  /* the error of a to-be-closed variable */
  return LUA_ERRRUN;
}


int fiber_throw (struct universe *u, lua_State *L, lua_State **co,
                 int *nres) {
  struct fiber *f;
  int status;
  if (u->closed && !universe_reopen(u, L)
      && fiber_status(u, L, *co) == THREAD_SUSPENDED)
    return throwclosed(u, L, *co);
  f = fiber_prepare(u, L, *co, 0, &status, nres);
  if (f == NULL)
    return status;
  if (f->anchored) {  /* it was suspended on its stack */
    lua_pushvalue(L, -1);
    lua_xmove(L, *co, 1);
    f->nvalues = -1;
  }
  else {
    f->nvalues = 0;
    arm(f);
  }
  f = fiber_run(u, f, L);
  if (f->body == BODY_THROW)
    disarm(f);
  return fiber_returned(u, f, co, nres);
}

/* }====================================================== */


/*
** {======================================================
** Exit
** =======================================================
*/

int fiber_quit (struct universe *u, lua_State *L, int n) {
  struct fiber *f = fiber_caller(u, L);
  if (f == NULL)
    return luaL_error(L, "attempt to exit from outside a fiber");
  checkfinalizer(u, L, f);
  if (!lua_checkstack(f->from, n + LUA_MINSTACK))
    return luaL_error(L, "too many results to exit");
  lua_xmove(L, f->from, n);
  f->at = L;
  f->nvalues = n;
  f->state = FIBER_EXITED;
  unwind_here(fiber_leave(f));
  return 0;
}

/* }====================================================== */


/*
** {======================================================
** Suspend
** =======================================================
*/

/*
** Does f run? It may be inside one that is suspended, whose state does not
** show in it: then it was carried away after it was last seen on the list.
*/
static int islisted (struct universe *u, struct fiber *f) {
  struct fiber *x = u->running;
  int depth = u->depth;
  if (f->state != FIBER_RUNNING)
    return 0;
  if (LIKELY(x != f && f->stamp == u->carried))
    return 1;
  while (x != NULL && x != f) {
    x = x->resumer;
    depth--;
  }
  if (x == NULL)
    return 0;
  f->depth = depth;
  f->stamp = u->carried;
  return 1;
}


static struct fiber *findrunning (struct universe *u, lua_State *co) {
  struct fiber *f = u->running;
  if (f->L != co)
    f = fiber_find(u, co);
  return f != NULL && islisted(u, f) ? f : NULL;
}


static struct fiber *around (struct universe *u, lua_State *L,
                             lua_State *co) {
  struct fiber *f = fiber_caller(u, L) == NULL ? NULL : findrunning(u, co);
  if (f == NULL) {
    int status = fiber_status(u, L, co);
    if (status == THREAD_DEAD || status == THREAD_SUSPENDED)
      luaL_error(L, "cannot suspend a %s coroutine",
                 fiber_statusname(status));
    luaL_error(L, "cannot suspend a coroutine that is not a fiber around the "
                  "call");
  }
  else if (f->body == BODY_CLOSE)
    luaL_error(L, "cannot suspend a coroutine that is being closed");
  return f;
}


/* Does L appear on the list from f outwards? */
static int isfrom (const struct fiber *f, const lua_State *L) {
  while (f != NULL && f->from != L)
    f = f->resumer;
  return f != NULL;
}


/* All fibers that run have anchors. */
static int iskept (struct universe *u, const struct fiber *x) {
  int ismain = lua_pushthread(x->from);
  lua_pop(x->from, 1);
  return ismain || map_find(&u->map, x->from) != NULL
      || isfrom(x->resumer, x->from);
}


/* Was one inside f resumed on a state that C code kept? */
static int ismixed (struct universe *u, const struct fiber *f) {
  const struct fiber *x;
  if (LIKELY(u->mixed == 0))
    return 0;
  for (x = u->running; x != f; x = x->resumer) {
    if (x->from != x->resumer->L && iskept(u, x))
      return 1;
  }
  return 0;
}


/* Refuses where one inside f was resumed on a state that C code kept: who
   runs when f is suspended would find that state in use. */
static void checkmixed (struct universe *u, lua_State *L,
                        const struct fiber *f) {
  if (ismixed(u, f))
    fiber_raise(L, "attempt to yield from outside a coroutine");
}


/* All that run get anchors, so that those inside a suspended fiber have them;
   there is nothing to do where as many have one as are mounted. */
static void anchorall (struct universe *u, lua_State *L) {
  struct fiber *f;
  if (LIKELY(u->pools.live - pools_cached(&u->pools) == u->map.count))
    return;
  for (f = u->running; f != NULL; f = f->resumer)
    fiber_anchor(u, L, f);
}


/* What leaves the list with f, as its last frame remembers. */
struct departure {
  struct fiber *inner;
  int levels;  /* from f to 'inner' */
  int sliced;  /* a slice may count what they resume */
};


/* So many fibers are suspended inside one, and may be resumed together. */
static void rise (struct universe *u, int height) {
  u->highest = height;
  if (u->quick_depth > 0)
    u->quick_depth = fiber_quickdepth(u);
}


/* f, which is on the list with its depth, is suspended on L; what runs inside
   is no longer on the list, and f is about to be. */
static void depart (struct universe *u, lua_State *L, struct fiber *f, int n,
                    struct departure *d) {
  d->inner = u->running;
  d->levels = u->depth - f->depth;
  d->sliced = u->quick_depth == 0;
  f->state = FIBER_SUSPENDED;
  f->mark = marks_of(&u->marks, f->L);
  f->nvalues = n;
  f->inner = d->inner;
  f->height = d->levels;
  f->at = L;
  u->running = f;
  u->depth = f->depth;
  u->carried += d->levels > 0;
  if (d->levels > u->highest)
    rise(u, d->levels);
  u->suspended++;
  u->native_yields++;
  u->last = f;
}


/* The message of who went back to where a fiber was suspended. */
INLINE void land (struct fiber *message) {
  while (!LIKELY(message->nvalues >= -1))
    message = unwind_here(message);
}


/* f is on the list again, perhaps at another depth, which those inside it do
   not know: but they were carried away. */
static int arrive (struct universe *u, lua_State *L, struct fiber *f,
                   const struct departure *d) {
  int n = f->nvalues;
  u->running = d->inner;
  u->depth += d->levels;
  if (d->sliced)
    u->quick_depth = 0;
  f->inner = NULL;
  if (f->L != L)
    lua_xmove(f->L, L, n < 0 ? 1 : n);
  return n < 0 ? lua_error(L) : n;
}


int fiber_suspend (struct universe *u, lua_State *L, lua_State *co, int n) {
  struct fiber *f = around(u, L, co);
  struct departure d;
  checkfinalizer(u, L, f);
  anchorall(u, L);
  checkmixed(u, L, f);
  if (f->L != L) {  /* the values of both ways pass over the stack of 'co' */
    if (!lua_checkstack(co, n + LUA_MINSTACK))
      return luaL_error(L, "too many values to suspend");
    lua_xmove(L, co, n);
  }
  depart(u, L, f, n, &d);
  land(fiber_leave(f));
  return arrive(u, L, f, &d);
}

/* How many run up to f. */
static int depthof (const struct universe *u, const struct fiber *f) {
  const struct fiber *x;
  int depth = u->depth;
  for (x = u->running; x != f; x = x->resumer)
    depth--;
  return depth;
}


int fiber_preempt (struct universe *u, lua_State *L, struct fiber *f) {
  struct departure d;
  int n;
  if (finalizer_isinside(u, L, f, 1) || ismixed(u, f)
      || !lua_checkstack(f->L, LUA_MINSTACK))
    return 0;
  anchorall(u, L);
  f->slice->preempted = 1;
  f->depth = depthof(u, f);
  depart(u, L, f, 0, &d);
  land(fiber_leave(f));
  n = arrive(u, L, f, &d);
  lua_pop(L, n);
  return 1;
}

/* }====================================================== */


/*
** {======================================================
** Yield inside of a C function
** =======================================================
*/

/* Why L, which runs, cannot be left while its C function goes on; or NULL. */
static const char *refusal (const struct universe *u, lua_State *L) {
  const struct fiber *f = u->running;
  if (f == NULL || f->L != L) {
    int ismain = lua_pushthread(L);
    lua_pop(L, 1);
    return ismain ? "attempt to yield from outside a coroutine"
                  : "attempt to yield from C code in a coroutine that is not "
                    "a fiber";
  }
  if (f->body == BODY_CLOSE)
    return "attempt to yield across a C-call boundary";
  if (finalizer_isinside(u, L, f, 0))
    return "attempt to yield from a finalizer";
  return NULL;
}


int fiber_yieldsinside (struct universe *u, lua_State *L) {
  fiber_settle(u, L);
  return refusal(u, L) == NULL;
}


struct fiber *fiber_readyinside (struct universe *u, lua_State *L) {
  struct fiber *f = fiber_caller(u, L);
  const char *message = refusal(u, L);
  if (message != NULL)
    fiber_raise(finalizer_blamed(u, L), message);
  fiber_anchor(u, L, f);
  return f;
}

/* }====================================================== */


/*
** {======================================================
** Transfer
** =======================================================
*/

/* The resumer's C function holds the thread it resumed, and now another. */
static void hold (const struct fiber *f, struct fiber *g) {
  lua_State *from = f->from;
  lua_State *origin = f->origin != NULL ? f->origin : f->L;
  if (f->origin != NULL)
    lua_pop(from, 1);
  if (g->L == origin)
    g->origin = NULL;
  else {
    g->origin = origin;
    lua_pushthread(g->L);
    lua_xmove(g->L, from, 1);
  }
}


/* g takes the place of f on the list. */
static void replace (struct universe *u, struct fiber *f, struct fiber *g) {
  hold(f, g);
  f->origin = NULL;
  g->state = FIBER_RUNNING;
  g->from = f->from;
  g->resumer = f->resumer;
  g->depth = f->depth;
  g->stamp = u->carried;
  if (f->mixed)
    fiber_setmixed(u, g);
  u->running = g;
}


/* The running fiber, ready for a transfer to 'co' with 'n' values. Returns what
   slice_pass takes. */
static struct phase *checktransfer (struct universe *u, lua_State *L,
                                    struct fiber *f, lua_State *co, int n) {
  struct fiber *g;
  struct phase *phase;
  int status;
  if (f->body == BODY_CLOSE)
    luaL_error(L, "cannot transfer from a coroutine that is being closed");
  checkfinalizer(u, L, f);
  fiber_anchor(u, L, f);
  phase = slice_ready(u, L, f, co);
  status = fiber_status(u, L, co);
  if (status != THREAD_SUSPENDED)
    luaL_error(L, "cannot transfer to a %s coroutine",
               fiber_statusname(status));
  g = fiber_suspended(u, co);
  if (u->depth + fiber_height(g) > u->max_depth)
    fiber_raise(L, "C stack overflow");
  if (!lua_checkstack(f->from, LUA_MINSTACK)
      || !lua_checkstack(f->L, LUA_MINSTACK)
      || !fiber_takes(co, g, n + LUA_MINSTACK))
    luaL_error(L, "too many values to transfer");
  return phase;
}


int fiber_transfer (struct universe *u, lua_State *L, lua_State *co, int n) {
  struct fiber *f = fiber_caller(u, L), *g;
  struct phase *phase;
  struct departure d;
  if (f == NULL)
    return luaL_error(L, "attempt to transfer from outside a fiber");
  if (f->L == co)
    return n;
  do {
    phase = checktransfer(u, L, f, co, n);
    g = fiber_take(u, L, co, n);
  } while (g == NULL);
  if (f->body == BODY_THROW)
    disarm(f);
  f->depth = u->depth;
  depart(u, L, f, 0, &d);
  g->nvalues = n;
  replace(u, f, g);
  slice_pass(u, f, g, phase);
  lua_pop(L, 1);  /* 'co': else those that leave would hold each other */
  land(fiber_cross(u, f, g));
  return arrive(u, L, f, &d);
}

/* }====================================================== */
