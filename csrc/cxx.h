/*
** cxx.h
** What a C++ runtime keeps for each stack, and how its frames are left. Knows
** no Lua, and no stack but the one it is called on.
**
** The interfaces are those of the Itanium C++ ABI ("Exception Handling"),
** which GCC and Clang follow on every system that has <unwind.h>. They are
** looked for at run time: cfiber is C, and where no C++ is loaded there is
** nothing to do.
*/

#ifndef cxx_h
#define cxx_h

#include <string.h>

#include "config.h"
#include "switch/unwinder.h"

/* '__cxa_eh_globals' (ABI, 2.2.2). The runtime has one for each OS thread;
   it belongs to what runs there. */
struct cxx_exceptions {
  void *caught;  /* the exceptions whose 'catch' blocks are open, a list */
  unsigned int uncaught;  /* how many are thrown and not yet caught */
  UNWINDER_PROPAGATING
};

/* Returns that of the running OS thread. */
typedef struct cxx_exceptions *(*cxx_getter) (void);

/* The function, or NULL as long as no C++ runtime is loaded. One that is
   linked into a library for this library alone is not seen. */
PRIVATE cxx_getter cxx_find (void);

/* Exchanges the running OS thread's state with 'e'. */
INLINE void cxx_exchange (cxx_getter getter, struct cxx_exceptions *e) {
  struct cxx_exceptions *present = getter();
  struct cxx_exceptions before = *present;
  *present = *e;
  *e = before;
}

/* That of a stack on which nothing has run. */
INLINE void cxx_clear (struct cxx_exceptions *e) {
  memset(e, 0, sizeof(*e));
}

/* Has a frame of the running stack something to do when it is left: are there
   objects with destructors, or a 'catch'? That of the function 'outermost' does
   not count. A C++ runtime was found before. */
PRIVATE int cxx_finds (void (*outermost) (void *));

/* Is it an exception of the C++ runtime, and not caught? Looks for that one. */
PRIVATE int cxx_catches (const struct _Unwind_Exception *e);

/* The frame goes on at the address that is its language-specific data. */
PRIVATE void cxx_land (struct _Unwind_Context *context);

/* Catches an exception and ends the 'catch'. Returns a copy of its what(), to
   be freed; NULL if it is no 'std::exception'. */
PRIVATE char *cxx_catch (struct _Unwind_Exception *e);

/*
** Leaving the frames of a stack, drawn for one that was suspended below two
** C++ functions:
**
**   low                                                                   top
**   | cxx_unwind | ... | Lua | C++ f | Lua, pcall | C++ g | Lua | entry |
**     runs here --> --> -->  ~objects --> -->       ~objects --> --> done()
**
** The runtime calls the destructors of each frame in that frame, with those
** further out as they were. A frame is in one of these states:
**
**   standing   its objects are alive
**   left       its objects are destroyed, its memory may be overwritten
**   caught     'catch (...)' runs in it; when that block ends without 'throw;'
**              all goes on from there, outwards
**
** What is no frame of C++ is passed without a trace: a 'lua_pcall' does not
** return. In a Lua that is compiled as C++ it has a 'catch (...)', see above.
**
** The blocks that are open when it begins (cxx_exceptions) end with the stack:
** until then there is no caught exception in its frames, because a runtime
** admits none besides one that it does not know. Where C++ would end the
** process, at a 'noexcept' function or a destructor that throws, the rest of
** the stack is given up: its objects are not destroyed.
*/
struct cxx_unwinding {  /* written by cxx_posix.c */
  struct _Unwind_Exception exception;
  void (*done) (void *arg);
  void *arg;
  void *caught;  /* the blocks that were open */
  const char *low, *high;  /* the stack */
  struct cxx_unwinding *next;  /* in the process's list of them */
};

/* To be called before cxx_unwind and when that has ended, by whoever may be
   told: from another stack than the one from 'low' to 'high', or when nothing
   of it is needed any more. 'w' is not in the part of it that is left. */
PRIVATE void cxx_begin (struct cxx_unwinding *w, const void *low,
                        const void *high);
PRIVATE void cxx_end (struct cxx_unwinding *w);

/*
** Leaves all frames of the running stack, innermost first, and calls 'done'
** at the end of it, which must not return: at the outermost frame, or at one
** that has no unwind tables. A C++ runtime was found before.
*/
PRIVATE void cxx_unwind (struct cxx_unwinding *w, void (*done) (void *arg),
                         void *arg);

#endif
