/* errno.h: see types.h */

#ifndef errno_h
#define errno_h

int *__error (void);

#define errno (*__error())
#define ENOMEM 12
#define EINVAL 22

#endif
