/*
** slab.c
** Memory for stacks of one size
*/

#include "slab.h"

#include "annotate.h"


static size_t guardsize (void) {
  return pages_round(GUARD_SIZE);
}


/* The slots given back, begun - used of them. No array at the end of the
   struct: C++ knows none of unknown size. */
static unsigned short *back (struct slab *b) {
  return (unsigned short *)(b + 1);
}


static size_t headsize (int slots) {
  return pages_round(sizeof(struct slab)
                     + (size_t)slots * sizeof(unsigned short));
}


struct slab *slab_new (size_t size, int slots) {
  size_t bytes = headsize(slots) + (size_t)slots * (guardsize() + size);
  struct slab *b = (struct slab *)pages_reserve(bytes);
  if (b != NULL) {
    b->size = size;
    b->bytes = bytes;
    b->slots = slots;
  }
  return b;
}


int slab_free (struct slab *b) {
  return pages_release(b, b->bytes);
}


static char *slotbase (struct slab *b, int slot) {
  return (char *)b + headsize(b->slots)
       + (size_t)slot * (guardsize() + b->size);
}


/* The record of a stack goes with its memory and is written again. */
static struct stack *makerecord (struct slab *b, char *base, size_t shift) {
  size_t bytes = guardsize() + b->size;
  struct stack *s =
    (struct stack *)(void *)(base + bytes - shift - sizeof(struct stack));
  s->base = base;
  s->bytes = bytes;
  s->size = b->size;
  s->slab = b;
  s->trimmed = 0;
  s->prepared = 0;
  s->id = annotate_stack(stack_low(s), base + bytes - 1);
  return s;
}


struct stack *slab_take (struct slab *b, size_t shift, enum pages_guard *way) {
  int slot;
  if (b->used < b->begun)
    slot = back(b)[b->begun - b->used - 1];
  else {
    slot = b->begun;
    if (pages_guard(slotbase(b, slot), guardsize(), way) != 0)
      return NULL;
    b->begun++;
  }
  b->used++;
  return makerecord(b, slotbase(b, slot), shift);
}


void slab_give (struct slab *b, struct stack *s) {
  size_t slot = (size_t)(s->base - slotbase(b, 0)) / s->bytes;
  b->used--;
  back(b)[b->begun - b->used - 1] = (unsigned short)slot;
  annotate_nostack(s->id);
  pages_discard(stack_low(s), s->size);
}
