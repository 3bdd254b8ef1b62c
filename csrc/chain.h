/*
** chain.h
** Which coroutines resumed each other on one stack
**
** Lua keeps no record of who resumed a coroutine. It shows from outside: who
** resumes another is in the middle of a C function that has the thread among
** its values, as 'coroutine.resume', or its upvalues, as those of
** 'coroutine.wrap'.
*/

#ifndef chain_h
#define chain_h

#include <lua.h>

#include "config.h"

/* Pushes onto L, innermost first, the threads by way of which 'outer' resumed
   'inner', without these two. Returns how many; or -1, and pushes nothing,
   where it does not show: some C function keeps its thread elsewhere, a hook
   in C resumes, or memory is short. Never raises. Leaves free slots on L,
   which is not on the way there, but may be 'inner'. */
PRIVATE int chain_push (lua_State *L, lua_State *outer,
                        const lua_State *inner);

/* The thread that T seems to resume; NULL where none shows. The C function on
   top of T may have been passed a thread that somebody else resumes. Never
   raises. */
PRIVATE lua_State *chain_resumed (lua_State *T);

/* The same; pushes it onto L. */
PRIVATE lua_State *chain_pushresumed (lua_State *L, lua_State *T);

#endif
