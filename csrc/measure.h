/*
** measure.h
** How large a stack the Lua at hand needs
*/

#ifndef measure_h
#define measure_h

#include <lua.h>
#include <stddef.h>

#include "config.h"

/* Bytes in which NESTED_C_CALLS calls nest through 'string.gsub', the call of
   the standard library that takes most, with slack below the deepest. */
PRIVATE size_t measure_stack (lua_State *L);

/* Distances in bytes from the address of a thread. */
struct marks {
  size_t call;  /* of the pointer to its present call */
  size_t jump;  /* of the pointer to where an error goes, on the C stack */
};

/* Finds them out by a look at a thread that runs; where it shows no such
   pointers both are 0. May raise a memory error. */
PRIVATE void measure_marks (lua_State *L, struct marks *m);

#endif
