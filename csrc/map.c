/*
** map.c
** From a thread's address to the fiber mounted on it
*/

#include "map.h"


void map_init (struct map *m) {
  static struct map_slot free;  /* shared by all: nobody writes to it */
  m->slots = &free;
  m->capacity = 1;
  m->count = 0;
}


int map_full (const struct map *m) {
  return (m->count + 1) * 2 > m->capacity;
}


void map_move (struct map *m, struct map_slot *slots, size_t capacity) {
  struct map old = *m;
  size_t i;
  m->slots = slots;
  m->capacity = capacity;
  m->count = 0;
  for (i = 0; i < old.capacity; i++) {
    if (old.slots[i].key != NULL)
      map_insert(m, old.slots[i].key, old.slots[i].value);
  }
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
