/*
** status.c
** What others see of a fiber
*/

#include "fiber.h"
#include "lifecycle.h"


const char *const fiber_statusnames[] =
  {"running", "dead", "suspended", "normal"};


int fiber_status (struct universe *u, lua_State *L, lua_State *co) {
  lua_Debug ar;
  fiber_settle(u, L);
  if (L == co)
    return THREAD_RUNNING;
  switch (lua_status(co)) {
    case LUA_YIELD:
      return THREAD_SUSPENDED;
    case LUA_OK:
      if (!lua_getstack(co, 0, &ar))  /* no frames: ended or not started */
        return lua_gettop(co) == 0 ? THREAD_DEAD : THREAD_SUSPENDED;
      if (fiber_suspended(u, co) != NULL)
        return THREAD_SUSPENDED;
      return thread_isburied(L, co) ? THREAD_DEAD : THREAD_NORMAL;
    default:  /* ended with an error */
      return THREAD_DEAD;
  }
}


struct fiber *fiber_find (struct universe *u, lua_State *co) {
  struct fiber *f = (struct fiber *)map_find(&u->map, co);
  if (f == NULL) {  /* without an anchor it can only run */
    f = u->running;
    while (f != NULL && f->L != co)
      f = f->resumer;
  }
  return f;
}


int fiber_isyieldable (struct universe *u, lua_State *co) {
  struct fiber *f;
  if (lua_isyieldable(co) || fiber_suspended(u, co) != NULL)
    return 1;
  f = fiber_find(u, co);
  return f != NULL && f->body != BODY_CLOSE && !finalizer_runson(co);
}
