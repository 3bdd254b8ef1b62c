/*
** lifecycle.c
** Who owns whom: anchors, finalizers, the end of a universe
*/

#include "lifecycle.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "finalizer.h"
#include "measure.h"
#include "overflow.h"
#include "unwinding.h"

/* Keys in the registry, by their addresses. */
static const char universekey = 0;
static const char threadskey = 0;
static const char anchormetakey = 0;
static const char watchmetakey = 0;
static const char messageskey = 0;


/* Replaces the 'nup' values on top by a metatable whose '__gc' is a closure of
   them. */
static void pushmetatable (lua_State *L, lua_CFunction gc, int nup) {
  lua_pushcclosure(L, gc, nup);
  lua_createtable(L, 0, 1);
  lua_insert(L, -2);
  lua_setfield(L, -2, "__gc");
}


/*
** {======================================================
** Threads
** =======================================================
*/

void registry_pushweak (lua_State *L, const char *key) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE)
    return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 0);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE) {
    lua_remove(L, -2);  /* a finalizer was faster */
    return;
  }
  lua_pop(L, 1);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}


void threads_push (lua_State *L) {
  registry_pushweak(L, &threadskey);
}


/* Pushes the table of threads, then the thread 'co'. */
static void pushentry (lua_State *L, lua_State *co) {
  threads_push(L);
  lua_pushthread(co);
  lua_xmove(co, L, 1);
}


/* Sets the entry of 'co' to 'false', or to nil so that a resurrected thread
   gets an anchor with a finalizer when it needs one. */
static void setentry (lua_State *L, lua_State *co, int buried) {
  luaL_checkstack(L, 4, NULL);
  pushentry(L, co);
  if (buried)
    lua_pushboolean(L, 0);
  else
    lua_pushnil(L);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}


void thread_bury (lua_State *L, lua_State *co) {
  setentry(L, co, 1);
}


int thread_isburied (lua_State *L, lua_State *co) {
  int buried;
  luaL_checkstack(L, 4, NULL);
  pushentry(L, co);
  buried = lua_rawget(L, -2) == LUA_TBOOLEAN;
  lua_pop(L, 2);
  return buried;
}

int thread_isanchored (lua_State *co) {
  int anchored;
  if (lua_rawgetp(co, LUA_REGISTRYINDEX, &threadskey) != LUA_TTABLE) {
    lua_pop(co, 1);
    return 0;
  }
  lua_pushthread(co);
  anchored = lua_rawget(co, -2) == LUA_TUSERDATA;
  lua_pop(co, 2);
  return anchored;
}

/* }====================================================== */


/*
** {======================================================
** Anchors
** =======================================================
*/

/* Was the thread found unreachable before, and its fiber, if suspended, not
   resumed since? */
static int isdoomed (const struct anchor *a, const struct fiber *f) {
  return a->condemned && (f == NULL || f->from == NULL);
}


/* The anchor at 1 is to be finalized once more. */
static void condemn (struct universe *u, lua_State *L, struct anchor *a,
                     struct fiber *f) {
  u->condemned += !a->condemned;
  a->condemned = 1;
  if (f != NULL)
    f->from = NULL;  /* until a finalizer resumes it */
  lua_getmetatable(L, 1);
  lua_setmetatable(L, 1);
}


static void pardon (struct universe *u, struct anchor *a) {
  u->condemned -= (size_t)a->condemned;
  a->condemned = 0;
}


/*
** '__gc' of an anchor; first upvalue: the universe. A fiber that seems to run
** was jumped out of, or stands below a 'lua_close': it keeps its stack for
** those who look after that. C++ destructors do not wait for the next cycle,
** because other finalizers of this one may free what they use.
*/
static int anchorgc (lua_State *L) {
  struct universe *u =
    (struct universe *)lua_touserdata(L, lua_upvalueindex(1));
  struct anchor *a = (struct anchor *)lua_touserdata(L, 1);
  lua_State *co;
  struct fiber *f, *suspended;
  int left;
  if (!finalizer_runs(u, L))
    return 0;  /* called by hand */
  lua_getiuservalue(L, 1, 1);
  co = lua_tothread(L, -1);
  suspended = fiber_suspended(u, co);
  f = (struct fiber *)map_find(&u->map, co);
  left = suspended != NULL && unwind_isneeded(u, f)
      && unwind_finds(u, L, f);
  if (left)
    unwind_fiber(u, L, f, NULL);
  if (!left && !isdoomed(a, suspended)
      && (suspended != NULL || map_find(&u->wishes, co) != NULL))
    condemn(u, L, a, suspended);
  else {
    pardon(u, a);
    if (suspended != NULL)
      fiber_abandon(u, f);
    else if (f != NULL)
      fiber_unanchor(u, f);
    fiber_unwish(u, co);
    map_shrink(&u->map);
    map_shrink(&u->wishes);
    if (f != NULL || !thread_isburied(L, co))
      setentry(L, co, suspended != NULL);
  }
  return 0;
}


