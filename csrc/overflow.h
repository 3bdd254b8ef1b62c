/*
** overflow.h
** The report of an overflow of a fiber's C stack
**
** Native recursion that runs past the end of a stack faults in its guard. A
** handler of the signal then writes one line to stderr,
**
**   cfiber: C stack overflow in fiber 0x55d0c8a3b2c8 at game.lua:12: its stack
**   has 580 KB, cfiber.config{stack_size=...} raises it
**
** and goes on to the handler that was there before; the default one is put
** back and the instruction faults again, so that a core dump shows the place.
** Every other fault goes on without a word.
**
** Handlers belong to the process. They are installed while at least one
** universe has the report on, and removed if they are still in place when the
** last one turns it off or ends. Whoever installed his own meanwhile is left
** alone, and goes on to these or not. A universe begins with the report on
** where nobody else handles SIGSEGV.
**
** A full stack cannot run a handler: each OS thread that runs fibers with the
** report on gets an alternate signal stack, unless it has one. It goes when
** the thread exits, or with the last universe if that ends on this thread.
** Other threads keep theirs then until the process ends: nobody can take it
** from them. They do not get a second one.
**
** The list of universes is locked for a moment at a time. A handler does not
** insist on the lock: without it there is no report.
*/

#ifndef overflow_h
#define overflow_h

#include "config.h"
#include "fiber.h"

/* Enters a universe into the list, with the report on or off as above. */
PRIVATE void overflow_open (struct universe *u);

/* Takes it off the list, if it is there, and turns the report off. */
PRIVATE void overflow_close (struct universe *u);

/* Turns the report on, whoever else handles the signals, or off. */
PRIVATE void overflow_report (struct universe *u, int on);

/* The fiber that runs on this OS thread and has 'address' on its stack, and its
   universe; or NULL. */
PRIVATE struct fiber *overflow_running (const void *address,
                                        struct universe **u);

/* The universe runs on the present OS thread from now on. */
PRIVATE void overflow_arrive (struct universe *u);

#endif
