/* sched.h: see types.h */

#ifndef sched_h
#define sched_h

int sched_yield (void);

#endif
