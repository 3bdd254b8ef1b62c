/*
** actors.c
** Actors, each a fiber that runs a script
*/

#include "actors.h"

#include <cfiber.h>
#include <lauxlib.h>
#include <stdarg.h>
#include <string.h>

#include "scripts.h"

const char *const actor_looks[] = {
  "none", "person", "child", "merchant", "guard", "scholar", "duck", NULL
};


struct world *actors_world (lua_State *L) {
  return *(struct world **)lua_getextraspace(L);
}


void actors_log (struct world *w, const struct actor *a, const char *format,
                 ...) {
  va_list arguments;
  if (w->log == NULL)
    return;
  fprintf(w->log, "%ld %s ", w->frame, a != NULL ? a->name : "-");
  va_start(arguments, format);
  vfprintf(w->log, format, arguments);
  va_end(arguments);
  putc('\n', w->log);
}


/* The counts come fresh from cfiber's own function. */
long actors_stat (struct world *w, const char *name) {
  lua_State *L = w->L;
  long value;
  lua_rawgeti(L, LUA_REGISTRYINDEX, w->stats);
  lua_call(L, 0, 1);
  lua_getfield(L, -1, name);
  value = (long)lua_tointeger(L, -1);
  lua_pop(L, 2);
  return value;
}


/*
** {======================================================
** The end of a fiber
** =======================================================
*/

/* Closes the fiber of an actor, which died from the error at 2, if any. Raises
   another error: one of a '<close>' variable. */
static int closefiber (lua_State *L) {
  struct actor *a = (struct actor *)lua_touserdata(L, 1);
  int died = lua_gettop(L) == 2;
  if (cfiber_close(L, a->L) != LUA_OK) {
    lua_xmove(a->L, L, 1);
    if (!died || !lua_rawequal(L, 2, -1))
      lua_error(L);
  }
  return 0;
}


/* Calls the function below 'narg' arguments on top; the message of an error is
   left there. */
static int protect (struct world *w, struct actor *a, int narg) {
  int status;
  w->acting = a;
  status = lua_pcall(w->L, narg, LUA_MULTRET, 0);
  w->acting = NULL;
  return status;
}


/* Pushes the text of the error on top. A '__tostring' of the script is not
   called: it could fail, or never return. */
static const char *pushmessage (lua_State *L) {
  if (!lua_isstring(L, -1))
    return lua_pushfstring(L, "(error object is a %s value)",
                           luaL_typename(L, -1));
  lua_pushvalue(L, -1);
  return lua_tostring(L, -1);
}


/* Takes 'nerror' values off the top: the error that it died from, or none. */
static void endfiber (struct world *w, struct actor *a, int nerror,
                      enum actor_state state) {
  lua_State *L = w->L;
  lua_pushcfunction(L, closefiber);
  lua_pushlightuserdata(L, a);
  lua_rotate(L, -2 - nerror, 2);
  if (protect(w, a, 1 + nerror) != LUA_OK) {
    const char *message = pushmessage(L);
    actors_log(w, a, "fails in a <close> variable: %s", message);
    fprintf(stderr, "%s, closing: %s\n", a->name, message);
    w->errors++;
    lua_pop(L, 2);
  }
  luaL_unref(L, LUA_REGISTRYINDEX, a->fiber);
  a->L = NULL;
  a->state = state;
  a->preempted = 0;
}


/* The value on top, which is taken off, ended the fiber, or kept it from
   starting. */
static void fail (struct world *w, struct actor *a) {
  lua_State *L = w->L;
  const char *message = pushmessage(L);
  if (a->L != NULL)
    luaL_traceback(L, a->L, message, 0);
  else
    lua_pushstring(L, message);
  snprintf(a->error, sizeof(a->error), "%s", lua_tostring(L, -1));
  actors_log(w, a, "fails: %s", message);
  fprintf(stderr, "%s: %s\n", a->name, a->error);
  lua_pop(L, 2);
  w->errors++;
  a->silent = 0;
  if (a->L != NULL)
    endfiber(w, a, 1, ACTOR_FAILED);
  else
    lua_pop(L, 1);
  a->state = ACTOR_FAILED;
}

