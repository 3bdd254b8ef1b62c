/*
** backtrace.c
** What 'backtrace' of <execinfo.h> finds, also in signal handlers
*/

#define _GNU_SOURCE

#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#if defined(__GLIBC__)

#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/time.h>
#include <ucontext.h>

#define FRAMES 200
#define PLACES 32768  /* a power of two */

static volatile sig_atomic_t sampling;

/* Which addresses were seen, and which as the last of a stack. */
static struct record {
  volatile int samples, longest, full;
  struct place {
    void *volatile address;
    volatile int last;
  } places[PLACES];
} record;


/*
** {======================================================
** What a handler does
** =======================================================
*/

static struct place *locate (void *address) {
  size_t i = ((uintptr_t)address * 0x9E3779B1u >> 8) & (PLACES - 1);
  int n;
  for (n = 0; n < PLACES; n++, i = (i + 1) & (PLACES - 1)) {
    struct place *p = &record.places[i];
    if (p->address == NULL)
      p->address = address;
    if (p->address == address)
      return p;
  }
  return NULL;
}


#if defined(__x86_64__)

/* The C library's functions that change stacks. Behind that change their unwind
   tables do not fit: 'backtrace' takes what lies there for an address, and reads
   at it. */
static struct range {
  uintptr_t low, size;
} changing[2];


static void findrange (struct range *r, void *function) {
  Dl_info info;
  const ElfW(Sym) *symbol = NULL;
  if (dladdr1(function, &info, (void **)&symbol, RTLD_DL_SYMENT) != 0
      && symbol != NULL) {
    r->low = (uintptr_t)info.dli_saddr;
    r->size = (uintptr_t)symbol->st_size;
  }
}


static void findchanging (void) {
  findrange(&changing[0], (void *)(uintptr_t)swapcontext);
  findrange(&changing[1], (void *)(uintptr_t)setcontext);
}


static int unwindable (const ucontext_t *interrupted) {
  uintptr_t pc = (uintptr_t)interrupted->uc_mcontext.gregs[REG_RIP];
  return pc - changing[0].low >= changing[0].size
      && pc - changing[1].low >= changing[1].size;
}

#elif defined(__i386__)

#define findchanging() ((void)0)

/* Functions of the compiler that give their return address (in any register):
   the linker takes those of the C library's startup files, which have no unwind
   tables. */
static int isthunk (const unsigned char *code) {
  return code[0] == 0x8B && (code[1] & 0xC7) == 0x04 && code[2] == 0x24
      && code[3] == 0xC3;
}


static int unwindable (const ucontext_t *interrupted) {
  const unsigned char *pc =
      (const unsigned char *)interrupted->uc_mcontext.gregs[REG_EIP];
  return !isthunk(pc) && !(*pc == 0xC3 && isthunk(pc - 3));
}

#else
#define findchanging() ((void)0)
#define unwindable(interrupted) ((void)(interrupted), 1)
#endif


static void sample (int sig, siginfo_t *info, void *interrupted) {
  void *frames[FRAMES];
  int n, i;
  (void)sig;
  (void)info;
  if (!sampling || !unwindable((const ucontext_t *)interrupted))
    return;
  n = backtrace(frames, FRAMES);
  record.samples++;
  record.longest = n > record.longest ? n : record.longest;
  for (i = 0; i < n; i++) {
    struct place *p = locate(frames[i]);
    if (p == NULL)
      record.full = 1;
    else if (i == n - 1)
      p->last++;
  }
}

/* }====================================================== */


/*
** {======================================================
** What it has seen
** =======================================================
*/

/* "object symbol" of an address, the object's name without its path. */
static void pushplace (lua_State *L, void *address) {
  Dl_info info;
  if (dladdr(address, &info) == 0)
    lua_pushliteral(L, "nowhere");
  else {
    const char *slash = strrchr(info.dli_fname, '/');
    lua_pushfstring(L, "%s %s", slash != NULL ? slash + 1 : info.dli_fname,
                    info.dli_sname != NULL ? info.dli_sname : "?");
  }
}


/* Pushes a table: how many 'samples', the 'longest' stack (frames, at most
   'most'), a set of all 'places' and how often each was the 'last'. */
