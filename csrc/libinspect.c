/*
** libinspect.c
** What fibers there are, and where they stand
*/

#include "lib.h"

#include <string.h>

#include "chain.h"

/* Threads of a traceback that are shown when there are more, as many as Lua
   shows of the levels of one: the first and the last. */
#define THREADS_FIRST 10
#define THREADS_LAST 11


/*
** {======================================================
** Who resumed whom
** =======================================================
*/

/* One that runs or resumes another, or does so inside a suspended fiber. */
struct place {
  lua_State *L;
  struct fiber *f;  /* the fiber on whose stack it runs, or NULL */
  struct fiber *last;  /* the suspended fiber, the outermost place; or NULL:
                          that is the main thread */
};


/* The one that resumed the stock coroutine 'co' below 'outer' on one stack;
   where that does not show, 'outer'. */
static lua_State *stockresumer (lua_State *L, lua_State *outer,
                                lua_State *co) {
  int n = chain_push(L, outer, co);
  if (n > 0) {
    outer = lua_tothread(L, -n);
    lua_pop(L, n);
  }
  return outer;
}


/* Goes on to the resumer; 0 after the last. L is the running one. */
static int nextplace (lua_State *L, struct place *p, lua_State *main) {
  lua_State *outer = p->f != NULL ? p->f->L : main;
  if (p->L != outer)
    p->L = stockresumer(L, outer, p->L);
  else if (p->f == p->last)
    return 0;
  else {
    p->L = p->f->from;
    p->f = p->f->resumer;
  }
  return 1;
}


/* Goes from L, which runs, to 'co'; 0 if that is not on the way. */
static int findplace (struct universe *u, lua_State *L, lua_State *co,
                      lua_State *main, struct place *p) {
  fiber_status(u, L, co);  /* what was jumped out of does not run */
  p->L = L;
  p->f = u->running;
  p->last = NULL;
  while (p->L != co) {
    if (!nextplace(L, p, main))
      return 0;
  }
  return 1;
}


/* Goes to the innermost one inside 'co'; 0 if it is not suspended with others
   inside. */
static int findinside (struct universe *u, lua_State *co, struct place *p) {
  struct fiber *f = fiber_suspended(u, co);
  if (f == NULL || f->inner == NULL)
    return 0;
  p->L = f->at;
  p->f = f->inner;
  p->last = f;
  return p->L != co;
}

/* }====================================================== */


/*
** {======================================================
** info and list
** =======================================================
*/

static void pushthread (lua_State *L, lua_State *co) {
  if (!lua_checkstack(co, 1))
    luaL_error(L, "stack overflow");
  lua_pushthread(co);
  lua_xmove(co, L, 1);
}


/* What 'info' tells of a stack: bytes. */
struct mounting {
  size_t size, used;
};


/* Pushes the resumer of f, or nil. Runs nothing. */
static void look (lua_State *L, const struct fiber *f, struct mounting *m) {
  m->size = f->size;
  m->used = stack_used(f->stack);
  if (f->state == FIBER_RUNNING)
    pushthread(L, f->from);
  else
    lua_pushnil(L);
}


/*
** info(co): a table with 'status' as in 'status(co)' and 'mounted', whether it
** has a stack. If so also 'stack_size' and 'stack_used', in bytes: the most
** that was in use since the system gave its pages, by former fibers too; and in
** a fiber that runs or resumes another 'resumer', the thread it came from.
*/
static int lib_info (lua_State *L) {
  lua_State *co = lib_checkthread(L);
  struct universe *u = lib_universe(L);
  const char *status = fiber_statusname(fiber_status(u, L, co));
  struct fiber *f = fiber_find(u, co);
  struct mounting m = {0, 0};
  lua_settop(L, 1);
  if (f != NULL)
    look(L, f, &m);
  lua_createtable(L, 0, 5);  /* finalizers may end the fiber */
  lua_pushstring(L, status);
  lua_setfield(L, -2, "status");
  lua_pushboolean(L, f != NULL);
  lua_setfield(L, -2, "mounted");
  if (f != NULL) {
    lua_pushinteger(L, (lua_Integer)m.size);
    lua_setfield(L, -2, "stack_size");
    lua_pushinteger(L, (lua_Integer)m.used);
    lua_setfield(L, -2, "stack_used");
    lua_pushvalue(L, 2);
    lua_setfield(L, -2, "resumer");
  }
  return 1;
}