/* Pushes the metatable at 'key', made if need be. */
static void pushgcmeta (lua_State *L, const char *key, lua_CFunction gc) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE)
    return;
  lua_pop(L, 1);
  universe_push(L);
  pushmetatable(L, gc, 1);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}


/*
** Objects with the metatable at 'key' are not finalized any more. Before Lua
** 5.4.4 those that asked for it once more while the state is closed may be, in
** a collection that a later finalizer asks for: when the module is unloaded.
*/
static void silence (lua_State *L, const char *key) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE) {
    lua_pushnil(L);
    lua_setfield(L, -2, "__gc");
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, key);
  }
  lua_pop(L, 1);
}


/* Pushes what the table at 'threads' has for the thread above it; is that an
   anchor? */
static int findanchor (lua_State *L, int threads) {
  lua_pushvalue(L, threads + 1);
  return lua_rawget(L, threads) == LUA_TUSERDATA;
}


/*
** Pushes the anchor of the thread above the table at 'threads', made if need
** be. It gets its finalizer last, when nothing can fail: an anchor that is not
** in the table must not have one.
*/
static void findormake (lua_State *L, int threads) {
  struct anchor *a;
  if (findanchor(L, threads))
    return;
  pushgcmeta(L, &anchormetakey, anchorgc);
  a = (struct anchor *)lua_newuserdatauv(L, sizeof(struct anchor), 1);
  a->condemned = 0;
  lua_pushvalue(L, threads + 1);
  lua_setiuservalue(L, -2, 1);
  if (findanchor(L, threads))
    return;  /* a finalizer was faster */
  lua_pop(L, 1);
  lua_pushvalue(L, threads + 1);
  lua_pushvalue(L, -2);
  lua_rawset(L, threads);
  lua_pushvalue(L, -2);
  lua_setmetatable(L, -2);
}


/* Pushes the anchor of 'co'. */
static void pushanchor (struct universe *u, lua_State *L, lua_State *co) {
  int threads = lua_gettop(L) + 1;
  pushentry(L, co);
  findormake(L, threads);
  pardon(u, (struct anchor *)lua_touserdata(L, -1));
  lua_replace(L, threads);
  lua_settop(L, threads);
}


/* Makes sure of an anchor for 'co' and, in that order because finalizers may
   run, of room for one more key. */
static void anchor (struct universe *u, lua_State *L, lua_State *co,
                    struct map *m) {
  luaL_checkstack(L, 8, NULL);
  pushanchor(u, L, co);
  lua_pop(L, 1);  /* 'co' keeps it alive */
  if (map_reserve(m) != 0)
    luaL_error(L, "not enough memory");
}


/* '__gc' of an object that nothing refers to: a cycle of the collector has
   ended. */
static int watchgc (lua_State *L) {
  struct universe *u =
    (struct universe *)lua_touserdata(L, lua_upvalueindex(1));
  if (finalizer_runs(u, L)) {
    u->outlived = u->map.count > u->condemned ? u->map.count - u->condemned
                                              : 0;
    u->watched = u->map.count > 0;
    if (u->watched) {  /* the next cycle too */
      lua_getmetatable(L, 1);
      lua_setmetatable(L, 1);
    }
  }
  return 0;
}


/* Only while there are threads with anchors: Lua has no finalizer to call in
   a program without. */
static void watch (struct universe *u, lua_State *L) {
  if (u->watched)
    return;
  lua_newuserdatauv(L, 0, 0);
  pushgcmeta(L, &watchmetakey, watchgc);
  if (u->watched)  /* a finalizer was faster */
    lua_pop(L, 1);
  else {
    u->watched = 1;
    lua_setmetatable(L, -2);
  }
  lua_pop(L, 1);
}


/* What Lua has allocated since the last time, in KB. */
static int allocated (struct universe *u, lua_State *L) {
  int before = u->heap;
  u->heap = lua_gc(L, LUA_GCCOUNT, 0);
  return u->heap > before ? u->heap - before : 0;
}


/* Stacks are invisible to the collector. As it waits until Lua's memory is
   twice what it was, it may wait until stacks are twice as many; from then on
   it runs as if Lua had allocated what they take. Garbage that waits for a
   second cycle looks like memory in use, and with much of it there would be
   more after each: then what Lua allocates counts twice. */
