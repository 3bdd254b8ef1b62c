/* pthread.h: see types.h */

#ifndef pthread_h
#define pthread_h

#include "types.h"

typedef struct opaque_thread *pthread_t;
typedef unsigned long pthread_key_t;

pthread_t pthread_self (void);
int pthread_key_create (pthread_key_t *key, void (*destructor) (void *));
int pthread_key_delete (pthread_key_t key);
void *pthread_getspecific (pthread_key_t key);
int pthread_setspecific (pthread_key_t key, const void *value);

#endif
