/*
** report.c
** The report of an overflow: who it is about, and its line
*/

#include "report.h"

#include <stdint.h>


/*
** {======================================================
** The line
** =======================================================
*/

/* The name of a chunk may contain anything. */
static void addtext (struct report *r, const char *text) {
  for (; *text != '\0' && r->length < sizeof(r->text) - 1; text++)
    r->text[r->length++] = (char)((unsigned char)*text < ' ' ? '?' : *text);
}


static void addnumber (struct report *r, uintptr_t n, unsigned int base) {
  char digits[sizeof(n) * 3 + 1];
  char *d = digits + sizeof(digits) - 1;
  *d = '\0';
  do {
    *--d = "0123456789abcdef"[n % base];
    n /= base;
  } while (n > 0);
  addtext(r, d);
}


void report_begin (struct report *r, const struct fiber *f) {
  r->length = 0;
  addtext(r, "cfiber: C stack overflow in fiber 0x");
  addnumber(r, (uintptr_t)f->L, 16);
}


void report_place (struct report *r, lua_State *L) {
  lua_Debug ar;
  int level;
  for (level = 0; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline > 0) {
      addtext(r, " at ");
      addtext(r, ar.short_src);
      addtext(r, ":");
      addnumber(r, (uintptr_t)ar.currentline, 10);
      return;
    }
  }
}


void report_end (struct report *r, const struct fiber *f) {
  addtext(r, ": its stack has ");
  addnumber(r, f->stack->size >> 10, 10);
  addtext(r, " KB, cfiber.config{stack_size=...} raises it");
  r->text[r->length++] = '\n';
}

/* }====================================================== */


INLINE int inguard (const struct stack *s, const void *address) {
  return (uintptr_t)address - (uintptr_t)s->base
       < (uintptr_t)stack_low(s) - (uintptr_t)s->base;
}


const struct fiber *report_overflown (const struct universe *u,
                                      const void *address) {
  const struct fiber *f = NULL;
  for (; u != NULL && f == NULL; u = u->next) {
    if (u->overflow_report && fiber_athome(u)) {
      f = u->running;
      while (f != NULL && !inguard(f->stack, address))
        f = f->resumer;
    }
  }
  return f;
}


struct fiber *report_running (struct universe **u, const void *address) {
  struct fiber *f = NULL;
  for (; *u != NULL; *u = (*u)->next) {
    f = fiber_athome(*u) ? (*u)->running : NULL;
    while (f != NULL && !stack_holds(f->stack, address))
      f = f->resumer;
    if (f != NULL)
      break;
  }
  return f;
}
