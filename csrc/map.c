/*
** map.c
** From a thread's address to the fiber mounted on it
*/

#include "map.h"

#include <stdlib.h>

#define CAPACITY_MIN 64


/* Slots of an empty map, shared by all: nobody writes to them. */
static struct map_slot none;


void map_init (struct map *m) {
  m->slots = &none;
  m->capacity = 1;
  m->count = 0;
}


/* Moves all keys to 'capacity' slots. */
static int move (struct map *m, size_t capacity) {
  struct map old = *m;
  size_t i;
  struct map_slot *slots =
    (struct map_slot *)calloc(capacity, sizeof(struct map_slot));
  if (slots == NULL)
    return -1;
  m->slots = slots;
  m->capacity = capacity;
  m->count = 0;
  for (i = 0; i < old.capacity; i++) {
    if (old.slots[i].key != NULL)
      map_insert(m, old.slots[i].key, old.slots[i].value);
  }
  map_clear(&old);
  return 0;
}


int map_reserve (struct map *m) {
  if ((m->count + 1) * 2 <= m->capacity)
    return 0;
  return move(m, m->capacity < CAPACITY_MIN ? CAPACITY_MIN : m->capacity * 2);
}


void map_shrink (struct map *m) {
  if (m->capacity > CAPACITY_MIN && m->count * 8 < m->capacity)
    move(m, m->capacity / 2);
}


void map_clear (struct map *m) {
  if (m->slots != &none)
    free(m->slots);
  map_init(m);
}


void map_insert (struct map *m, const void *key, void *value) {
  struct map_slot *s = map_locate(m, key);
  s->key = key;
  s->value = value;
  m->count++;
}


/* Keys behind the freed slot move up, unless that would put them before
   their home: no search may meet a hole on its way (Knuth, TAOCP 3, 6.4,
   algorithm R). */
void map_remove (struct map *m, const void *key) {
  size_t mask = m->capacity - 1;
  size_t hole = (size_t)(map_locate(m, key) - m->slots);
  size_t i = hole;
  for (;;) {
    i = (i + 1) & mask;
    if (m->slots[i].key == NULL)
      break;
    if (((i - map_home(m, m->slots[i].key)) & mask) >= ((i - hole) & mask)) {
      m->slots[hole] = m->slots[i];
      hole = i;
    }
  }
  m->slots[hole].key = NULL;
  m->slots[hole].value = NULL;
  m->count--;
}
