/*
** scripts.h
** The files that actors run
**
** Each is read once for all actors that run it. Whether it changed is told by
** its text and not by the time of the file: saving the same text again changes
** nothing, and two changes in one tick of the system's clock are two.
*/

#ifndef game_scripts_h
#define game_scripts_h

#include "actors.h"

/* The script of this name, read if it is new. Raises where it cannot be. */
struct script *scripts_find (struct world *w, lua_State *L, const char *name);

/* Pushes the script as a function with global variables of its own, behind
   which are Lua's; 'self' is the table of that reference. Returns a Lua
   status; else than LUA_OK the message is pushed. */
int scripts_load (struct world *w, const struct script *s, int self);

/* Reads the file again: is there a new text that can be loaded? One that
   cannot be is reported, once, and the former stays. */
int scripts_changed (struct world *w, struct script *s);

#endif