static void tellcollector (struct universe *u, lua_State *L) {
  int much = u->condemned > u->map.count / 4;
  int kb = PRESSURE_BATCH * PRESSURE_KB;
  if ((!much && u->map.count < 2 * u->outlived + PRESSURE_BATCH)
      || ++u->pressure < PRESSURE_BATCH)
    return;
  u->pressure = 0;
  if (lua_gc(L, LUA_GCISRUNNING, 0) <= 0)  /* stopped or finalizing */
    return;
  if (much)
    kb += allocated(u, L);
  compat_gcstep(L, kb);
}


/* Marks the fibers whose threads are there. */
static void see (struct universe *u, lua_State *L) {
  u->looks++;
  threads_push(L);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    struct fiber *f =
      (struct fiber *)map_find(&u->map, lua_tothread(L, -2));
    if (f != NULL)
      f->seen = u->looks;
  }
  lua_pop(L, 1);
}


void threads_reconcile (struct universe *u, lua_State *L) {
  size_t i;
  if (u->map.count == 0)
    return;
  luaL_checkstack(L, 4, NULL);
  see(u, L);
  for (i = 0; i < u->map.capacity; i++) {
    struct fiber *f;
    while ((f = (struct fiber *)u->map.slots[i].value) != NULL
           && f->state == FIBER_SUSPENDED && f->seen != u->looks)
      fiber_disown(u, f);  /* which may fill the slot again */
  }
  u->expected = 2 * u->map.count + LOST_BATCH;
}


void anchor_make (struct universe *u, lua_State *L, lua_State *co) {
  luaL_checkstack(L, 8, NULL);
  if (!LIKELY(u->map.count < u->expected))
    threads_reconcile(u, L);
  tellcollector(u, L);
  watch(u, L);
  anchor(u, L, co, &u->map);
}


void thread_wish (struct universe *u, lua_State *L, lua_State *co,
                  size_t size) {
  struct pool *p;
  anchor(u, L, co, &u->wishes);
  p = pools_join(&u->pools, size);
  if (p == NULL)
    luaL_error(L, "not enough memory");
  map_insert(&u->wishes, co, p);
  fiber_setquick(u);
}

/* }====================================================== */


/*
** {======================================================
** The universe
** =======================================================
*/

/* Stands in 'universe_single' until the first universe comes. */
static struct universe none;

struct universe *universe_single = &none;


/*
** Universes by the addresses of their registries. Each takes one of a few
** places that follow its home, if one is free. Only calls of its own Lua state
** find it there, so what others write at the same time does not matter. A state
** that lost its universe (from the registry, by the debug library) and has made
** another goes on with the first as long as it is there.
*/
#define PLACES 256  /* the hash has 8 bits */
#define PLACES_TRIED 8

static struct place {
  const void *registry;  /* NULL: free */
  struct universe *universe;
} places[PLACES];


INLINE struct place *placeof (const void *registry, uint32_t i) {
  uint32_t home = (uint32_t)((uintptr_t)registry >> 4) * 0x9E3779B1u >> 24;
  return &places[(home + i) & (PLACES - 1)];
}


INLINE int isplaceof (const struct place *p, const void *registry) {
  return __atomic_load_n(&p->registry, __ATOMIC_RELAXED) == registry;
}


