/*
** threads.c
** A host with several OS threads that hand Lua states to each other, while
** fibers are suspended in them
**
** Each thread takes the state that waited longest of those that another thread
** had last, does a step in it and puts it back; a lock around the queue is all
** there is between them. A state is made by whichever thread it comes to, and
** closed by another. Prints what came of each and how many objects were made and
** destroyed, which does not depend on the threads, and on stderr how often a
** state changed its thread, and how many were closed by another than their maker.
**
** A script can also do what a host must not: call a function in another OS
** thread while its own is in the same state.
**
** usage: threads SCRIPT [threads [states [steps]]]
*/

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <cfiber.h>

#define THREADS_MAX 64

struct state {
  lua_State *L;  /* NULL before the first step and after the last */
  int number;
  int left;  /* steps to do */
  int maker, thread;  /* numbers of threads: who made it, who had it last */
  lua_Integer result;
  long objects[2];  /* of C++ on its stacks: made, destroyed (objects.cpp) */
  struct state *next;  /* in the queue */
};

struct host {
  pthread_mutex_t lock;  /* of all below */
  pthread_cond_t changed;  /* the queue, or 'unfinished' */
  struct state *first, **last;  /* the queue */
  int unfinished;  /* states, in the queue and with threads */
  int threads;
  int moves, elsewhere;  /* for stderr */
  int steps;  /* of each state */
  const char *script;
};

struct worker {
  struct host *host;
  int number;
  pthread_t thread;
};


/*
** {======================================================
** The queue
** =======================================================
*/

static void put (struct host *h, struct state *s) {
  pthread_mutex_lock(&h->lock);
  s->next = NULL;
  *h->last = s;
  h->last = &s->next;
  pthread_cond_broadcast(&h->changed);
  pthread_mutex_unlock(&h->lock);
}


static void finished (struct host *h) {
  pthread_mutex_lock(&h->lock);
  h->unfinished--;
  pthread_cond_broadcast(&h->changed);
  pthread_mutex_unlock(&h->lock);
}


/* Is it another thread's turn, where there is one? Its maker does not close a
   state, and none takes two steps in a row. */
static int isothers (const struct host *h, const struct state *s, int thread) {
  return h->threads > 1 && s->L != NULL
         && thread == (s->left == 0 ? s->maker : s->thread);
}


/* The state that waited longest for this thread, removed; or NULL */
static struct state *find (struct host *h, int thread) {
  struct state **at = &h->first, *s;
  while (*at != NULL && isothers(h, *at, thread))
    at = &(*at)->next;
  s = *at;
  if (s != NULL) {
    *at = s->next;
    if (h->last == &s->next)
      h->last = at;
  }
  return s;
}


/* Waits for a state; NULL when all are finished. */
static struct state *take (struct host *h, int thread) {
  struct state *s;
  pthread_mutex_lock(&h->lock);
  while ((s = find(h, thread)) == NULL && h->unfinished > 0)
    pthread_cond_wait(&h->changed, &h->lock);
  if (s != NULL) {
    h->moves += s->L != NULL && s->thread != thread;
    if (s->L == NULL)
      s->maker = thread;
    s->thread = thread;
    h->elsewhere += s->left == 0 && s->maker != thread;
  }
  pthread_mutex_unlock(&h->lock);
  return s;
}

/* }====================================================== */


/*
** {======================================================
** One state
** =======================================================
*/

/* each(n): yields squares; returns the sum of what came back, by numbers on
   the C stack */
static int each (lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1), sum = n, i;
  for (i = 0; i < 10; i++) {
    lua_pushinteger(L, i * i);
    lua_pop(L, cfiber_yield(L, 1) - 1);
    sum += lua_tointeger(L, -1);
    lua_pop(L, 1);
  }
  lua_pushinteger(L, sum);
  return 1;
}


/* resume(co): by cfiber.h; returns the status */
static int resume (lua_State *L) {
  int n;
  lua_pushinteger(L, cfiber_resume(L, lua_tothread(L, 1), 0, &n));
  return 1;
}


