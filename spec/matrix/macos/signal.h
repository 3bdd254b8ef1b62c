/* signal.h: see types.h */

#ifndef signal_h
#define signal_h

#include "types.h"

#define SIGBUS 10
#define SIGSEGV 11

#define SIG_DFL ((void (*) (int))0)
#define SIG_IGN ((void (*) (int))1)
#define SIG_BLOCK 1

#define SA_ONSTACK 0x1
#define SA_RESTART 0x2
#define SA_RESETHAND 0x4
#define SA_NODEFER 0x10
#define SA_SIGINFO 0x40

#define SS_DISABLE 0x4
#define SIGSTKSZ 131072

union sigval {
  int sival_int;
  void *sival_ptr;
};

typedef struct {
  int si_signo;
  int si_errno;
  int si_code;
  pid_t si_pid;
  unsigned int si_uid;
  int si_status;
  void *si_addr;
  union sigval si_value;
  long si_band;
  unsigned long padding[7];
} siginfo_t;

struct sigaction {
  union {
    void (*handler) (int);
    void (*action) (int, siginfo_t *, void *);
  } u;
  sigset_t sa_mask;
  int sa_flags;
};

#define sa_handler u.handler
#define sa_sigaction u.action

typedef struct {
  void *ss_sp;
  size_t ss_size;
  int ss_flags;
} stack_t;

int raise (int sig);
int sigaction (int sig, const struct sigaction *new, struct sigaction *old);
int sigaddset (sigset_t *set, int sig);
int sigaltstack (const stack_t *new, stack_t *old);
int sigemptyset (sigset_t *set);
int sigprocmask (int how, const sigset_t *set, sigset_t *old);

#endif
