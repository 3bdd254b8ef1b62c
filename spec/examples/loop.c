/*
** loop.c
** An event loop: libuv wakes fibers
**
** A task is a fiber that the loop resumes. It waits by suspending itself, from
** any depth: in a generator, in a comparator, in a parser. libuv's callbacks
** run no Lua code: they note that a wait is over, and 'run' resumes the task
** when libuv has returned. So an error of a task leaves 'run' by no way
** through libuv, and the loop goes on with the next 'run'.
*/

#define _XOPEN_SOURCE 700  /* for <uv.h> in strict C99 */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <uv.h>

#include <cfiber.h>

#define LOOP "event loop"
#define WAIT "wait in an event loop"

/* The upvalue of all functions: a userdata whose user value is the task that
   runs, or nil. There is one for each Lua state. */
#define UPVALUE lua_upvalueindex(1)

struct loop {
  uv_loop_t uv;
  struct wait *first, **last;  /* queue of the waits that are over; empty
                                  whenever libuv runs */
};

/* What a task waits for; meanwhile the registry has the task under this
   address. libuv uses the handle until it is closed, which may be after the
   task's end: so this is no userdata, but belongs to one. */
struct wait {
  union {
    uv_handle_t any;
    uv_timer_t timer;
    uv_poll_t poll;
  } handle;
  struct loop *loop;
  lua_State *task;
  struct wait **box;  /* its userdata, which has NULL after the end */
  struct wait *next;  /* in the loop's queue */
  int isover;  /* it happened */
};


static int fail (lua_State *L, int code) {
  return luaL_error(L, "%s", uv_strerror(code));
}


/*
** {======================================================
** Waits
** =======================================================
*/

/* What libuv hands back is the first member of its wait. */
static void freewait (uv_handle_t *handle) {
  free(handle);
}


/* Ends a wait, whether it is over or not. */
static void leave (lua_State *L, struct wait **box) {
  struct wait *w = *box;
  if (w != NULL) {
    *box = NULL;
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, w);
    uv_close(&w->handle.any, freewait);
  }
}


/* '__close' and '__gc' of a wait's userdata: after it, where its task is closed
   meanwhile, or at the end of the Lua state. */
static int closewait (lua_State *L) {
  leave(L, (struct wait **)luaL_checkudata(L, 1, WAIT));
  return 0;
}


/* Pushes the task that runs. One that was closed together with the fiber that
   called 'run' is still noted as such. */
static lua_State *pushtask (lua_State *L) {
  lua_State *task;
  int status = CFIBER_DEAD;
  lua_getiuservalue(L, UPVALUE, 1);
  task = lua_tothread(L, -1);
  if (task != NULL)
    status = cfiber_status(L, task);
  if (status != CFIBER_RUNNING && status != CFIBER_NORMAL)
    luaL_error(L, "no task runs that could wait");
  return task;
}


/* Pushes a new wait of the running task: for a file descriptor, or if that is
   negative for a time. It ends with the C function. */
static struct wait *newwait (lua_State *L, int fd) {
  struct loop *loop = (struct loop *)lua_touserdata(L, UPVALUE);
  lua_State *task = pushtask(L);
  struct wait **box = (struct wait **)lua_newuserdatauv(L, sizeof(*box), 0);
  struct wait *w = (struct wait *)calloc(1, sizeof(*w));
  int code;
  *box = NULL;
  luaL_setmetatable(L, WAIT);
  if (w == NULL)
    luaL_error(L, "not enough memory");
  w->loop = loop;
  w->task = task;
  w->box = box;
  code = fd < 0 ? uv_timer_init(&loop->uv, &w->handle.timer)
                : uv_poll_init(&loop->uv, &w->handle.poll, fd);
  if (code != 0) {
    free(w);
    fail(L, code);
  }
  *box = w;
  lua_toclose(L, -1);
  return w;
}


/* The end of a wait, inside libuv: where that was a timer it might still wait for
   the next event, for which the task would wait, too. */
static void over (void *handle) {
  struct wait *w = (struct wait *)handle;
  uv_stop(&w->loop->uv);
  w->isover = 1;
  w->next = NULL;
  *w->loop->last = w;
  w->loop->last = &w->next;
}


static void ontimer (uv_timer_t *handle) {
  over(handle);
}


