/*
** unwinding.h
** The end of a suspended stack: C++ destructors run before its memory goes.
** Part of the fiber layer
**
**   who drops it, on L                       the stack of f
**   unwind_fiber
**     f runs, with BODY_CLOSE
**     fiber_send(message) -----------------> where it was suspended:
**                                            unwind_here(message)
**                                              cxx_unwind: destructors
**     f is FIBER_FINISHED <----------------- at the end of the stack: fiber_exit
**
** unwind_finds sends a message of the other kind, FIBER_LOOK, upon which the
** stack is looked at and the fiber waits on where it did.
**
** So destructors run on the fiber's own stack, in the fiber, whose thread is
** as it was when it was suspended: they may call Lua, and what they call may
** resume others. They cannot yield. An error that a destructor lets out is
** caught by a 'pcall' of the fiber, or ends it; then the fiber goes on with
** what comes after the 'pcall' until it ends or yields. What is on its stack
** then is dropped as it is.
*/

#ifndef unwinding_h
#define unwinding_h

#include "config.h"
#include "fiber.h"

/* Has a C++ runtime been loaded meanwhile? */
PRIVATE void unwind_look (struct universe *u);

/* May there be C++ frames on the stacks of f and of those inside it? f is
   suspended or has exited. */
PRIVATE int unwind_isneeded (struct universe *u, const struct fiber *f);

/* Are there frames that have something to do when they are left, on the stack
   of f or of one inside it? f is suspended. A careful yes where others are
   inside. Runs nothing. */
PRIVATE int unwind_finds (struct universe *u, lua_State *L, struct fiber *f);

/* Leaves the frames on the stacks of f, which is suspended or has exited, and
   of those inside it, innermost first. Afterwards they are ready for
   fiber_abandon. 'rest' are the threads on L that are closed after that.
   May run anything. */
PRIVATE void unwind_fiber (struct universe *u, lua_State *L, struct fiber *f,
                           const struct pending *rest);

/* The stack of f goes, wherever the leaving of its frames has come to. */
PRIVATE void unwind_forget (struct fiber *f);

#endif