static void pushrecord (lua_State *L) {
  int i;
  lua_createtable(L, 0, 5);
  lua_pushinteger(L, record.full ? -1 : record.samples);
  lua_setfield(L, -2, "samples");
  lua_pushinteger(L, record.longest);
  lua_setfield(L, -2, "longest");
  lua_pushinteger(L, FRAMES);
  lua_setfield(L, -2, "most");
  lua_newtable(L);
  lua_newtable(L);
  for (i = 0; i < PLACES; i++) {
    const struct place *p = &record.places[i];
    if (p->address != NULL) {
      pushplace(L, p->address);
      lua_pushvalue(L, -1);
      lua_pushboolean(L, 1);
      lua_rawset(L, -5);
      lua_pushvalue(L, -1);
      lua_rawget(L, -3);
      lua_pushinteger(L, lua_tointeger(L, -1) + p->last);
      lua_replace(L, -2);
      if (p->last > 0)
        lua_rawset(L, -3);
      else
        lua_pop(L, 2);
    }
  }
  lua_setfield(L, -3, "last");
  lua_setfield(L, -2, "places");
}

/* }====================================================== */


/* frames(): the places of the running stack, innermost first. */
static int frames (lua_State *L) {
  void *addresses[FRAMES];
  int n = backtrace(addresses, FRAMES), i;
  lua_createtable(L, n, 0);
  for (i = 0; i < n; i++) {
    pushplace(L, addresses[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}


static void handle (int sig, struct sigaction *before) {
  struct sigaction action;
  void *frame;
  backtrace(&frame, 1);  /* the first call loads a library */
  findchanging();
  memset(&record, 0, sizeof record);
  memset(&action, 0, sizeof action);
  action.sa_sigaction = sample;
  action.sa_flags = SA_RESTART | SA_SIGINFO;
  sigaction(sig, &action, before);
}


static void callsampled (lua_State *L) {
  sampling = 1;
  lua_call(L, 0, 0);
  sampling = 0;
}


static void settimer (int microseconds) {
  struct itimerval t;
  memset(&t, 0, sizeof t);
  t.it_interval.tv_usec = t.it_value.tv_usec = microseconds;
  setitimer(ITIMER_PROF, &t, NULL);
}


/* profile(f): calls f() with a SIGPROF each millisecond. */
static int profile (lua_State *L) {
  struct sigaction before;
  handle(SIGPROF, &before);
  settimer(1000);
  callsampled(L);
  settimer(0);
  sigaction(SIGPROF, &before, NULL);
  pushrecord(L);
  return 1;
}


#if defined(__x86_64__)

/* The trap flag: a signal after every instruction, but not in its handler.
   Steps over the red zone to push. */
static inline void setstepping (int on) {
  uint64_t flag = on ? 0x100 : 0;
  __asm__ volatile ("leaq -128(%%rsp), %%rsp\n\tpushfq\n\t"
                    "andq $~0x100, (%%rsp)\n\torq %0, (%%rsp)\n\t"
                    "popfq\n\tleaq 128(%%rsp), %%rsp"
                    : : "r" (flag) : "memory", "cc");
}


/* step(f): calls f() with a SIGTRAP after each instruction. */
static int step (lua_State *L) {
  struct sigaction before;
  handle(SIGTRAP, &before);
  setstepping(1);
  callsampled(L);
  setstepping(0);
  sigaction(SIGTRAP, &before, NULL);
  pushrecord(L);
  return 1;
}

#define HASSTEP 1
#else
#define step profile
#define HASSTEP 0
#endif


static const luaL_Reg functions[] = {
  {"frames", frames},
  {NULL, NULL}
};

static const luaL_Reg sampled[] = {
  {"profile", profile},
  {HASSTEP ? "step" : NULL, step},
  {NULL, NULL}
};


/* Before glibc 2.35, which has this function, the unwinder takes a lock: a
   handler waits for ever that interrupts it. */
static int unwindsinhandlers (void) {
  return dlsym(RTLD_DEFAULT, "_dl_find_object") != NULL;
}

#else

static const luaL_Reg functions[] = {
  {NULL, NULL}
};

#define sampled functions
#define unwindsinhandlers() 0

#endif


int luaopen_backtrace (lua_State *L);

int luaopen_backtrace (lua_State *L) {
  luaL_newlib(L, functions);
  if (unwindsinhandlers())
    luaL_setfuncs(L, sampled, 0);
  return 1;
}
