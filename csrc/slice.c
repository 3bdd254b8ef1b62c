/*
** slice.c
** Resumes with a budget of VM instructions
*/

#include "slice.h"

#include <lauxlib.h>
#include <string.h>

#include "control.h"
#include "lifecycle.h"

/* Registry: table with weak keys, from a thread to a 'struct phase'. */
static const char phaseskey = 0;

static void hook (lua_State *L, lua_Debug *ar);


/*
** {======================================================
** Budgets
** =======================================================
*/

static int isbudgeted (const struct fiber *f) {
  return f->slice != NULL && f->slice->budgeted;
}


/* Charges n instructions to f and to all that are resuming it. */
static void charge (struct universe *u, struct fiber *f, int n) {
  int counts = 0;
  for (; f != NULL; f = f->resumer) {
    if (isbudgeted(f)) {
      f->slice->left -= n;
      counts = 1;
    }
  }
  if (counts)
    u->sliced += n;
}


/* Instructions of its step that the thread of f has begun. A count that is
   not of 1 goes down from 'step' or, ahead of the first of them, one more. */
static int taken (const struct universe *u, const struct slice *s) {
  if (u->count_at == 0 || lua_gethook(s->L) != hook)
    return s->step;
  return s->step + 1 - measure_counted(s->L, u->count_at);
}


/* Charges what f has taken of its step. A finalizer on its thread moves the
   count as well, and back to the start when it gets to its end. */
static void settle (struct universe *u, struct fiber *f) {
  struct slice *s = f->slice;
  int n;
  if (s->step == s->charged)
    return;
  n = taken(u, s) - s->charged;
  if (n > 0) {
    s->charged += n;
    charge(u, f, n);
  }
}


/* The innermost fiber that runs and whose instructions are counted, or NULL.
   Those around it were settled when they resumed others. */
static struct fiber *innermost (const struct universe *u) {
  struct fiber *f = u->running;
  while (f != NULL && f->slice == NULL)
    f = f->resumer;
  return f;
}


void slice_settle (struct universe *u) {
  struct fiber *f = innermost(u);
  if (f != NULL)
    settle(u, f);
}


/* The outermost of them that has spent its budget, or NULL. */
static struct fiber *spent (struct fiber *f) {
  struct fiber *outermost = NULL;
  for (; f != NULL; f = f->resumer) {
    if (isbudgeted(f) && f->slice->left <= 0)
      outermost = f;
  }
  return outermost;
}


/* The least that is left of a budget, which may be overdrawn; with 'unspent',
   of those that are not spent. */
static lua_Integer least (struct fiber *f, int unspent) {
  lua_Integer left = SLICE_MAX;
  for (; f != NULL; f = f->resumer) {
    if (isbudgeted(f) && f->slice->left < left
        && (f->slice->left > 0 || !unspent))
      left = f->slice->left;
  }
  return left;
}


/* Instructions that the thread of f may execute until the next look; 'now'
   tells that a look can be had before the next one. */
static int nextstep (struct fiber *f, int now) {
  lua_Integer left = least(f, 0);
  if (left <= 0)
    left = now ? 0 : least(f, 1);
  return (int)(left < SLICE_STEP ? left : SLICE_STEP);
}


int slice_counts (struct universe *u) {
  struct fiber *f = u->running;
  while (f != NULL && !isbudgeted(f))
    f = f->resumer;
  u->quick_depth = f != NULL ? 0 : fiber_quickdepth(u);
  return f != NULL;
}

/* }====================================================== */


/*
** {======================================================
** The user's hook
** =======================================================
*/

/* The record of how the count hook of 'co' stands, made if need be. */
static struct phase *makephase (lua_State *L, lua_State *co) {
  struct phase *p;
  luaL_checkstack(L, 4, NULL);
  if (!lua_checkstack(co, 1))
    luaL_error(L, "stack overflow");
  registry_pushweak(L, &phaseskey);
  lua_pushthread(co);
  lua_xmove(co, L, 1);
  lua_pushvalue(L, -1);
  if (lua_rawget(L, -3) == LUA_TUSERDATA)
    lua_remove(L, -2);
  else {
    lua_pop(L, 1);
    p = (struct phase *)lua_newuserdatauv(L, sizeof(struct phase), 0);
    p->hook = NULL;
    lua_pushvalue(L, -1);
    lua_insert(L, -3);
    lua_rawset(L, -4);
  }
  p = (struct phase *)lua_touserdata(L, -1);
  lua_pop(L, 2);
  return p;
}


