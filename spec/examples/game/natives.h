/*
** natives.h
** The functions that scripts call
**
** Those that take time are one C function each: a loop that does the work of
** a frame and suspends the actor until the next one, then a return. No state
** is kept between two frames but the C function's own variables.
**
** walk_to(x, y)        walks there
** say(text)            shows a speech bubble for as long as one reads it
** wait(seconds)
** pick(list, better)   the element that better(element, other) prefers to all
**                      others; takes a frame for each look, and 'better' may
**                      take its time, too
**
** The others return at once:
**
** position()           x, y of the actor
** random(n)            1 to n, from the actor's own sequence
** now()                seconds since the start
** note(text)           a line in the log
** spawn {name = , script = , look = , x = , y = , colour = , speed = }
**                      a new actor; 'self' in its script is this table. Does
**                      nothing where there is one of that name
*/

#ifndef game_natives_h
#define game_natives_h

#include <lua.h>

/* Sets the functions as globals. */
void natives_open (lua_State *L);

#endif
