/*
** finalizer.c
** Which thread a finalizer runs on
*/

#include "finalizer.h"

#include <string.h>

#include "chain.h"
#include "lifecycle.h"
#include "measure.h"


static void removehook (lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
}


static int donothing (lua_State *L) {
  (void)L;
  return 0;
}


/* Would a hook be called on L? Tries it with one that removes itself. What is
   left of the count of a hook stays, where it shows. */
static int hooksrun (const struct universe *u, lua_State *L) {
  lua_Hook hook = lua_gethook(L);
  int mask = lua_gethookmask(L);
  int count = lua_gethookcount(L);
  int left = u->count_at != 0 ? measure_counted(L, u->count_at) : 0;
  int removed;
  lua_sethook(L, removehook, LUA_MASKCALL, 0);
  lua_pushcfunction(L, donothing);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK)
    lua_pop(L, 1);
  removed = lua_gethook(L) == NULL;
  lua_sethook(L, hook, mask, count);
  if (u->count_at != 0)
    measure_setcounted(L, u->count_at, left);
  return removed;
}


/*
** One finalizer runs at a time, anywhere. Lua suppresses the hooks of the
** thread that it runs on, and of no other (GCTM in lgc.c). They are also
** suppressed inside a hook, for which the answer is a careful yes.
*/
int finalizer_runson (const struct universe *u, lua_State *L) {
  return finalizer_runs(u, L) && !hooksrun(u, L);
}


typedef int runson (const struct universe *u, lua_State *L);

/* Does one run on 'outer', or on a stock coroutine by way of which that resumed
   'inner', as far as these show? */
static int runsonway (const struct universe *u, lua_State *L, lua_State *outer,
                      const lua_State *inner, runson *test) {
  int n = chain_push(L, outer, inner);
  int found = outer != inner && test(u, outer);
  for (; n > 0; n--) {
    found = found || test(u, lua_tothread(L, -1));
    lua_pop(L, 1);
  }
  return found;
}


/* Does one run on a thread between L and f, f included? 'known' becomes false
   where stock coroutines, which may not show, resumed each other. */
static int showsinside (const struct universe *u, lua_State *L,
                        const struct fiber *f, int hooked, int *known) {
  const struct fiber *x = u->running;
  int found = (!hooked && finalizer_runson(u, L))
              || runsonway(u, L, x->L, L, finalizer_runson);
  *known = x->L == L;
  for (; !found && x != f; x = x->resumer) {
    lua_State *outer = x->resumer->L;
    found = finalizer_runson(u, x->from)
            || runsonway(u, L, outer, x->from, finalizer_runson);
    *known = *known && x->from == outer;
  }
  return found;
}


/*
** The same as finalizer_runson, without that yes: whether it is a hook shows by
** a name (funcnamefromcall in ldebug.c), unless that ends in a tail call. A
** finalizer that a hook in C collects has the name of a hook, too. To find a
** level takes time with its number.
*/
static int runsonsurely (const struct universe *u, lua_State *L) {
  lua_Debug ar;
  int level, runs = finalizer_runson(u, L), named = !runs;
  for (level = 0; !named && level < NESTED_C_CALLS
                  && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "n", &ar);
    runs = strcmp(ar.namewhat, "hook") != 0;
    named = !runs || (strcmp(ar.namewhat, "metamethod") == 0
                      && strcmp(ar.name, "__gc") == 0);
  }
  return runs;
}


/*
** Does one run outside of f? Where all threads inside are known, a thread that
** may be in a hook is taken for the one it runs on; else it must be sure.
*/
static int showsoutside (const struct universe *u, const struct fiber *f,
                         int known) {
  runson *test = known ? finalizer_runson : runsonsurely;
  lua_State *L = f->L;
  int found = 0;
  if (!lua_checkstack(L, LUA_MINSTACK))
    return 0;
  for (; !found && f != NULL; f = f->resumer) {
    lua_State *outer = f->resumer != NULL ? f->resumer->L : thread_main(L);
    found = test(u, f->from) || runsonway(u, L, outer, f->from, test);
  }
  return found;
}


int finalizer_isinside (const struct universe *u, lua_State *L,
                        const struct fiber *f, int hooked) {
  int known;
  if (LIKELY(!finalizer_runs(u, L)))
    return 0;
  return showsinside(u, L, f, hooked, &known)
         || (COMPAT_FINALIZES_ALONE && !showsoutside(u, f, known));
}


/* Is the place where errors of 'inner' go further in on the running stack than
   that of 'outer'? */
static int isfurther (const struct universe *u, const lua_State *inner,
                      const lua_State *outer) {
  uintptr_t here = (uintptr_t)switch_here();
  return marks_jump(&u->marks, inner) - here
         < marks_jump(&u->marks, outer) - here;
}


lua_State *finalizer_blamed (const struct universe *u, lua_State *L) {
  const struct fiber *f = u->running;
  lua_State *co;
  if (!finalizer_runs(u, L) || u->marks.jump == 0)
    return L;
  if (f != NULL && fiber_isunder(f) && !isfurther(u, L, f->L))
    L = f->L;
  while ((co = chain_resumed(L)) != NULL && isfurther(u, co, L))
    L = co;
  return L;
}