static int hascount (lua_State *co) {
  return (lua_gethookmask(co) & LUA_MASKCOUNT) && lua_gethookcount(co) > 0
      && lua_gethook(co) != hook;
}


/* Takes over the hook of 'co'; 'left' is how many instructions a count hook
   that is new waits for. */
static void takehook (struct slice *s, lua_State *co, struct phase *phase,
                      int left) {
  s->hook = lua_gethook(co);
  s->mask = lua_gethookmask(co);
  s->count = lua_gethookcount(co);
  s->phase = hascount(co) ? phase : NULL;
  if (s->phase != NULL
      && (phase->hook != s->hook || phase->count != s->count)) {
    phase->hook = s->hook;
    phase->count = s->count;
    phase->left = left;
  }
}


/*
** Has the hook look after the next step. 'extra' is 1 where the count of the
** next instruction is still ahead, 0 during a look. Where the user has a hook
** it looks at each instruction: what a hook in Lua executes moves the count,
** and a count of one does not move. So the user's count hook is called in
** time, and its own instructions do not count, as they do in stock Lua. So it
** does where nobody knows how far a count has come.
*/
static void arm (struct universe *u, struct fiber *f, int extra) {
  struct slice *s = f->slice;
  int mask = LUA_MASKCOUNT, count = 1;
  s->charged = 0;
  if (s->hook != NULL)
    mask |= s->mask;
  if (s->hook != NULL || u->count_at == 0)
    s->step = 1 - extra;
  else {
    s->step = nextstep(f, extra);
    count = s->step + extra;
  }
  if (extra || lua_gethook(s->L) != hook || lua_gethookmask(s->L) != mask
      || lua_gethookcount(s->L) != count)
    lua_sethook(s->L, hook, mask, count);
}


/* What f resumed was charged to the budgets around it, too: its step is to
   end no later than the first of them. */
static void shorten (struct universe *u, struct fiber *f) {
  struct slice *s = f->slice;
  if (lua_gethook(s->L) != hook || lua_gethookcount(s->L) == 1)
    return;  /* it looks before the next instruction, or not at all */
  settle(u, f);
  if (s->step - s->charged > least(f, 0))
    arm(u, f, 1);
}


/* Gives the user's hook back, unless somebody set another. The instruction of
   a step that is broken off was begun, where they are counted one by one. */
static void disarm (struct universe *u, struct fiber *f) {
  struct slice *s = f->slice;
  settle(u, f);
  if (lua_gethook(s->L) == hook)
    lua_sethook(s->L, s->hook, s->mask, s->count);
  if (s->phase != NULL)
    s->phase->left -= s->step;
  f->slice = NULL;
}


/* The user's hook, called for 'event', set another one on L, which breaks a
   step off and starts its own count. */
static void adopt (struct universe *u, lua_State *L, struct fiber *f,
                   int event) {
  struct phase *phase = hascount(L) ? makephase(L, L) : NULL;
  int extra = event != LUA_HOOKCOUNT && event != LUA_HOOKLINE;
  if (phase != NULL)
    phase->hook = NULL;
  takehook(f->slice, L, phase, lua_gethookcount(L) - extra);
  if (extra)
    settle(u, f);
  arm(u, f, extra);
}


/*
** Calls the user's hook, if it asked for that. It may yield, so that the fiber
** comes back under another slice or none.
*/
static void deliver (struct universe *u, lua_State *L, struct fiber *f,
                     lua_Debug *ar) {
  static const int masks[] = {LUA_MASKCALL, LUA_MASKRET, LUA_MASKLINE,
                              LUA_MASKCOUNT, LUA_MASKCALL};
  struct slice *s = f->slice;
  if (s->hook == NULL || !(s->mask & masks[ar->event]))
    return;
  s->hook(L, ar);
  s = f->slice;
  if (s != NULL && s->L == L && lua_gethook(L) != hook)
    adopt(u, L, f, ar->event);
}

/* }====================================================== */


/*
** {======================================================
** The hook
** =======================================================
*/

/* The fiber whose stack one stands on, or NULL. */
static struct fiber *standson (struct universe *u) {
  const void *here = switch_here();
  struct fiber *f = u->running;
  while (f != NULL && !stack_holds(f->stack, here))
    f = f->resumer;
  return f;
}