/* What happened the system call that follows will say. Stops, for libuv calls
   back as often as it looks. */
static void onpoll (uv_poll_t *handle, int status, int events) {
  (void)status;
  (void)events;
  uv_poll_stop(handle);
  over(handle);
}


/* Suspends the task until the wait is over, whoever else resumes it. Inside
   the task may be other fibers: they come along. */
static int suspend (lua_State *L) {
  struct wait *w = (struct wait *)lua_touserdata(L, 1);
  while (!w->isover) {
    lua_pushlightuserdata(L, w);
    lua_pop(L, cfiber_suspend(L, w->task, 1));
  }
  return 0;
}


/* Waits; libuv knows for what. A protected call, because a fiber that dies of
   an error, which others may throw, leaves its to-be-closed values alone. */
static void await (lua_State *L, struct wait *w) {
  int status;
  lua_getiuservalue(L, UPVALUE, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, w);
  w->isover = 0;
  lua_pushcfunction(L, suspend);
  lua_pushlightuserdata(L, w);
  status = lua_pcall(L, 1, 0, 0);
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, w);
  if (status != LUA_OK) {
    leave(L, w->box);
    lua_error(L);
  }
}

/* }====================================================== */


/*
** {======================================================
** Tasks
** =======================================================
*/

/* Raises the error of a task, on top of L, with its traceback. */
static int failtask (lua_State *L, lua_State *co) {
  if (lua_type(L, -1) == LUA_TSTRING)
    luaL_traceback(L, co, lua_tostring(L, -1), 0);
  return lua_error(L);
}


/* Resumes the task on top of L, and takes it off. On top of the task are its n
   arguments. */
static void go (lua_State *L, int n) {
  lua_State *co = lua_tothread(L, -1);
  int status;
  lua_getiuservalue(L, UPVALUE, 1);  /* one that called 'run' or 'spawn' */
  lua_pushvalue(L, -2);
  lua_setiuservalue(L, UPVALUE, 1);
  status = cfiber_resume(L, co, n, &n);
  lua_setiuservalue(L, UPVALUE, 1);
  if (status == LUA_YIELD && !(n == 1 && lua_islightuserdata(co, -1))) {
    lua_pop(co, n);
    luaL_error(L, "a task yielded to its loop, which has no answer");
  }
  if (status != LUA_YIELD && status != LUA_OK) {
    lua_xmove(co, L, 1);
    failtask(L, co);
  }
  lua_pop(co, n);
  lua_pop(L, 1);
}


/* sleep(ms): waits at least that long */
static int tosleep (lua_State *L) {
  lua_Integer ms = luaL_checkinteger(L, 1);
  struct wait *w;
  luaL_argcheck(L, ms >= 0, 1, "negative");
  w = newwait(L, -1);
  uv_update_time(&w->loop->uv);  /* it stands still while tasks run */
  uv_timer_start(&w->handle.timer, ontimer, (uint64_t)ms, 0);
  await(L, w);
  return 0;
}


/* The body of a task: waits for its turn, then calls f(...). */
static int body (lua_State *L) {
  lua_pushvalue(L, UPVALUE);
  lua_pushcclosure(L, tosleep, 1);
  lua_pushinteger(L, 0);
  lua_call(L, 1, 0);
  lua_call(L, lua_gettop(L) - 1, 0);
  return 0;
}


/* spawn(f, ...): returns a new task, which will call f(...) */
static int spawn (lua_State *L) {
  int n = lua_gettop(L);
  lua_State *co;
  luaL_checkany(L, 1);
  co = lua_newthread(L);
  lua_insert(L, 1);
  if (!lua_checkstack(co, n + 1))
    return luaL_error(L, "too many arguments");
  lua_pushvalue(L, UPVALUE);
  lua_pushcclosure(L, body, 1);
  lua_insert(L, 2);
  lua_xmove(L, co, n + 1);
  lua_pushvalue(L, 1);
  go(L, n);
  return 1;
}


/* run(): resumes tasks until none waits. Raises the first error of a task; the
   others go on when it is called again. */
