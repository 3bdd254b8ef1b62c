/*
** escape.c
** The end of a fiber by an exception that nobody on its stack catches
*/

#include "escape.h"

#include <stdlib.h>

#include "finalizer.h"
#include "overflow.h"
#include "unwinding.h"


/* Can f, on whose stack the exception is, end by it? */
static int canend (const struct universe *u, const struct fiber *f) {
  return f != NULL && !f->unwinds && !finalizer_isinside(u, f->L, f, 0);
}


_Unwind_Reason_Code escape_personality (int version, _Unwind_Action actions,
                                        _Unwind_Exception_Class kind,
                                        struct _Unwind_Exception *e,
                                        struct _Unwind_Context *context) {
  struct universe *u;
  struct fiber *f;
  (void)kind;
  if (version != 1 || (actions & _UA_FORCE_UNWIND) || !cxx_catches(e))
    return _URC_CONTINUE_UNWIND;
  f = overflow_running(switch_here(), &u);
  if (actions & _UA_SEARCH_PHASE)
    return canend(u, f) ? _URC_HANDLER_FOUND : _URC_CONTINUE_UNWIND;
  if (!(actions & _UA_HANDLER_FRAME))
    return _URC_CONTINUE_UNWIND;
  f->thrown = e;
  cxx_land(context);
  return _URC_INSTALL_CONTEXT;
}


void escape_landed (void) {
  struct universe *u;
  struct fiber *f = overflow_running(switch_here(), &u);
  f->text = cxx_catch(f->thrown);
  unwind_look(u);
  f->nvalues = 0;
  f->state = FIBER_ESCAPED;
  fiber_exit(f);
}


static int pushtext (lua_State *L) {
  lua_pushstring(L, (const char *)lua_touserdata(L, 1));
  return 1;
}


void escape_push (lua_State *L, char *text) {
  static char unknown[] = "unknown C++ exception";
  lua_checkstack(L, LUA_MINSTACK);  /* without memory Lua's own reserve does */
  lua_pushcfunction(L, pushtext);
  lua_pushlightuserdata(L, text != NULL ? text : unknown);
  lua_pcall(L, 1, 1, 0);  /* a failure leaves its own message */
  free(text);
}
