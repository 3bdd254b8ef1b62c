/*
** draw.h
** Shapes with smooth edges on a picture in memory
**
** Each shape is a function that tells how far a point is from its edge. The
** distance says how much of a pixel is covered, so that edges are smooth, and
** with a wide edge it is a shadow. No renderer is needed, and a picture is the
** same with and without a display.
*/

#ifndef game_draw_h
#define game_draw_h

#include <SDL.h>

/* A picture of 32 bits a pixel: red, green, blue from the bits 16, 8, 0. */
typedef SDL_Surface canvas;

/* Colours are 0xAARRGGBB. This gives a colour, 0xRRGGBB, that is solid. */
#define SOLID(rgb) (0xFF000000u | (rgb))

/* The same colour, alpha being 0 to 255. */
#define FADED(rgb, alpha) (((unsigned)(alpha) << 24) | ((rgb) & 0xFFFFFFu))

/* Returns NULL where SDL has no memory (see SDL_GetError). */
canvas *draw_canvas (int width, int height);

/* A colour between two (0 to 1), 0xRRGGBB. */
unsigned draw_mix (unsigned from, unsigned to, double part);

void draw_disc (canvas *c, double x, double y, double r, unsigned colour);
void draw_ring (canvas *c, double x, double y, double r, double width,
                unsigned colour);

/* 'soft': how many pixels wide the edge is. */
void draw_ellipse (canvas *c, double x, double y, double rx, double ry,
                   double soft, unsigned colour);

/* Round corners of radius r; x and y are those of the upper left corner. */
void draw_box (canvas *c, double x, double y, double w, double h, double r,
               double soft, unsigned colour);

/* With round ends. */
void draw_line (canvas *c, double x1, double y1, double x2, double y2,
                double width, unsigned colour);

/* The corners x, y, x, y, x, y; any sense of rotation. */
void draw_triangle (canvas *c, const double *corners, unsigned colour);

/* One line of text, the upper left corner at x, y; 'size' pixels for each of
   the font's. */
void draw_text (canvas *c, int x, int y, int size, unsigned colour,
                const char *text);

/* Width in pixels of one line of text. */
int draw_textwidth (int size, const char *text);

/* Writes a PNG. Returns NULL or what went wrong. */
const char *draw_save (canvas *c, const char *file);

#endif
