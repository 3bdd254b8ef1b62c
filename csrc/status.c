/*
** status.c
** What others see of a fiber
*/

#include "chain.h"
#include "fiber.h"
#include "finalizer.h"
#include "lifecycle.h"


const char *fiber_statusname (int status) {
  static const char *const names[] = {"running", "dead", "suspended", "normal"};
  return names[status];
}


int fiber_isfresh (lua_State *co) {
  lua_Debug ar;
  return lua_status(co) == LUA_OK && lua_gettop(co) > 0
      && !lua_getstack(co, 0, &ar);
}


/* Is 'co' one of the threads from 'inner' outwards to 'outer', on one stack?
   A careful yes where they do not show. */
static int isbetween (lua_State *L, lua_State *outer, lua_State *inner,
                      const lua_State *co) {
  int n = chain_push(L, outer, inner);
  int found = n < 0 || outer == co || inner == co;
  for (; n > 0; n--) {
    found = found || lua_tothread(L, -1) == co;
    lua_pop(L, 1);
  }
  return found;
}


/* Is 'co' inside f, which is suspended with others inside? */
static int iscarried (lua_State *L, const struct fiber *f,
                      const lua_State *co) {
  const struct fiber *x = f->inner;
  lua_State *inner = f->at;
  if (f->state != FIBER_SUSPENDED || x == NULL)
    return 0;
  while (!isbetween(L, x->L, inner, co)) {
    if (x == f)
      return 0;
    inner = x->from;
    x = x->resumer;
  }
  return 1;
}


/* Does 'co' run or resume another, as L does now or as one inside a fiber that
   is suspended? May raise. */
static int isactive (struct universe *u, lua_State *L, const lua_State *co) {
  const struct fiber *f = u->running;
  lua_State *inner = L;
  size_t i;
  threads_reconcile(u, L);  /* the threads in the map are looked at */
  for (i = 0; i < u->map.capacity; i++) {
    if (u->map.slots[i].key != NULL
        && iscarried(L, (struct fiber *)u->map.slots[i].value, co))
      return 1;
  }
  for (; f != NULL; f = f->resumer) {
    if (isbetween(L, f->L, inner, co))
      return 1;
    inner = f->from;
  }
  return isbetween(L, thread_main(L), inner, co);
}


int fiber_isleft (struct universe *u, lua_State *L, lua_State *co) {
  return fiber_find(u, co) == NULL && map_find(&u->lost, co) == NULL
      && !isactive(u, L, co) && !thread_isburied(L, co);
}


/*
** Was 'co', in the middle of calls, jumped out of? If so it is buried, unless
** it is already. Its address tells, if nobody runs at it.
*/
static int isabandoned (struct universe *u, lua_State *L, lua_State *co) {
  if (thread_isburied(L, co))
    return 1;
  if (map_find(&u->lost, co) == NULL || isactive(u, L, co))
    return 0;
  thread_bury(L, co);
  map_remove(&u->lost, co);
  return 1;
}


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
      return isabandoned(u, L, co) ? THREAD_DEAD : THREAD_NORMAL;
    default:  /* ended with an error */
      return THREAD_DEAD;
  }
}


struct fiber *fiber_find (struct universe *u, lua_State *co) {
  struct fiber *f = fiber_suspended(u, co);
  if (f == NULL)
    f = (struct fiber *)map_find(&u->map, co);
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
  return f != NULL && f->body != BODY_CLOSE && !finalizer_runson(u, co);
}
