/*
** picture.h
** What one sees: the village, its actors and what they say, the counts
*/

#ifndef game_picture_h
#define game_picture_h

#include "actors.h"
#include "draw.h"

/* Draws the world over everything on 'c', which is as large as its ground. */
void picture_draw (canvas *c, struct world *w);

#endif
