/*
** picture.c
** What one sees: the village, its actors and what they say, the counts
*/

#include "picture.h"

#include <math.h>
#include <stdlib.h>

#include "bubbles.h"

#define SKIN 0xF2C9A1
#define WAITS 0x7BC47F
#define ENDED 0x8A93A6
#define PLAIN 0xFFFFFF


/*
** {======================================================
** Actors
** =======================================================
*/

/* Point n of the trail, 0 being the oldest. */
static const struct point *trailpoint (const struct world *w,
                                       const struct actor *a, int n) {
  return a->trail + (w->frame / TRAIL_FRAMES + n) % TRAIL_SIZE;
}


static void drawtrail (canvas *c, const struct world *w,
                       const struct actor *a) {
  int i;
  for (i = 1; i < TRAIL_SIZE - 1; i++) {
    const struct point *p = trailpoint(w, a, i), *q = trailpoint(w, a, i + 1);
    if (p->x != q->x || p->y != q->y)
      draw_line(c, p->x, p->y, q->x, q->y, 1 + 3.0 * i / TRAIL_SIZE,
                FADED(a->colour, 210 * i / TRAIL_SIZE));
  }
}


static int walks (const struct world *w, const struct actor *a) {
  const struct point *p = trailpoint(w, a, TRAIL_SIZE - 2);
  return p->x != (float)a->x || p->y != (float)a->y;
}


static void drawface (canvas *c, const struct actor *a, double x, double y,
                      double s) {
  double turn = a->left ? -1.6 * s : 1.6 * s;
  unsigned hair = draw_mix(a->colour, 0x2A1C14, 0.75);
  draw_disc(c, x, y - 1.2 * s, 6.2 * s, SOLID(hair));
  draw_disc(c, x + turn * 0.6, y + 0.8 * s, 4.9 * s, SOLID(SKIN));
  draw_disc(c, x + turn - 1.7 * s, y + 0.6 * s, 0.8 * s, SOLID(INK));
  draw_disc(c, x + turn + 1.7 * s, y + 0.6 * s, 0.8 * s, SOLID(INK));
}


static void drawhat (canvas *c, double x, double y, unsigned colour) {
  draw_ellipse(c, x, y - 3, 10, 3.2, 1, SOLID(draw_mix(colour, 0, 0.2)));
  draw_box(c, x - 5.5, y - 11, 11, 8, 3, 1, SOLID(colour));
}


static void drawhelmet (canvas *c, double x, double y, int left) {
  double hand = left ? -10 : 10;
  draw_box(c, x - 6.5, y - 8, 13, 8, 5, 1, SOLID(0x9AA5B5));
  draw_line(c, x, y - 12, x, y - 7, 3, SOLID(0xD9534F));
  draw_line(c, x + hand, y + 21, x + hand, y - 14, 2.4, SOLID(0x7A5A3C));
  draw_ellipse(c, x + hand, y - 17, 2.6, 6, 1, SOLID(0xC4CCD8));
}


static void drawcap (canvas *c, double x, double y) {
  double board[] = {x - 11, y - 6, x + 11, y - 6, x, y - 11};
  double front[] = {x - 11, y - 6, x + 11, y - 6, x, y - 1};
  draw_triangle(c, board, SOLID(INK));
  draw_triangle(c, front, SOLID(INK));
  draw_line(c, x + 8, y - 6, x + 9, y + 1, 1.4, SOLID(0xE8C65A));
}


static void drawperson (canvas *c, const struct world *w,
                        const struct actor *a) {
  double s = a->look == LOOK_CHILD ? 0.78 : 1.05;
  double x = a->x, swing = walks(w, a) ? sin(a->x * 0.4 + a->y * 0.4) : 0;
  double y = a->y - fabs(swing) * 1.8;
  draw_ellipse(c, a->x + 1, a->y, 9 * s, 3.6 * s, 3, FADED(0x20301A, 110));
  draw_line(c, x - 3 * s, y - 4 * s, x - 3 * s + 2 * swing, a->y, 3.6 * s,
            SOLID(INK));
  draw_line(c, x + 3 * s, y - 4 * s, x + 3 * s - 2 * swing, a->y, 3.6 * s,
            SOLID(INK));
  draw_box(c, x - 7.2 * s, y - 18.2 * s, 14.4 * s, 16 * s, 6.4 * s, 1,
           SOLID(draw_mix(a->colour, 0, 0.35)));
  draw_box(c, x - 6.2 * s, y - 17.2 * s, 12.4 * s, 14 * s, 5.6 * s, 1,
           SOLID(a->colour));
  if (a->look == LOOK_MERCHANT)
    draw_box(c, x - 4, y - 12, 8, 10, 2, 1, SOLID(0xFFF8EA));
  drawface(c, a, x, y - 22 * s, s);
  if (a->look == LOOK_MERCHANT)
    drawhat(c, x, y - 24, a->colour);
  else if (a->look == LOOK_GUARD)
    drawhelmet(c, x, y - 23, a->left);
  else if (a->look == LOOK_SCHOLAR)
    drawcap(c, x, y - 25);
}


