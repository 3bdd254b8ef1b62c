/*
** scene.c
** The functions by which a script draws what does not move
*/

#include "scene.h"

#include <lauxlib.h>
#include <math.h>

#include "actors.h"
#include "draw.h"

#define GRASS 0x9BC96F
#define GRASS_DARK 0x7FB15A
#define GRASS_LIGHT 0xB2DA86
#define EARTH 0xE9D8A9
#define EARTH_DARK 0xCBB27C
#define STONE 0xB9B4AC
#define WATER 0x6DB5D8
#define SHADOW FADED(0x20301A, 80)


static canvas *ground (lua_State *L) {
  return actors_world(L)->ground;
}


static unsigned colourarg (lua_State *L, int arg) {
  return (unsigned)luaL_checkinteger(L, arg) & 0xFFFFFF;
}


/*
** {======================================================
** The ground
** =======================================================
*/

/* Scattered, the same each time: a linear congruential generator. */
static int scatter (unsigned *state, int n) {
  *state = *state * 1664525u + 1013904223u;
  return (int)((*state >> 8) % (unsigned)n);
}


static void tuft (canvas *c, int x, int y, unsigned colour) {
  draw_line(c, x, y, x - 3, y - 5, 1.6, SOLID(colour));
  draw_line(c, x, y, x, y - 7, 1.6, SOLID(colour));
  draw_line(c, x, y, x + 3, y - 5, 1.6, SOLID(colour));
}


static void flower (canvas *c, int x, int y, unsigned colour) {
  draw_line(c, x, y, x, y + 4, 1.2, SOLID(GRASS_DARK));
  draw_disc(c, x - 1.6, y, 1.5, SOLID(colour));
  draw_disc(c, x + 1.6, y, 1.5, SOLID(colour));
  draw_disc(c, x, y - 1.6, 1.5, SOLID(colour));
  draw_disc(c, x, y, 1, SOLID(0xF6D860));
}


static int meadow (lua_State *L) {
  static const unsigned colours[] = {0xFFFFFF, 0xF4B6C6, 0xC9B3F2};
  canvas *c = ground(L);
  unsigned state = 5;
  int i;
  SDL_FillRect(c, NULL, GRASS);
  for (i = 0; i < 26; i++)
    draw_ellipse(c, scatter(&state, c->w), scatter(&state, c->h),
                 60 + scatter(&state, 90), 30 + scatter(&state, 40), 24,
                 FADED(i % 2 ? GRASS_LIGHT : GRASS_DARK, 38));
  for (i = 0; i < 240; i++)
    tuft(c, scatter(&state, c->w), scatter(&state, c->h),
         i % 3 ? GRASS_DARK : GRASS_LIGHT);
  for (i = 0; i < 70; i++)
    flower(c, scatter(&state, c->w), scatter(&state, c->h), colours[i % 3]);
  return 0;
}


static double field (lua_State *L, int n) {
  double value;
  lua_geti(L, 1, n);
  value = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return value;
}


static void pave (lua_State *L, int n, double width, unsigned colour) {
  int i;
  for (i = 1; i + 3 <= n; i += 2)
    draw_line(ground(L), field(L, i), field(L, i + 1), field(L, i + 2),
              field(L, i + 3), width, SOLID(colour));
}


static int road (lua_State *L) {
  int n;
  luaL_checktype(L, 1, LUA_TTABLE);
  n = (int)luaL_len(L, 1);
  pave(L, n, 36, EARTH_DARK);
  pave(L, n, 31, EARTH);
  return 0;
}


static void fountain (canvas *c, double x, double y) {
  int i;
  draw_ellipse(c, x, y + 8, 44, 32, 10, SHADOW);
  draw_ellipse(c, x, y, 42, 30, 1, SOLID(0x8F8A83));
  draw_ellipse(c, x, y - 4, 42, 30, 1, SOLID(STONE));
  draw_ellipse(c, x, y - 4, 35, 24, 1, SOLID(WATER));
  draw_ellipse(c, x, y - 3, 25, 16, 1, SOLID(0x8CCBE8));
  draw_box(c, x - 5, y - 34, 10, 34, 4, 1, SOLID(STONE));
  draw_ellipse(c, x, y - 34, 17, 7, 1, SOLID(0x8F8A83));
  draw_ellipse(c, x, y - 36, 17, 7, 1, SOLID(0x8CCBE8));
  for (i = -2; i <= 2; i++)
    draw_line(c, x + 2 * i, y - 42 + 2 * abs(i), x + 8 * i, y - 8, 2,
              FADED(0xE8F7FF, 190));
}


