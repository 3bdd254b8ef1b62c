/* stdlib.h: see types.h */

#ifndef stdlib_h
#define stdlib_h

#include "types.h"

void abort (void) __attribute__((noreturn));
void *calloc (size_t number, size_t bytes);
void free (void *block);
char *getenv (const char *name);
void *malloc (size_t bytes);
void *realloc (void *block, size_t bytes);

#endif