/*
** L, which runs on the stack of f, spent the budget of x, or more. A hook on
** the thread of x shows that no finalizer runs on it, so it may be left. Where
** one runs inside, x stops as soon as it has control again; meanwhile f stops
** if its own budget is spent. Did one stop?
*/
static int preempt (struct universe *u, lua_State *L, struct fiber *f,
                    struct fiber *x) {
  int stopped = fiber_preempt(u, L, x);
  if (!stopped) {
    shorten(u, x);
    if (isbudgeted(f) && f->slice->left <= 0 && f->L == L)
      stopped = fiber_preempt(u, L, f);
  }
  slice_counts(u);
  return stopped;
}


/* Stops those whose budgets are spent. Who goes on may find that others' are,
   inside or, with another slice, around. */
static void stop (struct universe *u, lua_State *L, struct fiber *f) {
  struct fiber *x;
  do {
    x = spent(f);
  } while (x != NULL && preempt(u, L, f, x));
}


/* The step of f is over: charges it, and what is left of it is nothing. */
static void finish (struct universe *u, struct fiber *f) {
  struct slice *s = f->slice;
  charge(u, f, s->step - s->charged);
  if (s->phase != NULL)
    s->phase->left -= s->step;
  s->step = s->charged = 0;
}


/* A count event on the thread of f. Whatever yields here may come back under
   another slice or none. */
static void look (struct universe *u, lua_State *L, struct fiber *f,
                  lua_Debug *ar) {
  struct slice *s = f->slice;
  finish(u, f);
  if (s->phase != NULL && s->phase->left <= 0) {
    s->phase->left = s->count;
    deliver(u, L, f, ar);
    if (lua_status(L) == LUA_YIELD) {  /* the user's hook yielded, in C */
      s->step = 1;  /* there will be no look before the next instruction */
      return;
    }
  }
  stop(u, L, f);
  if (f->slice != NULL)
    arm(u, f, 0);
}


/* A stock coroutine on the stack of f got the hook with its creation: f is
   charged, and the user's count hook is not its own. */
static void lookstock (struct universe *u, lua_State *L, struct fiber *f) {
  charge(u, f, lua_gethookcount(L));
  stop(u, L, f);
  if (f->slice != NULL)
    shorten(u, f);
}


/* Outside every slice it was inherited, and removes itself. */
static void hook (lua_State *L, lua_Debug *ar) {
  struct universe *u = universe_of(L);
  struct fiber *f = standson(u);
  if (f == NULL || f->slice == NULL)
    lua_sethook(L, NULL, 0, 0);
  else if (ar->event != LUA_HOOKCOUNT)
    deliver(u, L, f, ar);
  else if (f->slice->L == L)
    look(u, L, f, ar);
  else
    lookstock(u, L, f);
}

/* }====================================================== */


/*
** {======================================================
** Resume
** =======================================================
*/

/* Gives 'co', if it inherited the hook, the user's hook in its place. */
static void disinherit (struct universe *u, lua_State *co) {
  struct fiber *f;
  const struct slice *s;
  if (lua_gethook(co) != hook)
    return;
  f = fiber_find(u, co);
  if (f != NULL && f->slice != NULL)
    return;  /* it is the hook of its own slice */
  f = standson(u);
  s = f != NULL ? f->slice : NULL;
  if (s != NULL)
    lua_sethook(co, s->hook, s->mask, s->count);
  else
    lua_sethook(co, NULL, 0, 0);
}


void slice_made (struct universe *u, lua_State *co) {
  disinherit(u, co);
}


/* f runs under s from now on. */
static void enter (struct universe *u, struct fiber *f, struct slice *s,
                   struct phase *phase) {
  s->L = f->L;
  f->slice = s;
  takehook(s, s->L, phase, lua_gethookcount(s->L) - 1);
  arm(u, f, 1);
}


struct phase *slice_ready (struct universe *u, lua_State *L,
                           const struct fiber *f, lua_State *co) {
  if (LIKELY(f->slice == NULL))
    return NULL;
  disinherit(u, co);
  return hascount(co) ? makephase(L, co) : NULL;
}


void slice_pass (struct universe *u, struct fiber *f, struct fiber *g,
                 struct phase *phase) {
  struct slice *s = f->slice;
  if (LIKELY(s == NULL))
    return;
  disarm(u, f);
  enter(u, g, s, phase);
}


/* Pushes at most 'n' of the threads that run inside 'co', which is suspended,
   innermost first; returns how many. Runs nothing. */