static int square (lua_State *L) {
  canvas *c = ground(L);
  double x = luaL_checknumber(L, 1), y = luaL_checknumber(L, 2);
  double r = luaL_checknumber(L, 3), ring, angle;
  draw_disc(c, x, y, r + 3, SOLID(EARTH_DARK));
  draw_disc(c, x, y, r, SOLID(0xEFE2BC));
  for (ring = r - 12; ring > 30; ring -= 15) {
    draw_ring(c, x, y, ring, 1.5, SOLID(0xD9C793));
    for (angle = ring; angle < ring + 6.28; angle += 24 / ring)
      draw_line(c, x + cos(angle) * ring, y + sin(angle) * ring,
                x + cos(angle) * (ring + 15), y + sin(angle) * (ring + 15),
                1.3, SOLID(0xD9C793));
  }
  fountain(c, x, y);
  return 0;
}


static int pond (lua_State *L) {
  canvas *c = ground(L);
  double x = luaL_checknumber(L, 1), y = luaL_checknumber(L, 2);
  double rx = luaL_checknumber(L, 3), ry = luaL_checknumber(L, 4);
  int i;
  draw_ellipse(c, x, y, rx + 8, ry + 8, 3, SOLID(0xD6C58F));
  draw_ellipse(c, x, y, rx, ry, 2, SOLID(WATER));
  draw_ellipse(c, x - rx * 0.1, y + ry * 0.1, rx * 0.75, ry * 0.7, 14,
               FADED(0x4F98C0, 110));
  for (i = 0; i < 5; i++) {
    double leafx = x + rx * 0.75 * cos(2.1 * i);
    double leafy = y + ry * 0.7 * sin(2.1 * i);
    draw_ellipse(c, leafx, leafy, 8, 5, 1, SOLID(0x5E9E54));
    if (i % 2 == 0)
      draw_disc(c, leafx + 1, leafy - 2, 2.6, SOLID(0xF7C6D8));
  }
  return 0;
}

/* }====================================================== */


/*
** {======================================================
** What stands on it
** =======================================================
*/

static int tree (lua_State *L) {
  canvas *c = ground(L);
  double x = luaL_checknumber(L, 1), y = luaL_checknumber(L, 2);
  double s = luaL_checknumber(L, 3);
  draw_ellipse(c, x + 5 * s, y, 20 * s, 7 * s, 6, SHADOW);
  draw_box(c, x - 4 * s, y - 22 * s, 8 * s, 23 * s, 3 * s, 1, SOLID(0x8A6242));
  draw_disc(c, x, y - 34 * s, 20 * s, SOLID(0x4C8C4A));
  draw_disc(c, x - 12 * s, y - 26 * s, 13 * s, SOLID(0x4C8C4A));
  draw_disc(c, x + 12 * s, y - 26 * s, 13 * s, SOLID(0x437F43));
  draw_disc(c, x - 4 * s, y - 39 * s, 14 * s, SOLID(0x62A65A));
  draw_disc(c, x - 8 * s, y - 43 * s, 7 * s, SOLID(0x7CBD6C));
  return 0;
}


static void window (canvas *c, double x, double y) {
  draw_box(c, x - 8, y - 9, 16, 18, 2, 1, SOLID(0x8A6242));
  draw_box(c, x - 6, y - 7, 12, 14, 1, 1, SOLID(0xBFE3F2));
  draw_line(c, x, y - 7, x, y + 7, 1.5, SOLID(0x8A6242));
  draw_line(c, x - 6, y, x + 6, y, 1.5, SOLID(0x8A6242));
}


static void roof (canvas *c, double x, double y, unsigned colour) {
  double left[] = {x - 52, y - 34, x - 34, y - 74, x + 34, y - 74};
  double right[] = {x - 52, y - 34, x + 34, y - 74, x + 52, y - 34};
  double d;
  draw_box(c, x + 16, y - 88, 13, 28, 2, 1, SOLID(0x9A6B58));
  draw_triangle(c, left, SOLID(colour));
  draw_triangle(c, right, SOLID(colour));
  draw_line(c, x - 51, y - 49 + 15, x + 51, y - 49 + 15, 5,
            SOLID(draw_mix(colour, 0, 0.25)));
  for (d = 10; d < 40; d += 10)
    draw_line(c, x - 52 + d * 0.45, y - 34 - d, x + 52 - d * 0.45, y - 34 - d,
              1.4, FADED(0, 45));
  draw_line(c, x - 34, y - 74, x + 34, y - 74, 4,
            SOLID(draw_mix(colour, 0xFFFFFF, 0.25)));
}


