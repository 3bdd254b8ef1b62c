/* string.h: see types.h */

#ifndef string_h
#define string_h

#include "types.h"

int memcmp (const void *a, const void *b, size_t bytes);
void *memcpy (void *to, const void *from, size_t bytes);
void *memmove (void *to, const void *from, size_t bytes);
void *memset (void *to, int byte, size_t bytes);
int strcmp (const char *a, const char *b);
char *strerror (int number);
size_t strlen (const char *text);
int strncmp (const char *a, const char *b, size_t bytes);

#endif
