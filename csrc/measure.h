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

#endif