static int house (lua_State *L) {
  canvas *c = ground(L);
  double x = luaL_checknumber(L, 1), y = luaL_checknumber(L, 2);
  draw_box(c, x - 40, y - 8, 96, 16, 8, 10, SHADOW);
  draw_box(c, x - 42, y - 42, 84, 44, 2, 1, SOLID(0xF5EAD2));
  draw_box(c, x - 42, y - 6, 84, 8, 2, 1, SOLID(STONE));
  draw_box(c, x - 9, y - 26, 18, 28, 3, 1, SOLID(0x7A4F35));
  draw_disc(c, x + 5, y - 11, 1.6, SOLID(0xE8C65A));
  window(c, x - 26, y - 18);
  window(c, x + 26, y - 18);
  roof(c, x, y, colourarg(L, 3));
  return 0;
}


static int stall (lua_State *L) {
  canvas *c = ground(L);
  double x = luaL_checknumber(L, 1), y = luaL_checknumber(L, 2);
  unsigned colour = colourarg(L, 3);
  static const unsigned goods[] = {0xD9534F, 0xF0C04A, 0x8FBF4F, 0xE58A3C};
  int i;
  draw_box(c, x - 32, y - 6, 72, 12, 6, 8, SHADOW);
  draw_line(c, x - 30, y, x - 30, y - 44, 4, SOLID(0x8A6242));
  draw_line(c, x + 30, y, x + 30, y - 44, 4, SOLID(0x8A6242));
  draw_box(c, x - 34, y - 20, 68, 20, 3, 1, SOLID(0xB5835A));
  draw_box(c, x - 34, y - 22, 68, 6, 2, 1, SOLID(0xCB9B70));
  for (i = 0; i < 12; i++)
    draw_disc(c, x - 27 + 5 * i, y - 24 - i % 2, 3.4, SOLID(goods[i / 3]));
  for (i = 0; i < 6; i++) {
    unsigned stripe = i % 2 ? 0xFFF8EA : colour;
    draw_box(c, x - 39 + 13 * i, y - 56, 13, 16, 0, 1, SOLID(stripe));
    draw_disc(c, x - 32.5 + 13 * i, y - 40, 6.5, SOLID(stripe));
  }
  return 0;
}


static int bench (lua_State *L) {
  canvas *c = ground(L);
  double x = luaL_checknumber(L, 1), y = luaL_checknumber(L, 2);
  double w = luaL_checknumber(L, 3);
  draw_box(c, x - w / 2, y - 4, w + 4, 10, 4, 6, SHADOW);
  draw_line(c, x - w / 2 + 6, y, x - w / 2 + 6, y + 5, 4, SOLID(0x6E4A31));
  draw_line(c, x + w / 2 - 6, y, x + w / 2 - 6, y + 5, 4, SOLID(0x6E4A31));
  draw_box(c, x - w / 2, y - 14, w, 6, 2, 1, SOLID(0x8A6242));
  draw_box(c, x - w / 2, y - 6, w, 7, 2, 1, SOLID(0xA9774E));
  return 0;
}


static int tower (lua_State *L) {
  canvas *c = ground(L);
  double x = luaL_checknumber(L, 1), y = luaL_checknumber(L, 2);
  int i;
  draw_box(c, x - 24, y - 6, 62, 12, 6, 8, SHADOW);
  draw_box(c, x - 24, y - 72, 48, 74, 3, 1, SOLID(STONE));
  for (i = 0; i < 4; i++)
    draw_box(c, x - 29 + 16 * i, y - 86, 10, 18, 1, 1, SOLID(STONE));
  draw_box(c, x - 29, y - 76, 58, 12, 2, 1, SOLID(0xA39E96));
  for (i = 0; i < 12; i++)
    draw_box(c, x - 20 + i * 17 % 34, y - 58 + i * 5, 9, 4, 1, 1,
             FADED(0x8F8A83, 150));
  draw_box(c, x - 9, y - 24, 18, 26, 8, 1, SOLID(0x5B4636));
  draw_box(c, x - 4, y - 54, 8, 14, 4, 1, SOLID(0x4A5260));
  return 0;
}

/* }====================================================== */


void scene_open (lua_State *L) {
  static const luaL_Reg scene[] = {
    {"meadow", meadow}, {"road", road}, {"square", square}, {"pond", pond},
    {"tree", tree}, {"house", house}, {"stall", stall},
    {"bench", bench}, {"tower", tower},
    {NULL, NULL}
  };
  lua_pushglobaltable(L);
  luaL_setfuncs(L, scene, 0);
  lua_pop(L, 1);
}