/* }====================================================== */


/*
** {======================================================
** Frames
** =======================================================
*/

/* A new fiber for the script, which finds the actor's table in 'self'. */
static void start (struct world *w, struct actor *a) {
  lua_State *L = w->L;
  a->error[0] = '\0';
  a->silent = 0;
  if (scripts_load(w, scripts_find(w, L, a->script), a->self) != LUA_OK) {
    fail(w, a);
    return;
  }
  a->L = lua_newthread(L);
  a->fiber = luaL_ref(L, LUA_REGISTRYINDEX);
  a->state = ACTOR_LIVES;
  lua_xmove(L, a->L, 1);
}


/* cfiber.slice came back: the results are above 'base'. */
static void came (struct world *w, struct actor *a, int base) {
  lua_State *L = w->L;
  const char *how;
  if (!lua_toboolean(L, base + 1)) {
    fail(w, a);
    return;
  }
  how = lua_tostring(L, base + 2);
  if (*how == 'b') {
    if (!a->preempted)
      actors_log(w, a, "is preempted");
    a->preemptions++;
    w->preemptions++;
  }
  else
    a->frames++;
  a->preempted = *how == 'b';
  if (*how == 'r') {
    actors_log(w, a, "ends");
    endfiber(w, a, 0, ACTOR_ENDED);
  }
}


static void run (struct world *w, struct actor *a) {
  lua_State *L = w->L;
  int base = lua_gettop(L), status;
  lua_rawgeti(L, LUA_REGISTRYINDEX, w->slice);
  lua_rawgeti(L, LUA_REGISTRYINDEX, a->fiber);
  lua_pushinteger(L, w->budget);
  status = protect(w, a, 2);
  if (status != LUA_OK)
    fail(w, a);  /* no memory for its stack */
  else
    came(w, a, base);
  lua_settop(L, base);
}


static void trace (const struct world *w, struct actor *a) {
  struct point *p = a->trail + w->frame / TRAIL_FRAMES % TRAIL_SIZE;
  p->x = (float)a->x;
  p->y = (float)a->y;
}


void actors_frame (struct world *w) {
  int i;
  for (i = 0; i < w->nactors; i++) {
    struct actor *a = w->actors + i;
    if (a->state == ACTOR_NEW)
      start(w, a);
    if (a->state == ACTOR_LIVES)
      run(w, a);
    trace(w, a);
  }
  w->frame++;
}

/* }====================================================== */


/*
** {======================================================
** Actors come, change and go
** =======================================================
*/

/* Sets 'text' to the string in a field of the table at 'index'. */
static void copyfield (lua_State *L, int index, const char *key, char *text) {
  size_t size;
  const char *value;
  lua_getfield(L, index, key);
  value = lua_tolstring(L, -1, &size);
  if (value == NULL || size == 0 || size >= NAME_SIZE)
    luaL_error(L, "field '%s' must be a string of 1 to %d characters", key,
               NAME_SIZE - 1);
  strcpy(text, value);
  lua_pop(L, 1);
}


static double numberfield (lua_State *L, int index, const char *key,
                           double otherwise) {
  double value;
  int isnumber;
  if (lua_getfield(L, index, key) == LUA_TNIL)
    value = otherwise;
  else {
    value = lua_tonumberx(L, -1, &isnumber);
    if (!isnumber || !(value > -1e9 && value < 1e9))
      luaL_error(L, "field '%s' must be a number, not too large", key);
  }
  lua_pop(L, 1);
  return value;
}


static enum actor_look lookfield (lua_State *L, int index) {
  int look;
  lua_getfield(L, index, "look");
  look = luaL_checkoption(L, -1, "none", actor_looks);
  lua_pop(L, 1);
  return (enum actor_look)look;
}


/* Each actor draws its own random numbers, so that none depends on the
   others: FNV-1a of its name. Never 0. */