static int run (lua_State *L) {
  struct loop *loop = (struct loop *)lua_touserdata(L, UPVALUE);
  lua_settop(L, 0);
  do {
    while (loop->first != NULL) {
      struct wait *w = loop->first;
      loop->first = w->next;
      if (loop->first == NULL)
        loop->last = &loop->first;
      if (lua_rawgetp(L, LUA_REGISTRYINDEX, w) == LUA_TTHREAD)
        go(L, 0);  /* else nobody waits any more */
      lua_settop(L, 0);
    }
  } while (uv_run(&loop->uv, UV_RUN_ONCE) != 0 || loop->first != NULL);
  return 0;
}

/* }====================================================== */


/*
** {======================================================
** File descriptors
** =======================================================
*/

static int checkfd (lua_State *L) {
  lua_Integer fd = luaL_checkinteger(L, 1);
  luaL_argcheck(L, fd >= 0 && fd <= INT_MAX, 1, "not a file descriptor");
  return (int)fd;
}


static int failsystem (lua_State *L) {
  return luaL_error(L, "%s", strerror(errno));
}


/* Is the result that of a call that is to be made again? */
static int again (ssize_t n) {
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}


/* Waits until one of the events is there. */
static void awaitpoll (lua_State *L, struct wait *w, int events) {
  int code = uv_poll_start(&w->handle.poll, events, onpoll);
  if (code != 0)
    fail(L, code);
  await(L, w);
}


/* read(fd): what there is, when there is something; nil at the end */
static int toread (lua_State *L) {
  int fd = checkfd(L);
  struct wait *w = newwait(L, fd);
  char buffer[4096];
  ssize_t n;
  do {
    awaitpoll(L, w, UV_READABLE);
    n = read(fd, buffer, sizeof(buffer));
  } while (again(n));
  if (n < 0)
    return failsystem(L);
  if (n == 0)
    lua_pushnil(L);
  else
    lua_pushlstring(L, buffer, (size_t)n);
  return 1;
}


/* write(fd, text): returns when the socket has taken all of it */
static int towrite (lua_State *L) {
  int fd = checkfd(L);
  size_t length;
  const char *s = luaL_checklstring(L, 2, &length);
  struct wait *w = newwait(L, fd);
  while (length > 0) {
    ssize_t n;
    awaitpoll(L, w, UV_WRITABLE);
    n = send(fd, s, length, MSG_NOSIGNAL);
    if (n >= 0) {
      s += n;
      length -= (size_t)n;
    }
    else if (!again(n))
      return failsystem(L);
  }
  return 0;
}


/* pair(): two sockets, connected with each other */
static int pair (lua_State *L) {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
    return failsystem(L);
  lua_pushinteger(L, fds[0]);
  lua_pushinteger(L, fds[1]);
  return 2;
}


/* close(fd), while no task waits for it */
static int toclose (lua_State *L) {
  return close(checkfd(L)) == 0 ? 0 : failsystem(L);
}

/* }====================================================== */


/* '__gc': Lua has finalized the waits before, which are younger; what is left
   is to let libuv close them. */
static int closeloop (lua_State *L) {
  struct loop *loop = (struct loop *)luaL_checkudata(L, 1, LOOP);
  uv_run(&loop->uv, UV_RUN_DEFAULT);
  uv_loop_close(&loop->uv);
  return 0;
}


/* Pushes the loop. */
static void newloop (lua_State *L) {
  struct loop *loop =
    (struct loop *)lua_newuserdatauv(L, sizeof(*loop), 1);
  int code = uv_loop_init(&loop->uv);
  if (code != 0)
    fail(L, code);
  loop->first = NULL;
  loop->last = &loop->first;
  luaL_newmetatable(L, LOOP);
  lua_pushcfunction(L, closeloop);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
}


static const luaL_Reg functions[] = {
  {"close", toclose},
  {"pair", pair},
  {"read", toread},
  {"run", run},
  {"sleep", tosleep},
  {"spawn", spawn},
  {"write", towrite},
  {NULL, NULL}
};


int luaopen_loop (lua_State *L);

int luaopen_loop (lua_State *L) {
  cfiber_import(L);
  luaL_newmetatable(L, WAIT);
  lua_pushcfunction(L, closewait);
  lua_setfield(L, -2, "__close");
  lua_pushcfunction(L, closewait);
  lua_setfield(L, -2, "__gc");
  luaL_newlibtable(L, functions);
  newloop(L);
  luaL_setfuncs(L, functions, 1);
  return 1;
}
