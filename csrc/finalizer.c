/*
** finalizer.c
** Which thread a finalizer runs on
*/

#include "finalizer.h"

#include <string.h>

#include "chain.h"
#include "lifecycle.h"


static void removehook (lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
}


static int donothing (lua_State *L) {
  (void)L;
  return 0;
}


/* Would a hook be called on L? Tries it with one that removes itself. */
static int hooksrun (lua_State *L) {
  lua_Hook hook = lua_gethook(L);
  int mask = lua_gethookmask(L);
  int count = lua_gethookcount(L);
  int removed;
  lua_sethook(L, removehook, LUA_MASKCALL, 0);
  lua_pushcfunction(L, donothing);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK)
    lua_pop(L, 1);
  removed = lua_gethook(L) == NULL;
  lua_sethook(L, hook, mask, count);
  return removed;
}


/*
** One finalizer runs at a time, anywhere. Lua suppresses the hooks of the
** thread that it runs on, and of no other (GCTM in lgc.c). They are also
** suppressed inside a hook, for which the answer is a careful yes.
*/
int finalizer_runson (lua_State *L) {
  return compat_finalizes(L) && !hooksrun(L);
}


/* Is there one between L and f, f included? As far as it shows: what stock
   coroutines resumed each other there is not known. */
static int showsinside (const struct universe *u, lua_State *L,
                        const struct fiber *f, int hooked) {
  const struct fiber *x = u->running;
  int found = (!hooked && finalizer_runson(L))
              || (x->L != L && finalizer_runson(x->L));
  for (; !found && x != f; x = x->resumer) {
    found = finalizer_runson(x->resumer->L)
            || (x->from != x->resumer->L && finalizer_runson(x->from));
  }
  return found;
}


/*
** The same as finalizer_runson, without that yes: whether it is a hook shows by
** a name (funcnamefromcall in ldebug.c), unless that ends in a tail call. To
** find a level takes time with its number.
*/
static int runsonsurely (lua_State *L) {
  lua_Debug ar;
  int level, runs = finalizer_runson(L), known = !runs;
  for (level = 0; !known && level < NESTED_C_CALLS
                  && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "n", &ar);
    runs = strcmp(ar.namewhat, "hook") != 0;
    known = !runs || (strcmp(ar.namewhat, "metamethod") == 0
                      && strcmp(ar.name, "__gc") == 0);
  }
  return runs;
}


/* The same for 'outer', for 'inner', and for those by way of which it resumed
   that. They show on L for a while. */
static int runsbetween (lua_State *L, lua_State *outer, lua_State *inner) {
  int n = chain_push(L, outer, inner);
  int found = runsonsurely(inner)
              || (outer != inner && runsonsurely(outer));
  for (; n > 0; n--) {
    found = found || runsonsurely(lua_tothread(L, -1));
    lua_pop(L, 1);
  }
  return found;
}


/* Does it show outside of f? */
static int showsoutside (const struct fiber *f) {
  lua_State *L = f->L;
  int found = 0;
  if (lua_checkstack(L, LUA_MINSTACK)) {
    for (; !found && f != NULL; f = f->resumer)
      found = runsbetween(L, f->resumer != NULL ? f->resumer->L : thread_main(L),
                          f->from);
  }
  return found;
}


int finalizer_isinside (const struct universe *u, lua_State *L,
                        const struct fiber *f, int hooked) {
  if (LIKELY(!compat_finalizes(L)))
    return 0;
  return showsinside(u, L, f, hooked)
         || (COMPAT_FINALIZES_ALONE && !showsoutside(f));
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
  if (!compat_finalizes(L) || u->marks.jump == 0)
    return L;
  if (f != NULL && fiber_isunder(f) && !isfurther(u, L, f->L))
    L = f->L;
  while ((co = chain_resumed(L)) != NULL && isfurther(u, co, L))
    L = co;
  return L;
}
