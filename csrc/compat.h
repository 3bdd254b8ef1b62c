/*
** compat.h
** Where the releases of Lua 5.4 and 5.5 differ
*/

#ifndef compat_h
#define compat_h

#include <lua.h>

#include "config.h"

/* Does a finalizer ('__gc') run on any thread? Or, unless that is all that it
   tells (COMPAT_FINALIZES_ALONE), has the user stopped the collector? */
#if LUA_VERSION_NUM > 504 || LUA_VERSION_RELEASE_NUM >= 50404
#define COMPAT_FINALIZES_ALONE 1
INLINE int compat_finalizes (lua_State *L) {
  return lua_gc(L, LUA_GCCOUNT, 0) == -1;  /* every option is invalid there */
}
#else
#define COMPAT_FINALIZES_ALONE 0
INLINE int compat_finalizes (lua_State *L) {
  return lua_gc(L, LUA_GCISRUNNING, 0) == 0;
}
#endif

/* 'lua_closethread' (manual 4.6), on the running stack. */
INLINE int compat_closethread (lua_State *co) {
#if LUA_VERSION_NUM > 504 || LUA_VERSION_RELEASE_NUM >= 50406
  return lua_closethread(co, NULL);
#else
  return lua_resetthread(co);
#endif
}

/* Does a thread that has frames run or resume another? While its variables are
   closed one keeps the status that it had, but cannot yield as suspended ones
   could, before 5.4.3. */
INLINE int compat_runs (lua_State *co) {
#if LUA_VERSION_NUM > 504 || LUA_VERSION_RELEASE_NUM >= 50403
  return lua_status(co) == LUA_OK;
#else
  return lua_status(co) == LUA_OK
         || (lua_status(co) == LUA_YIELD && !lua_isyieldable(co));
#endif
}

/* Do the variables of a thread run to their ends where it has a hook? Before
   5.4.3 Lua takes that for one that yielded (luaG_traceexec in ldebug.c), if
   the thread was suspended. */
INLINE int compat_closeshooked (lua_State *co) {
#if LUA_VERSION_NUM > 504 || LUA_VERSION_RELEASE_NUM >= 50403
  (void)co;
  return 1;
#else
  return lua_status(co) != LUA_YIELD;
#endif
}

/* Is the error of a function that 'coroutine.wrap' made that of the body, also
   where a to-be-closed variable raises another? */
#if LUA_VERSION_NUM == 504 && LUA_VERSION_RELEASE_NUM < 50403
#define COMPAT_WRAP_KEEPS_ERROR 1
#else
#define COMPAT_WRAP_KEEPS_ERROR 0
#endif

/* Does 'coroutine.close' close the coroutine that calls it, and not refuse? */
#if LUA_VERSION_NUM > 504
#define COMPAT_CLOSES_RUNNING
#endif

/* A Lua state without libraries, or NULL. */
INLINE lua_State *compat_newstate (lua_Alloc f, void *ud) {
#if LUA_VERSION_NUM > 504
  return lua_newstate(f, ud, 0);  /* no seed: nobody chooses its strings */
#else
  return lua_newstate(f, ud);
#endif
}

/* Has the collector do what it does after Lua has allocated so many KB. */
INLINE void compat_gcstep (lua_State *L, int kb) {
#if LUA_VERSION_NUM > 504
  lua_gc(L, LUA_GCSTEP, (size_t)kb << 10);
#else
  lua_gc(L, LUA_GCSTEP, kb);
#endif
}

#endif