static int pushinside (struct universe *u, lua_State *L, lua_State *co,
                       int n) {
  const struct fiber *f = fiber_suspended(u, co);
  const struct fiber *x = f != NULL ? f->inner : NULL;
  int i;
  for (i = 0; i < n && x != NULL && x != f; i++, x = x->resumer) {
    lua_pushthread(x->L);
    lua_xmove(x->L, L, 1);
  }
  return i;
}


/*
** Those that run inside 'co' and were resumed outside of slices go on in this
** one. Pushes room for their slices below the 'narg' values on top of L and
** returns it; 'n' is for how many.
*/
static struct slice *makeroom (struct universe *u, lua_State *L, lua_State *co,
                               int narg, int *n) {
  struct slice *room;
  int i, top;
  *n = fiber_height(fiber_suspended(u, co));
  if (*n == 0)
    return NULL;
  luaL_checkstack(L, *n + LUA_MINSTACK, NULL);
  room = (struct slice *)lua_newuserdatauv(L, (size_t)*n * sizeof(*room), 0);
  lua_insert(L, -(narg + 1));
  memset(room, 0, (size_t)*n * sizeof(*room));
  top = lua_gettop(L);
  *n = pushinside(u, L, co, *n);
  for (i = 0; i < *n; i++) {
    room[i].L = lua_tothread(L, top + 1 + i);
    if (hascount(room[i].L))
      room[i].phase = makephase(L, room[i].L);
  }
  lua_settop(L, top);
  return room;
}


/* The room is for those who were inside f before it was readied: a finalizer
   may have changed that. The innermost, if it had a slice, goes on with a step
   of before. */
static void enterinner (struct universe *u, struct fiber *f,
                        struct slice *room, int n) {
  struct fiber *x = n > 0 ? f->inner : NULL;
  for (; x != NULL && x != f && n > 0 && room->L == x->L; x = x->resumer) {
    if (x->slice == NULL) {
      room->given = 1;
      enter(u, x, room, room->phase);
    }
    room++;
    n--;
  }
  if (f->inner != NULL && f->inner != f && f->inner->slice != NULL)
    shorten(u, f->inner);
}


static void leave (struct universe *u, struct fiber *f) {
  if (f->slice != NULL && f->slice->given)
    disarm(u, f);
}


void slice_left (struct universe *u, struct fiber *f) {
  struct fiber *x = f->inner;
  if (x != NULL && x->slice != NULL)
    settle(u, x);
  for (; x != NULL && x != f; x = x->resumer)
    leave(u, x);
  leave(u, f);
  x = innermost(u);
  if (x != NULL)
    shorten(u, x);
}


int slice_resume (struct universe *u, lua_State *L, lua_State **co, int narg,
                  struct slice *s, int *nres) {
  struct slice counting = {NULL, 0, 0, 0, 0, 0, 0, NULL, 0, 0, NULL};
  struct phase *phase = NULL;
  struct slice *room;
  struct fiber *f;
  int base = lua_gettop(L) - narg, n, status;
  if (s == NULL)
    s = &counting;
  disinherit(u, *co);
  if (hascount(*co))
    phase = makephase(L, *co);
  room = makeroom(u, L, *co, narg, &n);
  f = fiber_prepare(u, L, *co, narg, &status, nres);
  if (f == NULL) {
    if (room != NULL)
      lua_remove(L, base + 1);
    return status;
  }
  slice_settle(u);
  enter(u, f, s, phase);
  enterinner(u, f, room, n);
  u->quick_depth = 0;
  f->nvalues = narg;
  f = fiber_run(u, f, L);
  DEBUG_ASSERT(f->slice == s && "a slice goes with its place");
  s->given = 1;  /* its place is left, too */
  if (!slice_counts(u))  /* else fiber_returned does */
    slice_left(u, f);
  if (room != NULL)
    lua_remove(L, base + 1);
  return fiber_returned(u, f, co, nres);
}


/* Nothing may fail here: a count hook of the user's, which needs a record, is
   left alone. */
void slice_close (struct universe *u, lua_State *L, struct fiber *f) {
  struct slice counting = {NULL, 0, 0, 0, 0, 0, 0, NULL, 0, 0, NULL};
  disinherit(u, f->L);
  if (LIKELY(u->quick_depth > 0 || !slice_counts(u)) || hascount(f->L)
      || !compat_closeshooked(f->L)) {
    fiber_run(u, f, L);
    return;
  }
  slice_settle(u);
  f->resumer = u->running;
  enter(u, f, &counting, NULL);
  fiber_run(u, f, L);
  counting.given = 1;
  slice_left(u, f);
  slice_counts(u);
}

/* }====================================================== */