static void drawduck (canvas *c, const struct actor *a) {
  double side = a->left ? -1 : 1, x = a->x, y = a->y;
  draw_ellipse(c, x, y + 3, 12, 4, 3, FADED(0xFFFFFF, 90));
  draw_ellipse(c, x, y - 2, 9, 6, 1, SOLID(0xFBFBF5));
  draw_ellipse(c, x - 2 * side, y - 3, 5.5, 3.4, 1, SOLID(0xE3E3DA));
  draw_disc(c, x + 7 * side, y - 9, 4.4, SOLID(a->colour));
  draw_ellipse(c, x + 12 * side, y - 8, 3.4, 1.6, 1, SOLID(0xF0A23C));
  draw_disc(c, x + 8 * side, y - 10, 0.9, SOLID(INK));
}


static void drawactor (canvas *c, const struct world *w,
                       const struct actor *a) {
  if (a->look == LOOK_DUCK)
    drawduck(c, a);
  else
    drawperson(c, w, a);
}

/* }====================================================== */


/*
** {======================================================
** Counts
** =======================================================
*/

#define PANEL_X 14
#define PANEL_Y 14
#define PANEL_WIDTH 284
#define CELL 11  /* of an actor, with its gap */
#define CELLS 24  /* in a row */
#define PAPER FADED(0x1B212C, 218)


static void count (canvas *c, int *y, unsigned colour, const char *label,
                   long value) {
  char text[24];
  snprintf(text, sizeof(text), "%ld", value);
  draw_text(c, PANEL_X + 12, *y, TEXT, SOLID(0xA9B4C6), label);
  draw_text(c, PANEL_X + PANEL_WIDTH - 12 - draw_textwidth(TEXT, text), *y,
            TEXT, SOLID(colour), text);
  *y += LINE;
}


static unsigned statecolour (const struct actor *a) {
  if (a->state == ACTOR_FAILED)
    return FAILED;
  if (a->state == ACTOR_ENDED)
    return ENDED;
  return a->preempted ? PREEMPTED : WAITS;
}


/* One cell for each actor. */
static void drawcells (canvas *c, const struct world *w, int y) {
  int i;
  for (i = 0; i < w->nactors; i++)
    draw_box(c, PANEL_X + 12 + i % CELLS * CELL, y + i / CELLS * CELL,
             CELL - 3, CELL - 3, 2, 1, SOLID(statecolour(w->actors + i)));
}


static void drawcounts (canvas *c, struct world *w) {
  int y = PANEL_Y + 12;
  int rows = (w->nactors + CELLS - 1) / CELLS;
  draw_box(c, PANEL_X, PANEL_Y, PANEL_WIDTH, 7 * LINE + 30 + rows * CELL, 10,
           1, PAPER);
  draw_text(c, PANEL_X + 12, y, TEXT, SOLID(0xF6D860),
            "a fiber for each actor");
  y += LINE + 6;
  count(c, &y, PLAIN, "frame", w->frame);
  count(c, &y, PLAIN, "actors", w->nactors);
  count(c, &y, PLAIN, "fibers mounted", actors_stat(w, "mounted"));
  count(c, &y, PREEMPTED, "budget preemptions", w->preemptions);
  count(c, &y, FAILED, "errors", w->errors);
  count(c, &y, PLAIN, "scripts reloaded", w->reloads);
  drawcells(c, w, y + 4);
}


static void drawkeys (canvas *c) {
  const char *text = "F5 reload  space pause  P picture  esc quit";
  int width = draw_textwidth(TEXT, text);
  draw_box(c, PANEL_X, c->h - 42, width + 24, 28, 9, 1, PAPER);
  draw_text(c, PANEL_X + 12, c->h - 35, TEXT, SOLID(0xD5DCE8), text);
}

/* }====================================================== */


static int behind (const void *a, const void *b) {
  const struct actor *x = *(const struct actor *const *)a;
  const struct actor *y = *(const struct actor *const *)b;
  if (x->y == y->y)
    return x < y ? -1 : x > y;
  return x->y < y->y ? -1 : 1;
}


/* Those that can be seen, the ones behind first; returns how many. */
static int sorted (struct world *w, struct actor **list) {
  int n = 0, i;
  for (i = 0; i < w->nactors; i++) {
    if (w->actors[i].look != LOOK_NONE)
      list[n++] = w->actors + i;
  }
  qsort(list, (size_t)n, sizeof(*list), behind);
  return n;
}


void picture_draw (canvas *c, struct world *w) {
  struct actor *list[MAX_ACTORS];
  int n = sorted(w, list), i;
  SDL_BlitSurface(w->ground, NULL, c, NULL);
  for (i = 0; i < n; i++)
    drawtrail(c, w, list[i]);
  for (i = 0; i < n; i++)
    drawactor(c, w, list[i]);
  bubbles_draw(c, w, list, n);
  drawcounts(c, w);
  drawkeys(c);
}