/* Adds what is on top of L to the list at 'index'. */
static void append (lua_State *L, int index) {
  lua_rawseti(L, index, (lua_Integer)lua_rawlen(L, index) + 1);
}


/* Is f on the list of the running ones? */
static int isrunning (struct universe *u, const struct fiber *f) {
  const struct fiber *r = u->running;
  while (r != NULL && r != f)
    r = r->resumer;
  return r != NULL;
}


/*
** list(): an array of all threads that are mounted: first those that run or
** resume another, the innermost first, then the suspended ones in no order.
** Those are looked up in the table of threads with anchors, which loses a
** thread that is collected in whatever way, as the map may not.
*/
static int lib_list (lua_State *L) {
  struct universe *u = lib_universe(L);
  struct fiber *f;
  fiber_status(u, L, L);  /* what was jumped out of is no longer mounted */
  threads_reconcile(u, L);
  lua_settop(L, 0);
  lua_createtable(L, (int)(u->map.count + 1), 0);
  threads_push(L);
  for (f = u->running; f != NULL; f = f->resumer) {
    pushthread(L, f->L);
    append(L, 1);
  }
  for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
    f = (struct fiber *)map_find(&u->map, lua_tothread(L, -2));
    if (f != NULL && !(f->state == FIBER_RUNNING && isrunning(u, f))) {
      lua_pushvalue(L, -2);
      append(L, 1);
    }
  }
  lua_settop(L, 1);
  return 1;
}

/* }====================================================== */


/*
** {======================================================
** traceback
** =======================================================
*/

/* Appends to the traceback on top of L that of a resumer. */
static void addresumer (lua_State *L, lua_State *co, lua_State *main) {
  static const char header[] = "stack traceback:";
  if (co == main)
    lua_pushliteral(L, "\n\t(...resumed by the main thread)");
  else
    lua_pushfstring(L, "\n\t(...resumed by thread: %p)", (void *)co);
  lua_concat(L, 2);
  luaL_traceback(L, co, NULL, 0);
  lua_pushstring(L, lua_tostring(L, -1) + (sizeof(header) - 1));
  lua_replace(L, -2);
  lua_concat(L, 2);
}


/* Appends the tracebacks of all resumers of p, or of the first and last. */
static void addresumers (lua_State *L, struct place *p, lua_State *main) {
  struct place q = *p;
  int i, skipped = -THREADS_FIRST - THREADS_LAST;
  while (nextplace(L, &q, main))
    skipped++;
  for (i = 0; nextplace(L, p, main); i++) {
    if (skipped <= 0 || i < THREADS_FIRST || i >= THREADS_FIRST + skipped)
      addresumer(L, p->L, main);
    else if (i == THREADS_FIRST) {
      lua_pushfstring(L, "\n\t...\t(skipping %d threads)", skipped);
      lua_concat(L, 2);
    }
  }
}


/*
** traceback([co [, message [, level]]]): the result of 'debug.traceback'
** (manual 6.10) for the thread; if it runs or resumes another, those of the
** threads that resumed it follow, out to the main thread, with a line between
** two of them. If it was suspended with others inside, the innermost comes
** first, where it will go on, and those that resumed it follow, out to the
** thread. A message that is neither a string nor nil is returned as it is.
*/
static int lib_traceback (lua_State *L) {
  int arg = lua_isthread(L, 1);
  lua_State *co = arg ? lua_tothread(L, 1) : L;
  const char *message = lua_tostring(L, arg + 1);
  lua_State *main = thread_main(L);
  struct universe *u = lib_universe(L);
  struct place p;
  int level, resumed;
  if (message == NULL && !lua_isnoneornil(L, arg + 1)) {
    lua_pushvalue(L, arg + 1);
    return 1;
  }
  level = (int)luaL_optinteger(L, arg + 2, co == L ? 1 : 0);
  resumed = findplace(u, L, co, main, &p) || findinside(u, co, &p);
  luaL_traceback(L, resumed ? p.L : co, message, level);
  if (resumed)
    addresumers(L, &p, main);
  return 1;
}

/* }====================================================== */


const luaL_Reg lib_inspect[] = {
  {"info", lib_info},
  {"list", lib_list},
  {"traceback", lib_traceback},
  {NULL, NULL}
};
