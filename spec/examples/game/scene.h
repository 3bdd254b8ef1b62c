/*
** scene.h
** The functions by which a script draws what does not move
**
** meadow()                     grass over everything: begins anew
** road {x, y, x, y, ...}       through these points
** square(x, y, radius)         paved, with a fountain in the middle
** pond(x, y, rx, ry)
** tree(x, y, size)             all that stands has its foot at x, y;
** house(x, y, colour)          colours are 0xRRGGBB
** stall(x, y, colour)
** bench(x, y, width)
** tower(x, y)
*/

#ifndef game_scene_h
#define game_scene_h

#include <lua.h>

/* Sets the functions as globals. */
void scene_open (lua_State *L);

#endif
