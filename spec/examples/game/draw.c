/*
** draw.c
** Shapes with smooth edges on a picture in memory
*/

#include "draw.h"

#include <math.h>
#include <png.h>
#include <string.h>

#include "font.h"

struct shape {
  double x, y;  /* the centre, or one end of a line */
  double w, h;  /* half the size, or the vector to the other end */
  double r;  /* radius of corners or ends, or half the width of a ring */
  const double *corners;
};

/* The C library's 'hypot' is exact to the last bit and takes its time. */
static double length (double x, double y) {
  return sqrt(x * x + y * y);
}


/* From the edge to a point, negative inside. */
typedef double distance (const struct shape *s, double x, double y);


/*
** {======================================================
** Distances
** =======================================================
*/

static double todisc (const struct shape *s, double x, double y) {
  return length(x - s->x, y - s->y) - s->w;
}


static double toring (const struct shape *s, double x, double y) {
  return fabs(todisc(s, x, y)) - s->r;
}


/* True near the edge, which is where it matters. */
static double toellipse (const struct shape *s, double x, double y) {
  double dx = (x - s->x) / s->w, dy = (y - s->y) / s->h;
  return (length(dx, dy) - 1) * fmin(s->w, s->h);
}


static double tobox (const struct shape *s, double x, double y) {
  double dx = fabs(x - s->x) - s->w + s->r;
  double dy = fabs(y - s->y) - s->h + s->r;
  return length(fmax(dx, 0), fmax(dy, 0)) + fmin(fmax(dx, dy), 0) - s->r;
}


static double toline (const struct shape *s, double x, double y) {
  double dx = x - s->x, dy = y - s->y;
  double square = s->w * s->w + s->h * s->h;
  double part = square > 0 ? (dx * s->w + dy * s->h) / square : 0;
  part = fmax(0, fmin(1, part));
  return length(dx - part * s->w, dy - part * s->h) - s->r;
}


/* From the line through two corners, positive on its left. */
static double toside (const double *from, const double *to, double x,
                      double y) {
  double dx = to[0] - from[0], dy = to[1] - from[1];
  return ((x - from[0]) * dy - (y - from[1]) * dx) / length(dx, dy);
}


static double totriangle (const struct shape *s, double x, double y) {
  const double *p = s->corners;
  double sense = toside(p, p + 2, p[4], p[5]) < 0 ? 1 : -1;
  double most = sense * toside(p, p + 2, x, y);
  most = fmax(most, sense * toside(p + 2, p + 4, x, y));
  return fmax(most, sense * toside(p + 4, p, x, y));
}

/* }====================================================== */


/*
** {======================================================
** Pixels
** =======================================================
*/

static unsigned mixchannel (unsigned from, unsigned to, int shift,
                            unsigned part) {
  unsigned a = from >> shift & 255, b = to >> shift & 255;
  return (a * (255 - part) + b * part + 127) / 255 << shift;
}


/* 'part' is 0 to 255. */
static unsigned mix (unsigned from, unsigned to, unsigned part) {
  return mixchannel(from, to, 16, part) | mixchannel(from, to, 8, part)
       | mixchannel(from, to, 0, part);
}


unsigned draw_mix (unsigned from, unsigned to, double part) {
  return mix(from, to, (unsigned)(255 * fmax(0, fmin(1, part))));
}


/* The row y of the picture. */
static Uint32 *row (canvas *c, int y) {
  void *pixels = (Uint8 *)c->pixels + y * c->pitch;
  return (Uint32 *)pixels;
}


static void blend (Uint32 *pixel, unsigned colour, double covered) {
  *pixel = mix(*pixel, colour, (unsigned)((colour >> 24) * covered + 0.5));
}


static int clamp (double value, int most) {
  return value < 0 ? 0 : value > most ? most : (int)value;
}


/* Draws a shape of at most rx and ry pixels around its x and y. */
static void fill (canvas *c, const struct shape *s, distance *f, double x,
                  double y, double rx, double ry, double soft,
                  unsigned colour) {
  int left = clamp(x - rx - soft, c->w), right = clamp(x + rx + soft + 1, c->w);
  int top = clamp(y - ry - soft, c->h), end = clamp(y + ry + soft + 1, c->h);
  int i, j;
  for (j = top; j < end; j++) {
    for (i = left; i < right; i++) {
      double covered = 0.5 - f(s, i + 0.5, j + 0.5) / soft;
      if (covered > 0)
        blend(row(c, j) + i, colour, fmin(covered, 1));
    }
  }
}


