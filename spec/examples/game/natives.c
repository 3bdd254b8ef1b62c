/*
** natives.c
** The functions that scripts call
*/

#include "natives.h"

#include <cfiber.h>
#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "actors.h"

/* What reading takes: to notice, then for each character. */
#define READING_SECONDS 1.2
#define READING_SECONDS_EACH 0.05


/* The actor whose script calls. */
static struct actor *acting (lua_State *L) {
  struct actor *a = actors_world(L)->acting;
  if (a == NULL)
    luaL_error(L, "no actor is acting");
  return a;
}


/*
** Suspends the actor until the next frame. Usually its own fiber calls. Where
** a generator of the script does, a fiber or a stock coroutine, which is to
** know nothing of frames, the actor is suspended with it.
*/
static void nextframe (lua_State *L, const struct actor *a) {
  if (L == a->L)
    lua_pop(L, cfiber_yield(L, 0));
  else
    lua_pop(L, cfiber_suspend(L, a->L, 0));
}


/* The frame that ends so many seconds. */
static long frameafter (lua_State *L, double seconds) {
  return actors_world(L)->frame + (long)ceil(seconds * FRAMES_PER_SECOND);
}


/*
** {======================================================
** Functions that take time
** =======================================================
*/

/* The step of one frame. Is the actor there? */
static int step (struct actor *a, double x, double y) {
  double dx = x - a->x, dy = y - a->y;
  double distance = hypot(dx, dy), reach = a->speed / FRAMES_PER_SECOND;
  if (distance <= reach) {
    a->x = x;
    a->y = y;
    return 1;
  }
  a->left = dx < 0;
  a->x += dx / distance * reach;
  a->y += dy / distance * reach;
  return 0;
}


static double coordinate (lua_State *L, int arg) {
  double value = luaL_checknumber(L, arg);
  luaL_argcheck(L, value > -1e9 && value < 1e9, arg, "too far away");
  return value;
}


static int walk_to (lua_State *L) {
  struct actor *a = acting(L);
  double x = coordinate(L, 1), y = coordinate(L, 2);
  while (!step(a, x, y))
    nextframe(L, a);
  actors_log(actors_world(L), a, "reaches %.1f %.1f", x, y);
  return 0;
}


/* Where the script is being closed, which cannot be suspended, the bubble
   stays behind. */
static int say (lua_State *L) {
  struct actor *a = acting(L);
  const char *text = luaL_tolstring(L, 1, NULL);
  struct world *w = actors_world(L);
  snprintf(a->words, sizeof(a->words), "%s", text);
  a->silent = frameafter(L, READING_SECONDS
                            + READING_SECONDS_EACH * strlen(a->words));
  actors_log(w, a, "says %s", a->words);
  while (w->frame < a->silent && cfiber_isyieldable(L))
    nextframe(L, a);
  return 0;
}


static int wait (lua_State *L) {
  struct actor *a = acting(L);
  double seconds = luaL_checknumber(L, 1);
  long end;
  luaL_argcheck(L, seconds >= 0 && seconds < 1e6, 1, "too long");
  end = frameafter(L, seconds);
  while (actors_world(L)->frame < end)
    nextframe(L, a);
  return 0;
}


/* Leaves the i-th element on top if it is better than the one there. */
static void prefer (lua_State *L, lua_Integer i) {
  lua_geti(L, 1, i);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, -2);
  lua_pushvalue(L, -4);
  lua_call(L, 2, 1);
  if (lua_toboolean(L, -1))
    lua_copy(L, -2, -3);
  lua_pop(L, 2);
}


static int pick (lua_State *L) {
  struct actor *a = acting(L);
  lua_Integer i, n = luaL_len(L, 1);
  luaL_checkany(L, 2);
  lua_settop(L, 2);
  lua_geti(L, 1, 1);
  for (i = 2; i <= n; i++) {
    prefer(L, i);
    nextframe(L, a);
  }
  return 1;
}

/* }====================================================== */


/*
** {======================================================
** Functions that return at once
** =======================================================
*/

static int position (lua_State *L) {
  struct actor *a = acting(L);
  lua_pushnumber(L, a->x);
  lua_pushnumber(L, a->y);
  return 2;
}


/* Marsaglia's xorshift, 32 bits. */
static uint32_t draw (struct actor *a) {
  uint32_t x = a->chance;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return a->chance = x;
}


static int chance (lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1);
  luaL_argcheck(L, n >= 1 && n <= 65536, 1, "1 to 65536 expected");
  lua_pushinteger(L, 1 + (draw(acting(L)) >> 8) % n);
  return 1;
}


static int now (lua_State *L) {
  lua_pushnumber(L, (double)actors_world(L)->frame / FRAMES_PER_SECOND);
  return 1;
}


static int note (lua_State *L) {
  actors_log(actors_world(L), acting(L), "notes %s",
             luaL_tolstring(L, 1, NULL));
  return 0;
}


static int spawn (lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  actors_add(actors_world(L), L, 1);
  return 0;
}

/* }====================================================== */


void natives_open (lua_State *L) {
  static const luaL_Reg natives[] = {
    {"walk_to", walk_to}, {"say", say}, {"wait", wait}, {"pick", pick},
    {"position", position}, {"random", chance}, {"now", now},
    {"note", note}, {"spawn", spawn}, {NULL, NULL}
  };
  cfiber_import(L);
  lua_pushglobaltable(L);
  luaL_setfuncs(L, natives, 0);
  lua_pop(L, 1);
}
