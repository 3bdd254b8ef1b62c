/*
** child.h
** What is expected to die runs in a child process
*/

#ifndef child_h
#define child_h

#if defined(_WIN32)

#include "windows/child.h"

#else

#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs f in a child. Returns the signal that killed it, or minus the result
   of f. */
static inline int child_run (int (*f) (void *data), void *data) {
  int status;
  pid_t pid = fork();
  if (pid == 0) {
    struct rlimit nocore = {0, 0};
    setrlimit(RLIMIT_CORE, &nocore);
    signal(SIGSEGV, SIG_DFL);  /* cmocka has handlers for these */
    signal(SIGBUS, SIG_DFL);
    _exit(f(data));
  }
  assert_true(pid > 0);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

#endif

/* Was the signal that of a bad address? Apple's systems send SIGBUS. */
static inline int child_isfault (int result) {
#if defined(SIGBUS)
  return result == SIGSEGV || result == SIGBUS;
#else
  return result == SIGSEGV;
#endif
}

/* A test body: writes a byte at an address. */
static inline int child_touch (void *address) {
  *(volatile char *)address = 1;
  return 0;
}

/* A test body: reads a byte at an address. */
static inline int child_read (void *address) {
  return *(volatile char *)address & 0;
}

#endif
