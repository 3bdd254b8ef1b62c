/*
** slab.h
** Memory for stacks of one size: one mapping for many. Knows no Lua.
**
**   mapping
**   | struct slab | guard |  stack 0  | guard |  stack 1  | ...
**   |   a page    |<---- a slot ----->|<---- a slot ----->|
**
** A slot is fresh (nothing was done to it, it has no guard yet), in use, or
** given back: guarded, without memory. Slots are used from the first to the
** last; those given back go first, the latest of them before the others.
*/

#ifndef slab_h
#define slab_h

#include <stddef.h>

#include "config.h"
#include "pages.h"
#include "stack.h"

struct slab {
  struct slab *next, *prev;  /* the pool's: its slabs with free slots */
  size_t size;  /* of each stack, whole pages */
  size_t bytes;  /* of the mapping */
  int slots;  /* there are */
  int begun;  /* of them, those that are not fresh: the first ones */
  int used;  /* of those, in use */
};  /* behind it the slots given back (see slab.c) */

/* Makes a slab of 1 to SLAB_SLOTS_MAX slots for stacks of 'size' bytes, whole
   pages. NULL with errno set when memory is short. */
PRIVATE struct slab *slab_new (size_t size, int slots);

/* Gives back a slab with no slot in use. 0; or -1 when the system refuses:
   then it is as good as before. */
PRIVATE int slab_free (struct slab *b);

/* A stack of a slab that has a free slot, guarded as pages_guard does it. Its
   upper end moves down by 'shift' bytes, whole cache lines. NULL with errno set
   when the system refuses the guard. */
PRIVATE struct stack *slab_take (struct slab *b, size_t shift,
                                 enum pages_guard *way);

/* Takes a stack of this slab back, and its memory. Nobody stands on it. */
PRIVATE void slab_give (struct slab *b, struct stack *s);

#endif
