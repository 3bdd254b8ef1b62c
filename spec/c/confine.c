/*
** confine.c
** What a system may deny to a process, and what it has: memory that is locked,
** few mappings, little address space, a filter of system calls
*/

#define _GNU_SOURCE  /* mlockall, MAP_ANONYMOUS, malloc_trim */

#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#if defined(__linux__)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

int luaopen_confine (lua_State *L);


/* Nil and a message, where 'done' is false. */
static int result (lua_State *L, int done) {
  if (done) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, strerror(errno));
  return 2;
}


/* addressspace([bytes]): at most, from now on; none: as much as before */
static int addressspace (lua_State *L) {
  struct rlimit limit;
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = lua_isnoneornil(L, 1) ? limit.rlim_max
                                         : (rlim_t)luaL_checkinteger(L, 1);
  return result(L, setrlimit(RLIMIT_AS, &limit) == 0);
}


/* lock(): all memory, and what comes */
static int lock (lua_State *L) {
  return result(L, mlockall(MCL_CURRENT | MCL_FUTURE) == 0);
}


/* mappings(left, pages): uses up all mappings that the system allows, by
   splitting one of so many pages, but 'left' */
static int mappings (lua_State *L) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t pages = (size_t)luaL_checkinteger(L, 2), i = 1;
  lua_Integer left = luaL_checkinteger(L, 1);
  char *at = (char *)mmap(NULL, pages * page, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED)
    return result(L, 0);
  while (i < pages && mprotect(at + i * page, page, PROT_READ) == 0)
    i += 2;  /* each is two more */
  while (left > 0 && i > 2) {
    i -= 2;
    left -= 2;
    mprotect(at + i * page, page, PROT_NONE);
  }
  return result(L, left <= 0);
}


/* growheap(bytes): 'malloc' will have them without asking the system */
static int growheap (lua_State *L) {
  size_t bytes = (size_t)luaL_checkinteger(L, 1);
  void *volatile block;  /* else the compiler leaves the calls out */
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
  block = malloc(bytes);
  free(block);
  return 0;
}


/* releaseheap(): what 'free' got goes back to the system */
static int releaseheap (lua_State *L) {
  (void)L;
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
  return 0;
}


#if defined(__linux__)

/* deny(advice): from now on 'madvise' refuses that one */
static int deny (lua_State *L) {
  const unsigned advice = (unsigned)luaL_checkinteger(L, 1);
  const __u64 one = 1;
  const unsigned lower = *(const char *)&one == 1 ? 0 : 4;  /* half: its place */
  struct sock_filter filter[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
  };
  struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
  filter[2].k += lower;
  filter[3].k = advice;
  return result(L, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

#else

static int deny (lua_State *L) {
  errno = ENOSYS;
  return result(L, 0);
}

#endif


static const luaL_Reg functions[] = {
  {"addressspace", addressspace},
  {"deny", deny},
  {"growheap", growheap},
  {"lock", lock},
  {"mappings", mappings},
  {"releaseheap", releaseheap},
  {NULL, NULL}
};


int luaopen_confine (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
