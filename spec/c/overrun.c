/*
** overrun.c
** Lua module for the specs of the overflow report: native recursion, a host's
** own signal handlers, Lua states of its own and OS threads for them
*/

#define _DEFAULT_SOURCE  /* sigaction, sigaltstack, siglongjmp, alloca */

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(_WIN32)
#include <malloc.h>
#else
#include <alloca.h>
#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

int luaopen_overrun (lua_State *L);

#define FRAME 8300  /* bytes: the largest frame of Lua itself has that */
#define SMALL 2048
#define PAGE 4096

static volatile uintptr_t deepest;  /* the frame of the latest call of 'dig' */


/*
** {======================================================
** Recursion
** =======================================================
*/

/* Nests for ever, in frames of which next to nothing is touched. */
static __attribute__((noinline)) int dig (int n) {
  volatile char frame[FRAME];
  deepest = (uintptr_t)frame;
  if (n == 0)
    return 0;
  return dig(n - 1) + frame[n & 1];
}


/* overflow([shift]): runs into the guard, 'shift' bytes further down */
static int overflow (lua_State *L) {
  size_t shift = (size_t)luaL_optinteger(L, 1, 0);
  volatile char *room = (volatile char *)alloca(shift + 16);
  room[0] = 0;
  lua_pushinteger(L, dig(-1) + room[0]);
  return 1;
}


static volatile uintptr_t lowest;  /* else the calls may become a loop */


/* A frame has more than its array: the addresses tell how far it went. */
static __attribute__((noinline)) int reachdown (uintptr_t end) {
  volatile char frame[SMALL];
  lowest = (uintptr_t)frame;
  frame[0] = 1;
  if (lowest <= end)
    return frame[0];
  return reachdown(end) + frame[0];
}


/* reach(bytes): uses so much of the C stack */
static int reach (lua_State *L) {
  uintptr_t here = (uintptr_t)&L;
  lua_pushboolean(L, reachdown(here - (uintptr_t)luaL_checkinteger(L, 1)));
  return 1;
}


static void touch (void *address) {
  *(volatile char *)address = 1;
}


#if defined(_WIN32)

/* The first 64 KB never are. */
static void *nothing (void) {
  return (void *)PAGE;
}

#else

