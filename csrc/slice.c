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
static void charge (struct fiber *f, int n) {
  for (; f != NULL; f = f->resumer) {
    if (isbudgeted(f))
      f->slice->left -= n;
  }
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


/* The least that is left of a budget, except where it is spent. */
static lua_Integer least (struct fiber *f) {
  lua_Integer left = SLICE_MAX;
  for (; f != NULL; f = f->resumer) {
    if (isbudgeted(f) && f->slice->left > 0 && f->slice->left < left)
      left = f->slice->left;
  }
  return left;
}


static int isnested (const struct fiber *f) {
  const struct fiber *r;
  if (!isbudgeted(f) || f->nests)
    return 1;
  for (r = f->resumer; r != NULL; r = r->resumer) {
    if (isbudgeted(r))
      return 1;
  }
  return 0;
}


/* Instructions that the thread of f may execute until the next look. */
static int nextstep (struct fiber *f) {
  lua_Integer left = least(f);
  lua_Integer most = SLICE_STEP;
  if (isnested(f)) {
    most = SLICE_STEP_NESTED;
    left = (left + 7) / 8;
  }
  return (int)(left < most ? left : most);
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
  if (s->phase != NULL && (phase->hook != s->hook || phase->count != s->count)) {
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
** time, and its own instructions do not count, as they do in stock Lua.
*/
static void arm (struct fiber *f, int extra) {
  struct slice *s = f->slice;
  int mask = LUA_MASKCOUNT, count = 1;
  if (s->hook != NULL) {
    mask |= s->mask;
    s->step = 1 - extra;
  }
  else {
    s->step = nextstep(f);
    count = s->step + extra;
  }
  if (lua_gethook(s->L) != hook || lua_gethookmask(s->L) != mask
      || lua_gethookcount(s->L) != count)
    lua_sethook(s->L, hook, mask, count);
}


/* Gives the user's hook back, unless somebody set another. The instruction of
   a step that is broken off was begun, where they are counted one by one. */
static void disarm (struct fiber *f) {
  struct slice *s = f->slice;
  if (lua_gethook(s->L) == hook)
    lua_sethook(s->L, s->hook, s->mask, s->count);
  if (s->phase != NULL && !f->looks)
    s->phase->left -= s->step;
  f->slice = NULL;
}


/* The user's hook, called for 'event', set another one on L, which breaks a
   step off and starts its own count. */
static void adopt (lua_State *L, struct fiber *f, int event) {
  struct phase *phase = hascount(L) ? makephase(L, L) : NULL;
  int extra = event != LUA_HOOKCOUNT && event != LUA_HOOKLINE;
  if (phase != NULL)
    phase->hook = NULL;
  takehook(f->slice, L, phase, lua_gethookcount(L) - extra);
  if (event != LUA_HOOKCOUNT)
    charge(f, f->slice->step);
  arm(f, extra);
}


/*
** Calls the user's hook, if it asked for that. It may yield, so that the fiber
** comes back under another slice or none.
*/
static void deliver (lua_State *L, struct fiber *f, lua_Debug *ar) {
  static const int masks[] = {LUA_MASKCALL, LUA_MASKRET, LUA_MASKLINE,
                              LUA_MASKCOUNT, LUA_MASKCALL};
  struct slice *s = f->slice;
  if (s->hook == NULL || !(s->mask & masks[ar->event]))
    return;
  s->hook(L, ar);
  s = f->slice;
  if (s != NULL && s->L == L && lua_gethook(L) != hook)
    adopt(L, f, ar->event);
}

/* }====================================================== */


/*
** {======================================================
** The hook
** =======================================================
*/

/* The universe of L, which has one. */
static struct universe *universeof (lua_State *L) {
  struct universe *u = universe_only();
  if (u == NULL) {
    u = universe_push(L);
    lua_pop(L, 1);
  }
  return u;
}


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
** if its own budget is spent.
*/
static void preempt (struct universe *u, lua_State *L, struct fiber *f,
                     struct fiber *x) {
  if (!fiber_preempt(u, L, x)) {
    if (lua_gethook(x->L) == hook) {
      x->slice->step = 0;
      lua_sethook(x->L, hook, lua_gethookmask(x->L), 1);
    }
    if (isbudgeted(f) && f->slice->left <= 0 && f->L == L)
      fiber_preempt(u, L, f);
  }
  slice_counts(u);
}


/* A count event on the thread of f. Whatever yields here may come back under
   another slice or none. */
static void look (struct universe *u, lua_State *L, struct fiber *f,
                  lua_Debug *ar) {
  struct slice *s = f->slice;
  struct fiber *x;
  if (s->phase != NULL && (s->phase->left -= s->step) <= 0) {
    s->phase->left = s->count;
    deliver(L, f, ar);
    if (lua_status(L) == LUA_YIELD)  /* the user's hook yielded, in C */
      return;
  }
  x = spent(f);
  if (x != NULL)
    preempt(u, L, f, x);
  if (f->slice != NULL)
    arm(f, 0);
}


/* A stock coroutine on the stack of f got the hook with its creation: it is
   charged, and the user's count hook is not its own. */
static void counted (struct universe *u, lua_State *L, struct fiber *f,
                     lua_Debug *ar) {
  if (f->slice->L == L) {
    charge(f, f->slice->step);
    f->looks = 1;
    look(u, L, f, ar);
    f->looks = 0;
  }
  else {
    struct fiber *x;
    charge(f, lua_gethookcount(L));
    x = spent(f);
    if (x != NULL)
      preempt(u, L, f, x);
  }
}


/* Outside every slice it was inherited, and removes itself. */
static void hook (lua_State *L, lua_Debug *ar) {
  struct universe *u = universeof(L);
  struct fiber *f = standson(u);
  if (f == NULL || f->slice == NULL)
    lua_sethook(L, NULL, 0, 0);
  else if (ar->event == LUA_HOOKCOUNT)
    counted(u, L, f, ar);
  else
    deliver(L, f, ar);
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


/* A fiber that resumes another for the first time in its slice is charged the
   step that it is in, and goes on in shorter ones. */
static void startnesting (struct fiber *f) {
  if (f != NULL && isbudgeted(f) && !f->nests) {
    f->nests = 1;
    charge(f, f->slice->step);
    if (lua_gethook(f->slice->L) == hook)
      arm(f, 1);
  }
}


/*
** f runs under s from now on. What a step that is broken off may come to is
** charged beforehand: to those around f, and to f if it breaks steps off by
** resuming others.
*/
static void enter (struct fiber *f, struct slice *s, struct phase *phase) {
  s->L = f->L;
  f->slice = s;
  takehook(s, s->L, phase, lua_gethookcount(s->L) - 1);
  arm(f, !f->looks);
  charge(f->nests ? f : f->resumer, s->hook != NULL ? 1 : s->step);
}


struct phase *slice_ready (struct universe *u, lua_State *L,
                           const struct fiber *f, lua_State *co) {
  if (LIKELY(f->slice == NULL))
    return NULL;
  disinherit(u, co);
  return hascount(co) ? makephase(L, co) : NULL;
}


void slice_pass (struct fiber *f, struct fiber *g, struct phase *phase) {
  struct slice *s = f->slice;
  if (LIKELY(s == NULL))
    return;
  disarm(f);
  g->nests = 1;  /* it may leave in the middle of a step, as f did */
  enter(g, s, phase);
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
   may have changed that. */
static void enterinner (struct fiber *f, struct slice *room, int n) {
  struct fiber *x = n > 0 ? f->inner : NULL;
  for (; x != NULL && x != f && n > 0 && room->L == x->L; x = x->resumer) {
    if (x->slice == NULL) {
      room->given = 1;
      enter(x, room, room->phase);
    }
    room++;
    n--;
  }
}


static void leave (struct fiber *f) {
  if (f->slice != NULL && f->slice->given)
    disarm(f);
}


void slice_left (struct fiber *f) {
  struct fiber *x;
  for (x = f->inner; x != NULL && x != f; x = x->resumer)
    leave(x);
  leave(f);
}


int slice_resume (struct universe *u, lua_State *L, lua_State **co, int narg,
                  struct slice *s, int *nres) {
  struct slice counting = {NULL, 0, 0, 0, 0, 0, NULL, 0, 0, NULL};
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
  startnesting(u->running);
  enter(f, s, phase);
  enterinner(f, room, n);
  u->quick_depth = 0;
  f->nvalues = narg;
  f = fiber_run(u, f, L);
  DEBUG_ASSERT(f->slice == s && "a slice goes with its place");
  disarm(f);
  slice_left(f);
  slice_counts(u);
  if (room != NULL)
    lua_remove(L, base + 1);
  return fiber_returned(u, f, co, nres);
}

/* }====================================================== */
