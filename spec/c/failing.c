/*
** failing.c
** Makes system calls of this process fail on demand, and 'calloc' where cfiber
** calls it. To be preloaded (LD_PRELOAD): then its functions come before those
** of the C library.
*/

#define _GNU_SOURCE  /* RTLD_NEXT */

#include <dlfcn.h>
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int luaopen_failing (lua_State *L);

enum { MMAP, MUNMAP, MPROTECT, MADVISE, SIGALTSTACK, CALLOC,
       ACCESS };  /* that are MPROTECT and MADVISE */

static const char *const names[] = {"mmap", "munmap", "mprotect", "madvise",
                                    "sigaltstack", "calloc", "access", NULL};

static int victim = -1;  /* the one that fails */
static lua_Integer wait, fail;  /* uses that succeed first, then fail */


static int fails (int call) {
  int access = call == MPROTECT || call == MADVISE;
  if (call != victim && !(victim == ACCESS && access))
    return 0;
  if (wait > 0) {
    wait--;
    return 0;
  }
  if (fail == 0)
    return 0;
  fail--;
  errno = ENOMEM;
  return 1;
}


/* Sets '*function', whatever its type, to the C library's. */
static void find (int call, void *function) {
  *(void **)function = dlsym(RTLD_NEXT, names[call]);
}


void *mmap (void *at, size_t bytes, int protection, int flags, int file,
            off_t offset) {
  void *(*original) (void *, size_t, int, int, int, off_t);
  if (fails(MMAP))
    return MAP_FAILED;
  find(MMAP, &original);
  return original(at, bytes, protection, flags, file, offset);
}


int munmap (void *at, size_t bytes) {
  int (*original) (void *, size_t);
  if (fails(MUNMAP))
    return -1;
  find(MUNMAP, &original);
  return original(at, bytes);
}


int mprotect (void *at, size_t bytes, int protection) {
  int (*original) (void *, size_t, int);
  if (fails(MPROTECT))
    return -1;
  find(MPROTECT, &original);
  return original(at, bytes, protection);
}


int madvise (void *at, size_t bytes, int advice) {
  int (*original) (void *, size_t, int);
  if (fails(MADVISE))
    return -1;
  find(MADVISE, &original);
  return original(at, bytes, advice);
}


int sigaltstack (const stack_t *new, stack_t *old) {
  int (*original) (const stack_t *, stack_t *);
  if (fails(SIGALTSTACK))
    return -1;
  find(SIGALTSTACK, &original);
  return original(new, old);
}


#if defined(__GLIBC__)

static int iscfiber (const void *address) {
  Dl_info info;
  return dladdr(address, &info) && info.dli_fname != NULL
      && strstr(info.dli_fname, "/cfiber.so") != NULL;
}


/* glibc's other name for 'calloc': 'dlsym' may call that itself. */
extern void *__libc_calloc (size_t n, size_t size);

void *calloc (size_t n, size_t size) {
  if (victim == CALLOC && iscfiber(__builtin_return_address(0))
      && fails(CALLOC))
    return NULL;
  return __libc_calloc(n, size);
}

#endif


/* failing(name, wait, fail): of the call 'name' ("access": of mprotect and
   madvise) the first 'wait' uses succeed and the next 'fail' ones do not; no
   other call fails. Returns what was left of the former two. */
static int failing (lua_State *L) {
  int call = luaL_checkoption(L, 1, NULL, names);
  lua_Integer towait = luaL_checkinteger(L, 2);
  lua_Integer tofail = luaL_checkinteger(L, 3);
  lua_pushinteger(L, wait);
  lua_pushinteger(L, fail);
  victim = call;
  wait = towait;
  fail = tofail;
  return 2;
}


int luaopen_failing (lua_State *L) {
  lua_pushcfunction(L, failing);
  return 1;
}
