/*
** switch.h
** The contract of a context switch. Knows stacks as two addresses, no Lua.
**
** A context is the machine state of a stack that is not running: stack
** pointer, frame pointer, where to go on, floating-point control. All else
** that a call keeps (the callee-saved registers) lies on that stack.
**
** The operation is the swap: the running state and the one in the
** slot change places. So a slot always holds the other side. While a fiber
** is suspended its slot holds the fiber, while it runs its slot holds the
** one who resumed it:
**
**      resumer                    slot                 fiber
**      switch_swap(slot) ------> resumer  ----------> goes on here
**      goes on here  <---------- fiber    <---------- switch_swap(slot)
**
** Each port (one file below switch/, and shadow.h for all) defines
**
**   struct context
**       the slot; its owner moves or copies it freely while nobody swaps.
**
**   void switch_prepare (struct context *c, void *low, void *top,
**                        void (*entry) (void *message));
**       c becomes the context of a stack on which nothing has run: the first
**       swap calls 'entry' there. The stack is the memory from low up to
**       top. Floating-point control is that of the caller, who makes the
**       first swap. 'entry' must not return; its frame ends frame pointers
**       and unwind tables, so that debuggers, profilers and unwinders stop
**       there.
**
**   void *switch_swap (struct context *c, void *message);
**       exchanges the running state with c. 'message' is what the other side
**       receives: the argument of 'entry', or the result of its own
**       switch_swap. Returns, when somebody swaps back, his message.
**
**   void switch_exit (struct context *c, void *message);
**       a swap that does not return: nothing of the running stack is kept.
**       The slot is to be prepared before it is used again.
**
**   void switch_jumped (struct context *c);
**       the running code did not swap: it has jumped (longjmp) from the side
**       that c is not of to the one that c holds. Exchanges what the system
**       knows of the two stacks. Where that is nothing (all but Windows), the
**       port need not define it.
**
**   void switch_outermost (void);
**       stands first in 'entry': marks its frame in the unwind tables, where
**       the port can, as one that has no caller.
**
**   SWITCH_CATCH (personality, landed)
**       stands next in 'entry': where the port has SWITCH_CATCHES, C++
**       exceptions that would leave the stack may end in its frame
**       (outermost.h).
**
**   void *switch_here (void);
**       an address on the running stack, next to its end.
**
**   void *switch_thread (void);
**       what tells the running OS thread from all others that exist.
**
**   int switch_isshadowed (void);
**       tells whether the OS thread has a shadow stack, with which no swap is
**       possible. SWITCH_UNSHADOW, a string for the user, turns it off.
**
**   SWITCH_NAME
**       a string for the user, "x86-64" or "ucontext".
**
** What a swap keeps is what the ABI keeps over a function call: callee-saved
** registers, stack alignment, and the control bits of the floating-point units
** (not the status bits, which may cross or not). The direction flag is clear
** and the signal mask is the thread's: neither belongs to a stack.
**
** What it does not keep: C++'s record of caught exceptions, anything in
** thread-local storage, and the bounds that a sanitizer holds of the stack.
** Who swaps takes care of those, in one place (fiber_send, fiber_cross
** and fiber_exit in fiber.h).
*/

#ifndef switch_h
#define switch_h

#include "config.h"
#include "switch/select.h"
#include "switch/shadow.h"

#endif
