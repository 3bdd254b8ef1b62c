/*
** bubbles.h
** What actors say, and what is wrong with them
*/

#ifndef game_bubbles_h
#define game_bubbles_h

#include "actors.h"
#include "draw.h"
#include "font.h"

#define TEXT 2  /* pixels for each of the font's */
#define LINE ((FONT_ROWS + 2) * TEXT)
#define INK 0x2B2F3A
#define PREEMPTED 0xF2A33A
#define FAILED 0xE4574D

/* Draws the bubbles of the n actors, the ones behind first, so that none
   covers another; those for which there is no room are left out. */
void bubbles_draw (canvas *c, const struct world *w, struct actor **list,
                   int n);

#endif
