/*
** outside.c
** What a host does around Lua: states, processes, signals, jumps
*/

#define _GNU_SOURCE  /* setitimer, SA_ONSTACK */

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>


/*
** {======================================================
** States
** =======================================================
*/

#define STATES_MAX 8

static lua_State *states[STATES_MAX];
static int nstates;


static lua_State *checkstate (lua_State *L) {
  lua_Integer i = luaL_checkinteger(L, 1);
  luaL_argcheck(L, i > 0 && i <= nstates, 1, "no such state");
  return states[i - 1];
}


/* open(): the number of a new state, which finds modules where this one does */
static int openstate (lua_State *L) {
  static const char *const fields[] = {"path", "cpath"};
  lua_State *other = luaL_newstate();
  int i;
  luaL_openlibs(other);
  lua_getglobal(L, "package");
  lua_getglobal(other, "package");
  for (i = 0; i < 2; i++) {
    lua_getfield(L, -1, fields[i]);
    lua_pushstring(other, lua_tostring(L, -1));
    lua_setfield(other, -2, fields[i]);
    lua_pop(L, 1);
  }
  lua_settop(other, 0);
  states[nstates] = other;
  lua_pushinteger(L, ++nstates);
  return 1;
}


/* run(state, chunk): what the chunk returns, or its error, as a string */
static int run (lua_State *L) {
  lua_State *other = checkstate(L);
  int status = luaL_loadstring(other, luaL_checkstring(L, 2));
  if (status == LUA_OK)
    status = lua_pcall(other, 0, 1, 0);
  lua_pushstring(L, luaL_tolstring(other, -1, NULL));
  lua_settop(other, 0);
  return 1;
}


static jmp_buf afterpanic;
static char message[200];

static int panic (lua_State *L) {
  const char *text = lua_tostring(L, -1);
  strncpy(message, text != NULL ? text : "no text", sizeof(message) - 1);
  longjmp(afterpanic, 1);
  return 0;
}


/* panics(state, chunk): the same, where nobody but the panic function catches
   an error; "panic: " and its message */
static int panics (lua_State *L) {
  lua_State *other = checkstate(L);
  luaL_loadstring(other, luaL_checkstring(L, 2));
  lua_atpanic(other, panic);
  if (setjmp(afterpanic) == 0) {
    lua_call(other, 0, 0);
    return 0;
  }
  lua_pushfstring(L, "panic: %s", message);
  return 1;
}


/* close(state) */
static int closestate (lua_State *L) {
  lua_close(checkstate(L));
  return 0;
}

/* }====================================================== */


/*
** {======================================================
** Processes and signals
** =======================================================
*/

/* fork(): 0 in the child, in the parent the child's number */
static int makechild (lua_State *L) {
  lua_pushinteger(L, fork());
  return 1;
}


/* wait(child): its exit status, or minus the signal */
static int waitchild (lua_State *L) {
  int status;
  waitpid((pid_t)luaL_checkinteger(L, 1), &status, 0);
  lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status)
                                       : -WTERMSIG(status));
  return 1;
}


static volatile sig_atomic_t signals;

/* Uses some of the stack it is called on, and floating-point registers. */
static void handle (int sig) {
  volatile char room[2048];
  volatile double x = sig;
  memset((char *)room, sig, sizeof(room));
  x = x * 1.5 + room[100];
  signals++;
}


/* storm(microseconds): SIGALRM comes at this interval; 0: no longer */
static int storm (lua_State *L) {
  struct itimerval t;
  struct sigaction a;
  memset(&a, 0, sizeof(a));
  a.sa_handler = handle;
  a.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &a, NULL);
  t.it_interval.tv_sec = 0;
  t.it_interval.tv_usec = (suseconds_t)luaL_checkinteger(L, 1);
  t.it_value = t.it_interval;
  setitimer(ITIMER_REAL, &t, NULL);
  return 0;
}


/* signals(): how many came */
static int countsignals (lua_State *L) {
  lua_pushinteger(L, signals);
  return 1;
}

/* }====================================================== */


/*
** {======================================================
** Jumps and threads
** =======================================================
*/

static jmp_buf host;

/* catch(f): calls f, out of which 'jump' may jump. It must not do so out of a
   'pcall' on the same thread: Lua would not know. */
static int catch (lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  if (setjmp(host) == 0)
    lua_call(L, 0, 0);
  return 0;
}


static int jump (lua_State *L) {
  (void)L;
  longjmp(host, 1);
  return 0;
}


/* reset(co): closes a thread by Lua's own function; its status */
static int reset (lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
#if LUA_VERSION_NUM > 504 || LUA_VERSION_RELEASE_NUM >= 50406
  lua_pushinteger(L, lua_closethread(co, L));
#else
  lua_pushinteger(L, lua_resetthread(co));
#endif
  return 1;
}


static lua_State *kept;

/* keep(): the running state is kept for 'useful' */
static int keep (lua_State *L) {
  kept = L;
  return 0;
}


/* usekept(f): calls f on the state that was kept, protected; the status and its
   first result or the error */
static int usekept (lua_State *L) {
  lua_settop(L, 1);
  lua_xmove(L, kept, 1);
  lua_pushinteger(L, lua_pcall(kept, 0, 1, 0));
  lua_xmove(kept, L, 1);
  return 2;
}

/* }====================================================== */


/*
** {======================================================
** An allocator that raises
** =======================================================
*/

static struct {
  lua_Alloc alloc;
  void *ud;
  lua_Integer wait;  /* requests until one raises; -1: none */
  lua_State *L;
} raiser;


/* Raises on the main thread: an allocator does not know who asks. The text was
   made before. */
static void *allocate (void *ud, void *block, size_t old, size_t size) {
  (void)ud;
  if (size > 0 && (block == NULL || size > old) && raiser.wait >= 0
      && raiser.wait-- == 0) {
    lua_rawgeti(raiser.L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    lua_error(raiser.L);
  }
  return raiser.alloc(raiser.ud, block, old, size);
}


/* raising(wait, f): calls f, protected, while a request raises after 'wait'
   were met; whether it succeeded, and the error */
static int raising (lua_State *L) {
  int status;
  raiser.L = L;
  raiser.alloc = lua_getallocf(L, &raiser.ud);
  raiser.wait = luaL_checkinteger(L, 1);
  lua_settop(L, 2);
  lua_setallocf(L, allocate, NULL);
  status = lua_pcall(L, 0, 0, 0);
  raiser.wait = -1;
  lua_setallocf(L, raiser.alloc, raiser.ud);
  lua_pushboolean(L, status == LUA_OK);
  if (status == LUA_OK)
    return 1;
  lua_pushstring(L, lua_istable(L, -2) ? "no memory" : "other");
  return 2;
}

/* }====================================================== */


static const luaL_Reg functions[] = {
  {"catch", catch},
  {"close", closestate},
  {"fork", makechild},
  {"jump", jump},
  {"keep", keep},
  {"open", openstate},
  {"panics", panics},
  {"raising", raising},
  {"reset", reset},
  {"run", run},
  {"signals", countsignals},
  {"storm", storm},
  {"usekept", usekept},
  {"wait", waitchild},
  {NULL, NULL}
};


int luaopen_outside (lua_State *L);

int luaopen_outside (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
