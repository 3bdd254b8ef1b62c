/*
** unwinding.c
** The end of a suspended stack
*/

#include "unwinding.h"

/* Lies on the stack of who drops another. */
struct unwinding {
  struct fiber message;  /* nothing of it but 'nvalues': FIBER_UNWIND or
                            FIBER_LOOK */
  struct fiber *f;  /* whose stack is left or looked at */
  int found;  /* FIBER_LOOK: the answer */
};


/* The fibers that run have had the thread's state together until now; what
   they have open at present belongs to the outermost for the others. */
void unwind_look (struct universe *u) {
  cxx_getter getter = u->exceptions == NULL ? cxx_find() : NULL;
  struct fiber *f;
  if (getter != NULL) {
    for (f = u->running; f != NULL; f = f->resumer)
      f->exceptions = *getter();
    u->exceptions = getter;
  }
}


/* Where Lua can yield compactly nothing on the stack is missed, except below a
   C function that yields and goes on. */
int unwind_isneeded (struct universe *u, const struct fiber *f) {
  if (lua_isyieldable(f->L) && !f->inside && f->inner == NULL
      && (f->state != FIBER_EXITED || f->at == f->L))
    return 0;
  unwind_look(u);
  return u->exceptions != NULL;
}


/* All frames are left. */
static void finish (void *arg) {
  struct fiber *f = (struct fiber *)arg;
  f->status = LUA_OK;
  f->nvalues = 0;
  f->state = FIBER_FINISHED;
  fiber_exit(f);
}


struct fiber *unwind_here (struct fiber *message) {
  struct unwinding *w = (struct unwinding *)(void *)message;
  if (message->nvalues == FIBER_UNWIND)
    cxx_unwind(&w->f->unwinding, finish, w->f);
  w->found = cxx_finds(fiber_entry);
  return fiber_leave(w->f);
}


int unwind_finds (struct universe *u, lua_State *L, struct fiber *f) {
  lua_State *from = f->from;
  struct unwinding w;
  if (f->inner != NULL && f->inner != f)
    return 1;
  w.message.nvalues = FIBER_LOOK;
  w.f = f;
  fiber_send(u, f, L, &w.message);
  f->state = FIBER_SUSPENDED;
  f->from = from;
  return w.found;
}


void unwind_forget (struct fiber *f) {
  if (f->unwinds) {
    f->unwinds = 0;
    cxx_end(&f->unwinding);
  }
}


/* Leaves the frames on the stack of f alone. Whatever it does instead of coming
   to the end, it is over: what it yielded or exited with is not wanted. */
static void unwindstack (struct universe *u, lua_State *L, struct fiber *f,
                         const struct pending *rest) {
  struct unwinding w;
  w.message.nvalues = FIBER_UNWIND;
  w.f = f;
  fiber_setclose(f, rest);
  unwind_forget(f);
  cxx_begin(&f->unwinding, stack_low(f->stack), f);
  f->unwinds = 1;
  fiber_visit(u, L, f);
  fiber_send(u, f, L, &w.message);
  unwind_forget(f);
  if (f->state == FIBER_SUSPENDED) {
    u->suspended--;
    lua_pop(f->L, f->nvalues);
  }
  else if (f->state == FIBER_EXITED)
    lua_pop(L, f->nvalues);
  f->state = FIBER_FINISHED;
}


/* Each fiber gets its own context into its own slot (see fiber.h). Returns the
   innermost one. */
static struct fiber *separate (struct fiber *f) {
  struct fiber *innermost = f->inner != NULL ? f->inner : f;
  struct fiber *x = innermost;
  struct context own = f->context;
  struct cxx_exceptions state = f->exceptions;
  struct annotation account = f->annotation;
  for (; x != f; x = x->resumer) {
    struct context next = x->context;
    struct cxx_exceptions nextstate = x->exceptions;
    x->context = own;
    x->exceptions = state;
    annotate_exchange(&x->annotation, &account);
    own = next;
    state = nextstate;
  }
  f->context = own;
  f->exceptions = state;
  f->annotation = account;
  return innermost;
}


void unwind_fiber (struct universe *u, lua_State *L, struct fiber *f,
                   const struct pending *rest) {
  struct fiber *x, *resumer;
  if (f->state == FIBER_SUSPENDED)
    u->suspended--;
  f->state = FIBER_RUNNING;  /* nobody may resume or close it */
  for (x = separate(f); x != f; x = resumer) {
    resumer = x->resumer;
    unwindstack(u, L, x, rest);
    x->resumer = resumer;
  }
  unwindstack(u, L, f, rest);
}