static void *callthere (void *L) {
  lua_call((lua_State *)L, lua_gettop((lua_State *)L) - 1, 0);
  return NULL;
}


/* elsewhere(f, ...): another OS thread calls f, this one waits for it */
static int elsewhere (lua_State *L) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, callthere, L) != 0)
    return luaL_error(L, "no more threads");
  pthread_join(thread, NULL);
  return 0;
}


static const luaL_Reg functions[] = {
  {"each", each},
  {"elsewhere", elsewhere},
  {"resume", resume},
  {NULL, NULL}
};


static int openhost (lua_State *L) {
  cfiber_import(L);
  luaL_newlib(L, functions);
  return 1;
}


static void check (lua_State *L, int status) {
  if (status != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    exit(EXIT_FAILURE);
  }
}


/* Leaves the two functions of the script on the stack. */
static lua_State *start (const char *script, struct state *s) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "cfiber", luaopen_cfiber, 0);
  luaL_requiref(L, "host", openhost, 0);
  lua_settop(L, 0);
  check(L, luaL_loadfile(L, script));
  lua_pushinteger(L, s->number);
  lua_pushlightuserdata(L, s->objects);
  check(L, lua_pcall(L, 2, 2, 0));
  return L;
}


static void step (lua_State *L) {
  lua_pushvalue(L, 1);
  check(L, lua_pcall(L, 0, 0, 0));
}


static lua_Integer finish (lua_State *L) {
  lua_Integer result;
  lua_pushvalue(L, 2);
  check(L, lua_pcall(L, 0, 1, 0));
  result = lua_tointeger(L, -1);
  lua_close(L);
  return result;
}

/* }====================================================== */


/*
** Makes a state, takes a step in it or, when no more are to be taken, ends it;
** is there more to do?
*/
static int advance (struct host *h, struct state *s) {
  if (s->L == NULL)
    s->L = start(h->script, s);
  else if (s->left > 0) {
    s->left--;
    step(s->L);
  }
  else {
    s->result = finish(s->L);
    s->L = NULL;
    return 0;
  }
  return 1;
}


static void *work (void *argument) {
  struct worker *w = (struct worker *)argument;
  struct state *s;
  while ((s = take(w->host, w->number)) != NULL) {
    if (advance(w->host, s))
      put(w->host, s);
    else
      finished(w->host);
  }
  return NULL;
}


static void run (struct host *h) {
  static struct worker workers[THREADS_MAX];
  int i;
  for (i = 0; i < h->threads; i++) {
    workers[i].host = h;
    workers[i].number = i;
    if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
      abort();
  }
  for (i = 0; i < h->threads; i++)
    pthread_join(workers[i].thread, NULL);
}


static struct state *fill (struct host *h, int states) {
  struct state *all = (struct state *)calloc((size_t)states, sizeof(*all));
  int i;
  if (all == NULL)
    abort();
  h->unfinished = states;
  for (i = 0; i < states; i++) {
    all[i].number = i;
    all[i].left = h->steps;
    put(h, &all[i]);
  }
  return all;
}


static int number (int argc, char **argv, int i, int most, int otherwise) {
  int n = i < argc ? atoi(argv[i]) : otherwise;
  return n < 1 ? 1 : n > most ? most : n;
}


int main (int argc, char **argv) {
  int states = number(argc, argv, 3, 10000, 64), i;
  static struct host h = {.lock = PTHREAD_MUTEX_INITIALIZER,
                          .changed = PTHREAD_COND_INITIALIZER};
  struct state *all;
  h.script = argc > 1 ? argv[1] : "threads.lua";
  h.threads = number(argc, argv, 2, THREADS_MAX, 4);
  h.steps = number(argc, argv, 4, 1000000, 40);
  h.last = &h.first;
  all = fill(&h, states);
  run(&h);
  for (i = 0; i < states; i++)
    printf("%d %ld %ld %ld\n", i, (long)all[i].result, all[i].objects[0],
           all[i].objects[1]);
  fprintf(stderr, "%d moves, %d closed elsewhere\n", h.moves, h.elsewhere);
  free(all);
  return EXIT_SUCCESS;
}