static void *nothing (void) {
  return mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

#endif


/* fault(): writes where nothing is */
static int fault (lua_State *L) {
  void *page = nothing();
  (void)L;
  deepest = (uintptr_t)page;
  touch(page);
  return 0;
}


/* muddle(): damages the list of calls of the running thread, then overflows */
static int muddle (lua_State *L) {
  void **word = (void **)(void *)L;
  lua_Debug ar;
  lua_getstack(L, 0, &ar);
  while (*word != (void *)ar.i_ci)
    word++;
  *word = (void *)sizeof(void *);
  return dig(-1);
}

/* }====================================================== */


#if !defined(_WIN32)

/*
** {======================================================
** Handlers of a host
** =======================================================
*/

static struct sigaction former;  /* what 'handler' replaced last */
static sigjmp_buf recovery;
static volatile sig_atomic_t jumps;  /* how often 'hostjump' ran */


static void say (const char *text) {
  if (write(STDERR_FILENO, text, strlen(text)) < 0)
    _exit(1);
}


static int isblocked (int sig) {
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  return sigismember(&mask, sig);
}


/* Leaves with 42 when all is as it should be. */
static void hostinfo (int sig, siginfo_t *info, void *context) {
  uintptr_t distance = deepest - (uintptr_t)info->si_addr;
  int near = distance + FRAME < 3 * FRAME;
  say("host\n");
  _exit(sig == SIGSEGV && info->si_signo == sig && context != NULL && near
        && isblocked(sig) ? 42 : 1);
}


/* Its action blocks SIGUSR1 and not the signal itself. */
static void hostplain (int sig) {
  say("host\n");
  _exit(sig == SIGSEGV && isblocked(SIGUSR1) && !isblocked(sig) ? 43 : 1);
}


static void hostjump (int sig) {
  (void)sig;
  jumps++;
  siglongjmp(recovery, 1);
}


/* Goes on to the one before, as a host does that came later. */
static void hostchain (int sig, siginfo_t *info, void *context) {
  say("host\n");
  if (former.sa_flags & SA_SIGINFO)
    former.sa_sigaction(sig, info, context);
  else
    _exit(44);
}


/* Makes the page accessible: the instruction succeeds. */
static void hostmend (int sig, siginfo_t *info, void *context) {
  (void)sig;
  (void)context;
  say("host\n");
  mprotect(info->si_addr, PAGE, PROT_READ | PROT_WRITE);
}


static int checksig (lua_State *L, int arg) {
  return strcmp(luaL_optstring(L, arg, "SEGV"), "BUS") == 0 ? SIGBUS : SIGSEGV;
}


enum { INFO, PLAIN, JUMP, CHAIN, MEND, ONCE, IGNORE, DEFAULT };

static const char *const kinds[] = {"info", "plain", "jump", "chain", "mend",
                                    "once", "ignore", "default", NULL};


static void setaction (struct sigaction *a, int kind) {
  static const struct sigaction actions[] = {
    {.sa_sigaction = hostinfo, .sa_flags = SA_SIGINFO | SA_ONSTACK},
    {.sa_handler = hostplain, .sa_flags = SA_NODEFER | SA_ONSTACK},
    {.sa_handler = hostjump, .sa_flags = SA_ONSTACK},
    {.sa_sigaction = hostchain, .sa_flags = SA_SIGINFO | SA_ONSTACK},
    {.sa_sigaction = hostmend, .sa_flags = SA_SIGINFO},
    {.sa_sigaction = hostmend, .sa_flags = SA_SIGINFO | (int)SA_RESETHAND},
    {.sa_handler = SIG_IGN},
    {.sa_handler = SIG_DFL}
  };
  *a = actions[kind];
  if (kind == PLAIN)
    sigaddset(&a->sa_mask, SIGUSR1);
}


/* handler(kind [, signal]): installs one of those above */
static int handler (lua_State *L) {
  struct sigaction a;
  setaction(&a, luaL_checkoption(L, 1, NULL, kinds));
  sigaction(checksig(L, 2), &a, &former);
  return 0;
}


/* disposition([signal]): the kind of the present handler, or "other" */
static int disposition (lua_State *L) {
  struct sigaction present, a;
  int kind;
  sigaction(checksig(L, 1), NULL, &present);
  for (kind = INFO; kind <= DEFAULT; kind++) {
    setaction(&a, kind);
    if (present.sa_handler == a.sa_handler) {
      lua_pushstring(L, kinds[kind]);
      return 1;
    }
  }
  lua_pushliteral(L, "other");
  return 1;
}


/* survive(): overflows; the handler "jump" brings it back; returns how often
   it did so until now */
static int survive (lua_State *L) {
  if (sigsetjmp(recovery, 1) == 0)
    dig(-1);
  lua_pushinteger(L, jumps);
  return 1;
}


/* escape(f): calls f; 'jump' comes back here from whatever fiber, past all
   that was resumed meanwhile; then overflows */
static int escape (lua_State *L) {
  if (sigsetjmp(recovery, 1) == 0)
    lua_call(L, 0, 0);
  return dig(-1);
}


static int jump (lua_State *L) {
  (void)L;
  siglongjmp(recovery, 1);
}


/* fork(f): calls f in a child process; returns the signal that killed it */
static int forkoff (lua_State *L) {
  int status;
  pid_t pid = fork();
  if (pid == 0) {
    lua_call(L, 0, 0);
    _exit(0);
  }
  waitpid(pid, &status, 0);
  lua_pushinteger(L, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  return 1;
}


/* send([signal]): as another process would */
static int sendself (lua_State *L) {
  kill(getpid(), checksig(L, 1));
  return 0;
}


/* alternate([bytes]): sets an alternate stack of that size, or returns where
   the present one is, or nil */
static int alternate (lua_State *L) {
  stack_t s;
  memset(&s, 0, sizeof(s));
  if (lua_isnoneornil(L, 1)) {
    sigaltstack(NULL, &s);
    if (s.ss_flags & SS_DISABLE)
      lua_pushnil(L);
    else
      lua_pushfstring(L, "%p", s.ss_sp);
    return 1;
  }
  s.ss_size = (size_t)luaL_checkinteger(L, 1);
  s.ss_sp = malloc(s.ss_size);
  sigaltstack(&s, NULL);
  return 0;
}

/* }====================================================== */

#endif


#if !defined(_WIN32)

/* threaded(): can cfiber see OS threads? Not before glibc 2.34 where a module
   alone, as this one, is linked with those. */
static int threaded (lua_State *L) {
  void *program = dlopen(NULL, RTLD_LAZY);
  lua_pushboolean(L, dlsym(program, "pthread_key_create") != NULL);
  dlclose(program);
  return 1;
}

#endif


/*
** {======================================================
** States and threads
** =======================================================
*/

struct job {
  lua_State *L;
  const char *script;  /* or NULL */
  int ends;  /* close the state? */
};


static void *work (void *data) {
  struct job *j = (struct job *)data;
  lua_settop(j->L, 0);
  if (j->script != NULL && luaL_dostring(j->L, j->script) == LUA_OK) {
    lua_settop(j->L, 1);
    luaL_tolstring(j->L, 1, NULL);
  }
  if (j->ends)
    lua_close(j->L);
  return NULL;
}


static void dojob (struct job *j, int elsewhere) {
  pthread_t thread;
  if (elsewhere && pthread_create(&thread, NULL, work, j) == 0)
    pthread_join(thread, NULL);
  else
    work(j);
}


static lua_State **checkstate (lua_State *L) {
  lua_State **state = (lua_State **)luaL_checkudata(L, 1, "state");
  luaL_argcheck(L, *state != NULL, 1, "closed");
  return state;
}


/* state:run(script [, elsewhere]): in an OS thread of its own if 'elsewhere';
   returns the first result or the error, as a string */
static int run (lua_State *L) {
  struct job j;
  j.L = *checkstate(L);
  j.script = luaL_checkstring(L, 2);
  j.ends = 0;
  dojob(&j, lua_toboolean(L, 3));
  lua_pushstring(L, lua_tostring(j.L, -1));
  return 1;
}


/* state:close([elsewhere [, script]]): runs the script first */
static int closestate (lua_State *L) {
  lua_State **state = checkstate(L);
  struct job j;
  j.L = *state;
  j.script = luaL_optstring(L, 3, NULL);
  j.ends = 1;
  *state = NULL;
  dojob(&j, lua_toboolean(L, 2));
  return 0;
}


static void copypath (lua_State *from, lua_State *to, const char *name) {
  lua_getglobal(from, "package");
  lua_getglobal(to, "package");
  lua_getfield(from, -1, name);
  lua_pushstring(to, lua_tostring(from, -1));
  lua_setfield(to, -2, name);
  lua_pop(from, 2);
  lua_pop(to, 1);
}


/* state(): a new Lua state that finds the modules that this one finds */
static int newstate (lua_State *L) {
  lua_State **state = (lua_State **)lua_newuserdatauv(L, sizeof(*state), 0);
  *state = luaL_newstate();
  luaL_openlibs(*state);
  copypath(L, *state, "path");
  copypath(L, *state, "cpath");
  luaL_setmetatable(L, "state");
  return 1;
}

/* }====================================================== */


static const luaL_Reg methods[] = {
  {"run", run},
  {"close", closestate},
  {NULL, NULL}
};

static const luaL_Reg functions[] = {
  {"overflow", overflow},
  {"fault", fault},
  {"muddle", muddle},
  {"reach", reach},
  {"state", newstate},
#if !defined(_WIN32)
  {"handler", handler},
  {"disposition", disposition},
  {"survive", survive},
  {"escape", escape},
  {"jump", jump},
  {"fork", forkoff},
  {"send", sendself},
  {"alternate", alternate},
  {"threaded", threaded},
#endif
  {NULL, NULL}
};


int luaopen_overrun (lua_State *L) {
  luaL_newmetatable(L, "state");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
