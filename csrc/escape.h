/*
** escape.h
** The end of a fiber by an exception that nobody on its stack catches. Part of
** the fiber layer
**
**   the stack of f                              its resumer
**   C++ throws: asks each frame, outwards
**     fiber_entry: escape_personality: yes
**   C++ leaves the frames: destructors
**     fiber_entry: escape_landed
**       catches, takes what()
**       f is FIBER_ESCAPED: fiber_exit -------> fiber_fail: closes the thread,
**                                               makes the Lua error
**
** So it is where the port has SWITCH_CATCHES (switch.h) and Lua is compiled as
** C. A Lua that is compiled as C++ catches it itself and loses it: 'lua_resume'
** and 'lua_closethread' return a status that is none of Lua's (ldo.c).
*/

#ifndef escape_h
#define escape_h

#include "config.h"
#include "fiber.h"

/* The personality routine of fiber_entry (Itanium C++ ABI, "Exception
   Handling", 1.3). Refuses where the fiber could not go on: while its stack is
   dropped, and inside a finalizer, which would leave the collector stopped. */
PRIVATE SWITCH_BYNAME _Unwind_Reason_Code escape_personality (int version,
  _Unwind_Action actions, _Unwind_Exception_Class kind,
  struct _Unwind_Exception *e, struct _Unwind_Context *context);

/* Where fiber_entry goes on when all frames on its stack were left. */
PRIVATE SWITCH_BYNAME void escape_landed (void);

/* Is it the status of a Lua that caught an exception? */
INLINE int escape_isstatus (int status) {
  return status < 0;
}

/* Pushes the message of the error: 'text', which is freed, or the usual one for
   NULL. Never raises: if memory is short the message says so. */
PRIVATE void escape_push (lua_State *L, char *text);

#endif