static void enter (struct universe *u) {
  uint32_t i;
  for (i = 0; i < PLACES_TRIED; i++) {
    struct place *p = placeof(u->registry, i);
    const void *before = NULL;
    if (__atomic_compare_exchange_n(&p->registry, &before, u->registry, 0,
                                    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
      p->universe = u;
      return;
    }
  }
}


static void leave (struct universe *u) {
  uint32_t i;
  for (i = 0; i < PLACES_TRIED; i++) {
    struct place *p = placeof(u->registry, i);
    if (isplaceof(p, u->registry) && p->universe == u)
      __atomic_store_n(&p->registry, NULL, __ATOMIC_RELEASE);
  }
}


/* The universe of L if it has a place, or NULL. */
static struct universe *known (lua_State *L) {
  const void *registry = lua_topointer(L, LUA_REGISTRYINDEX);
  uint32_t i;
  for (i = 0; i < PLACES_TRIED; i++) {
    struct place *p = placeof(registry, i);
    if (isplaceof(p, registry))
      return p->universe;
  }
  return NULL;
}


struct universe *universe_find (lua_State *L) {
  struct universe *u = known(L);
  if (u == NULL) {
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    u = universe_push(L);
    lua_pop(L, 1);
  }
  return u;
}


/* One universe in the life of the process can be the single one, until it
   ends or a second is made. Before the functions of any other can run, the
   answer is NULL. */
static void claimsingle (struct universe *u) {
  struct universe *before = &none;
  if (u->closed  /* nobody would end the claim */
      || !__atomic_compare_exchange_n(&universe_single, &before, u, 0,
                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED))
    __atomic_store_n(&universe_single, NULL, __ATOMIC_RELAXED);
}


/* Joins the usual pool; is it there? */
static int joinusual (struct universe *u) {
  u->pools.usual = pools_join(&u->pools, u->stack_size);
  return u->pools.usual != NULL;
}


int universe_reopen (struct universe *u, lua_State *L) {
  struct universe *present;
  if (finalizer_runs(u, L) || !joinusual(u))
    return 0;
  present = universe_push(L);
  lua_getmetatable(L, -1);
  lua_setmetatable(L, -2);  /* now it gets its finalizer for sure */
  lua_pop(L, 1);
  u->closed = 0;
  fiber_setquick(u);
  if (present == u) {
    enter(u);
    overflow_open(u);
  }
  return 1;
}


/* '__gc' of the universe: 'lua_close' is under way. */
static int universegc (lua_State *L) {
  struct universe *u = (struct universe *)lua_touserdata(L, 1);
  if (finalizer_runs(u, L)) {
    fiber_endall(u, L);
    silence(L, &anchormetakey);
    silence(L, &watchmetakey);
    if (universe_only() == u)
      __atomic_store_n(&universe_single, NULL, __ATOMIC_RELAXED);
    leave(u);
  }
  return 0;
}


/* The way that the environment names, for systems where the advice is known
   and not good, and to test the other. */
static enum pages_guard defaultguard (lua_State *L) {
  const char *way = getenv("CFIBER_GUARD");
  if (way == NULL || strcmp(way, "advice") == 0)
    return GUARD_ADVICE;
  if (strcmp(way, "mprotect") != 0)
    luaL_error(L, "environment variable CFIBER_GUARD is '%s' ('advice' or "
                  "'mprotect' expected)", way);
  return GUARD_MPROTECT;
}


static void setdefaults (struct universe *u, lua_State *L) {
  memset(u, 0, sizeof(struct universe));
  u->registry = lua_topointer(L, LUA_REGISTRYINDEX);
  u->max_depth = u->quick_depth = MAX_DEPTH;
  u->expected = LOST_BATCH;
  u->native_limit = NATIVE_LIMIT;
  u->stack_size = pages_round(measure_stack(L));
  measure_marks(L, &u->marks);
  u->count_at = measure_count(L);
  u->nesting_at = measure_nesting(L, u->count_at);
  u->stop = measure_stop(L);
  u->guard = u->pools.guard = defaultguard(L);
  u->pools.limit = POOL_LIMIT;
  map_init(&u->map);
  map_init(&u->wishes);
  map_init(&u->lost);
}


/*
** Lua makes these messages on the thread that is resumed ('resume_error' in
** ldo.c). Where memory is short for one the error goes to where that thread was
** protected: on a stack that does not run, if it is suspended natively. What
** is there already takes no memory.
*/
static void keepmessages (lua_State *L) {
  static const char *const messages[] = {
    "cannot resume non-suspended coroutine", "cannot resume dead coroutine",
    "C stack overflow", "error in error handling"};
  const int n = (int)(sizeof(messages) / sizeof(messages[0]));
  int i;
  lua_createtable(L, n, 0);
  for (i = 0; i < n; i++) {
    lua_pushstring(L, messages[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_rawsetp(L, LUA_REGISTRYINDEX, &messageskey);
}


static struct universe *findpresent (lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &universekey);
  return (struct universe *)lua_touserdata(L, -1);
}


/* A new universe and its metatable are on top of the stack. Nothing but the
   last step may fail, and then its finalizer ends it. */
static void begin (struct universe *u, lua_State *L) {
  u->closed = finalizer_runs(u, L);
  if (!u->closed && !joinusual(u))
    luaL_error(L, "not enough memory");
  fiber_setquick(u);
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &universekey);
  claimsingle(u);
  unwind_look(u);
  if (!u->closed) {
    enter(u);
    overflow_open(u);
  }
}


struct universe *universe_push (lua_State *L) {
  struct universe *u = findpresent(L), *other;
  if (u != NULL)
    return u;
  lua_pop(L, 1);
  u = (struct universe *)lua_newuserdatauv(L, sizeof(struct universe), 0);
  setdefaults(u, L);
  keepmessages(L);
  pushmetatable(L, universegc, 0);
  other = findpresent(L);
  if (other != NULL) {  /* a finalizer or a hook was faster */
    lua_replace(L, -3);
    lua_pop(L, 1);
    return other;
  }
  lua_pop(L, 1);
  begin(u, L);
  return u;
}

/* }====================================================== */
