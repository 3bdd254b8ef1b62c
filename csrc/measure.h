/*
** measure.h
** What the Lua at hand needs, and where its threads keep what
*/

#ifndef measure_h
#define measure_h

#include <lua.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

/* The distance of the count of a thread's hook, which goes down from what
   'lua_sethook' got to 0 at a count event; 0 where it does not show for sure.
   May raise a memory error. */
PRIVATE size_t measure_count (lua_State *L);

/* The distance of the count of a thread's nested calls, whose upper half counts
   those that no yield can leave, among its first 'size' bytes; 0 where it does
   not show for sure. May raise a memory error. */
PRIVATE size_t measure_nesting (lua_State *L, size_t size);

/* The byte of the state of L that is above 1 while a finalizer runs, on any
   thread, and from the first one of 'lua_close' on; else not. NULL where that
   does not show for sure. Looks in a Lua state that it makes for this, with the
   allocator of L, and closes. */
PRIVATE const unsigned char *measure_stop (lua_State *L);

/* Does that count tell that the running thread L can yield? */
INLINE int measure_isyieldable (const lua_State *L, size_t at) {
  uint32_t nesting;
  memcpy(&nesting, (const char *)L + at, sizeof(nesting));
  return nesting <= 0xFFFF;
}

/* Does the byte tell that a finalizer runs? */
INLINE int measure_finalizes (const unsigned char *stop) {
  return *stop > 1;
}

INLINE int measure_counted (const lua_State *co, size_t at) {
  int count;
  memcpy(&count, (const char *)co + at, sizeof(count));
  return count;
}

/* Has the count stand so again, where the same hook was set anew. */
INLINE void measure_setcounted (lua_State *co, size_t at, int count) {
  memcpy((char *)co + at, &count, sizeof(count));
}

/* Where an error in 'co' goes. */
INLINE uintptr_t marks_jump (const struct marks *m, const lua_State *co) {
  uintptr_t jump;
  memcpy(&jump, (const char *)co + m->jump, sizeof(jump));
  return jump;
}

/*
** What stays as it is while 'co' is suspended natively: where it is in its list
** of calls, and where it would go in case of an error, which is on the stack
** that it is suspended on. No thread that comes to its address has the same.
*/
INLINE uintptr_t marks_of (const struct marks *m, const lua_State *co) {
  uintptr_t call;
  memcpy(&call, (const char *)co + m->call, sizeof(call));
  return call ^ marks_jump(m, co);
}

#endif