static uint32_t chance (const char *name, uint32_t seed) {
  uint32_t hash = 2166136261u ^ seed;
  for (; *name != '\0'; name++)
    hash = (hash ^ (unsigned char)*name) * 16777619u;
  return hash | 1;
}


static struct actor *findactor (struct world *w, const char *name) {
  struct actor *a = w->actors;
  for (; a < w->actors + w->nactors; a++) {
    if (strcmp(a->name, name) == 0)
      return a;
  }
  return NULL;
}


static void place (const struct world *w, struct actor *a) {
  int i;
  a->chance = chance(a->name, w->seed);
  for (i = 0; i < TRAIL_SIZE; i++) {
    a->trail[i].x = (float)a->x;
    a->trail[i].y = (float)a->y;
  }
}


void actors_add (struct world *w, lua_State *L, int index) {
  static const struct actor none;
  struct actor new = none;
  copyfield(L, index, "name", new.name);
  copyfield(L, index, "script", new.script);
  new.look = lookfield(L, index);
  new.x = numberfield(L, index, "x", 0);
  new.y = numberfield(L, index, "y", 0);
  new.speed = numberfield(L, index, "speed", 50);
  new.colour = (unsigned)numberfield(L, index, "colour", 0xFFFFFF);
  if (findactor(w, new.name) != NULL)
    return;  /* the village's script started anew */
  if (w->nactors == MAX_ACTORS)
    luaL_error(L, "more than %d actors", MAX_ACTORS);
  scripts_find(w, L, new.script);
  lua_pushvalue(L, index);
  new.self = luaL_ref(L, LUA_REGISTRYINDEX);
  place(w, &new);
  w->actors[w->nactors++] = new;
  actors_log(w, &new, "comes");
}


void actors_open (struct world *w) {
  lua_State *L = w->L;
  *(struct world **)lua_getextraspace(L) = w;
  luaL_requiref(L, "cfiber", luaopen_cfiber, 0);
  cfiber_import(L);
  lua_getfield(L, -1, "slice");
  w->slice = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_getfield(L, -1, "stats");
  w->stats = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_createtable(L, 0, 2);
  lua_pushliteral(L, "village");
  lua_setfield(L, -2, "name");
  lua_pushliteral(L, "village");
  lua_setfield(L, -2, "script");
  actors_add(w, L, lua_gettop(L));
  lua_pop(L, 2);
}


static void startagain (struct world *w, const struct script *s) {
  struct actor *a = w->actors;
  actors_log(w, NULL, "reloads %s", s->name);
  w->reloads++;
  for (; a < w->actors + w->nactors; a++) {
    if (strcmp(a->script, s->name) == 0) {
      if (a->state == ACTOR_LIVES)
        endfiber(w, a, 0, ACTOR_NEW);
      a->state = ACTOR_NEW;
    }
  }
}


void actors_reload (struct world *w, int all) {
  struct script *s = w->scripts;
  for (; s < w->scripts + w->nscripts; s++) {
    int changed = scripts_changed(w, s);
    if (changed || all)
      startagain(w, s);
  }
}


/* Generators that scripts began and did not end keep their stacks until the
   collector finds them. */
static void collect (struct world *w) {
  int i;
  for (i = 0; i < 3 && actors_stat(w, "mounted") > 0; i++)
    lua_gc(w->L, LUA_GCCOLLECT);
}


int actors_close (struct world *w) {
  struct actor *a = w->actors;
  int mounted;
  for (; a < w->actors + w->nactors; a++) {
    actors_log(w, a, "is at %.1f %.1f after %ld frames and %ld preemptions",
               a->x, a->y, a->frames, a->preemptions);
    if (a->state == ACTOR_LIVES)
      endfiber(w, a, 0, ACTOR_ENDED);
  }
  collect(w);
  mounted = (int)actors_stat(w, "mounted");
  actors_log(w, NULL, "%d fibers are mounted, %d suspended", mounted,
             (int)actors_stat(w, "suspended"));
  return mounted;
}

/* }====================================================== */
