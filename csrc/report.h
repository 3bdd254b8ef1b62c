/*
** report.h
** The report of an overflow, but for what is the system's: who it is about, and
** its line (see overflow.h). Part of the fiber layer
**
** All of it may run in a handler, on top of any code: it neither allocates nor
** locks. Who calls holds the lock of the list of universes.
*/

#ifndef report_h
#define report_h

#include <lua.h>
#include <stddef.h>

#include "config.h"
#include "fiber.h"

struct report {
  char text[OVERFLOW_LINE];
  size_t length;
};

/* The line consists of these three. The second one says where the innermost Lua
   function of L stands; the overflow may have interrupted what it reads half-
   written, so it may fault. */
PRIVATE void report_begin (struct report *r, const struct fiber *f);
PRIVATE void report_place (struct report *r, lua_State *L);
PRIVATE void report_end (struct report *r, const struct fiber *f);

/* The fiber that runs on this OS thread and whose guard has 'address', in one
   of the universes from u on that have the report on; or NULL. When the
   innermost ones were jumped out of it may be one further out. */
PRIVATE const struct fiber *report_overflown (const struct universe *u,
                                              const void *address);

/* The fiber that runs on this OS thread and has 'address' on its stack, in one
   of the universes from *u on; or NULL. Sets *u to its universe. */
PRIVATE struct fiber *report_running (struct universe **u,
                                      const void *address);

#endif