canvas *draw_canvas (int width, int height) {
  return SDL_CreateRGBSurfaceWithFormat(0, width, height, 32,
                                        SDL_PIXELFORMAT_RGB888);
}

/* }====================================================== */


/*
** {======================================================
** Shapes
** =======================================================
*/

void draw_disc (canvas *c, double x, double y, double r, unsigned colour) {
  struct shape s = {x, y, r, r, 0, NULL};
  fill(c, &s, todisc, x, y, r, r, 1, colour);
}


void draw_ring (canvas *c, double x, double y, double r, double width,
                unsigned colour) {
  struct shape s = {x, y, r, r, width / 2, NULL};
  fill(c, &s, toring, x, y, r + width, r + width, 1, colour);
}


void draw_ellipse (canvas *c, double x, double y, double rx, double ry,
                   double soft, unsigned colour) {
  struct shape s = {x, y, rx, ry, 0, NULL};
  fill(c, &s, toellipse, x, y, rx * (1 + soft / ry), ry, soft, colour);
}


void draw_box (canvas *c, double x, double y, double w, double h, double r,
               double soft, unsigned colour) {
  struct shape s = {x + w / 2, y + h / 2, w / 2, h / 2, r, NULL};
  fill(c, &s, tobox, s.x, s.y, w / 2, h / 2, soft, colour);
}


void draw_line (canvas *c, double x1, double y1, double x2, double y2,
                double width, unsigned colour) {
  struct shape s = {x1, y1, x2 - x1, y2 - y1, width / 2, NULL};
  fill(c, &s, toline, (x1 + x2) / 2, (y1 + y2) / 2,
       fabs(s.w) / 2 + s.r, fabs(s.h) / 2 + s.r, 1, colour);
}


void draw_triangle (canvas *c, const double *corners, unsigned colour) {
  struct shape s = {0, 0, 0, 0, 0, NULL};
  const double *p = corners;
  double left = fmin(p[0], fmin(p[2], p[4]));
  double right = fmax(p[0], fmax(p[2], p[4]));
  double top = fmin(p[1], fmin(p[3], p[5]));
  double end = fmax(p[1], fmax(p[3], p[5]));
  s.corners = corners;
  fill(c, &s, totriangle, (left + right) / 2, (top + end) / 2,
       (right - left) / 2, (end - top) / 2, 1, colour);
}

/* }====================================================== */


/*
** {======================================================
** Text
** =======================================================
*/

static void square (canvas *c, int x, int y, int size, unsigned colour) {
  int i, j;
  for (j = clamp(y, c->h); j < clamp(y + size, c->h); j++) {
    for (i = clamp(x, c->w); i < clamp(x + size, c->w); i++)
      blend(row(c, j) + i, colour, 1);
  }
}


static void letter (canvas *c, int x, int y, int size, unsigned colour,
                    char which) {
  int i, j;
  for (j = 0; j < FONT_ROWS; j++) {
    for (i = 0; i < FONT_COLUMNS; i++) {
      if (font_isset(which, i, j))
        square(c, x + i * size, y + j * size, size, colour);
    }
  }
}


void draw_text (canvas *c, int x, int y, int size, unsigned colour,
                const char *text) {
  for (; *text != '\0'; text++) {
    letter(c, x, y, size, colour, *text);
    x += (font_width(*text) + 1) * size;
  }
}


int draw_textwidth (int size, const char *text) {
  int width = 0;
  for (; *text != '\0'; text++)
    width += (font_width(*text) + 1) * size;
  return width > 0 ? width - size : 0;
}

/* }====================================================== */


/* libpng's simplified interface writes a picture in one call; SDL2_image would
   be one more library around it. */
const char *draw_save (canvas *c, const char *file) {
  static png_image image;
  canvas *bytes = SDL_ConvertSurfaceFormat(c, SDL_PIXELFORMAT_RGB24, 0);
  if (bytes == NULL)
    return SDL_GetError();
  memset(&image, 0, sizeof(image));
  image.version = PNG_IMAGE_VERSION;
  image.width = (png_uint_32)c->w;
  image.height = (png_uint_32)c->h;
  image.format = PNG_FORMAT_RGB;
  png_image_write_to_file(&image, file, 0, bytes->pixels, bytes->pitch, NULL);
  SDL_FreeSurface(bytes);
  return PNG_IMAGE_FAILED(image) ? image.message : NULL;
}
