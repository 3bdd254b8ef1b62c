/* stdio.h: see types.h */

#ifndef stdio_h
#define stdio_h

#include "types.h"

typedef struct opaque_file FILE;

#define BUFSIZ 1024

extern FILE *__stderrp;
#define stderr __stderrp

int fprintf (FILE *f, const char *format, ...);
int snprintf (char *to, size_t bytes, const char *format, ...);
int fflush (FILE *f);

#endif
