/*
** cfiber.h
** Fibers for Lua 5.4 and 5.5: what C and C++ code includes
**
** A C module needs this header alone and links to nothing: 'cfiber_import'
** finds the functions at run time. A host that links cfiber statically
** includes the same header.
*/

#ifndef cfiber_h
#define cfiber_h

#include <stddef.h>

#if defined(CFIBER_DEBUG)
#include <stdio.h>
#include <stdlib.h>
#endif

#define CFIBER_VERSION "cfiber 0.1.0"

/* Version of 'struct cfiber_api'. Entries are only appended, which raises the
   minor one; a module runs with the minor version that it was built for and
   with all later ones. */
#define CFIBER_API_MAJOR 1
#define CFIBER_API_MINOR 1

#if defined(_WIN32)
#define CFIBER_API __declspec(dllexport)
#elif defined(__GNUC__)
#define CFIBER_API __attribute__((visibility("default")))
#else
#define CFIBER_API
#endif

#if defined(__GNUC__)
#define CFIBER_MAYBE_UNUSED __attribute__((unused))
#else
#define CFIBER_MAYBE_UNUSED
#endif

#if defined(__cplusplus)
extern "C" {
#endif

#include <lua.h>

#if LUA_VERSION_NUM < 504 || LUA_VERSION_NUM > 505
#error "cfiber is for Lua 5.4 and 5.5: put the directory of its headers first (-I)"
#endif

/*
** Signals: where nobody handles SIGSEGV when a state loads the module, it
** installs a handler of SIGSEGV and SIGBUS that reports overflows of fibers'
** C stacks, and gives the OS threads that run fibers an alternate signal
** stack where they have none. A host that wants only its own handlers installs
** them before, or sets 'config{overflow_report=false}'; one that wants both
** sets it to true. The rest is under Caveats in README.md.
*/

/*
** int luaopen_cfiber (lua_State *L);
** Returns the module, as 'require "cfiber"' does. For 'luaL_requiref'. The
** first time in a state it makes another one, with the same allocator, to see
** where Lua keeps what, and closes it.
*/
CFIBER_API int luaopen_cfiber (lua_State *L);


/*
** {======================================================
** Functions
**
** Called by the names below, after 'cfiber_import' in the same source file.
** "Raises" means a Lua error in L. All of them raise where a thread is NULL or
** of another Lua state than L, and where there are fewer values than a count
** says. L is the state that runs. That it is valid cannot be looked at; errors
** in one that waits for another to yield or end leave that other, too, but
** in a finalizer, where they are raised in the one that runs.
** =======================================================
*/

/* Another OS thread may be about to import, too: see cfiber_settable. */
#if defined(__GNUC__)
#define CFIBER_PRESENT __atomic_load_n(&cfiber_table, __ATOMIC_RELAXED)
#else
#define CFIBER_PRESENT cfiber_table
#endif

/* A debug build of a module (-DCFIBER_DEBUG) says which function was called
   before 'cfiber_import'. */
#if defined(CFIBER_DEBUG)
#define CFIBER_TABLE(name) cfiber_imported(name)
#else
#define CFIBER_TABLE(name) CFIBER_PRESENT
#endif

/* What 'cfiber_status' returns. */
#define CFIBER_RUNNING 0
#define CFIBER_DEAD 1
#define CFIBER_SUSPENDED 2
#define CFIBER_NORMAL 3

struct cfiber_api {
  int major;  /* CFIBER_API_MAJOR of the cfiber that runs */
  int minor;
  size_t size;  /* bytes of its table */

  int (*yield) (lua_State *L, int n);
  int (*resume) (lua_State *L, lua_State *co, int nargs, int *nresults);
  int (*raise) (lua_State *L, lua_State *co, int *nresults);
  int (*suspend) (lua_State *L, lua_State *co, int n);
  int (*close) (lua_State *L, lua_State *co);
  int (*status) (lua_State *L, lua_State *co);
  int (*isyieldable) (lua_State *L);
  lua_State *(*running) (lua_State *L);
  void (*imported) (lua_State *L);  /* since minor version 1 */
};

/*
** int cfiber_yield (lua_State *L, int n);
** Takes n values off the top of L and yields them (manual 6.2,
** 'coroutine.yield'). Returns normally, when the fiber is resumed: the number
** of values that were passed, which are on top of L. The C frames stay as they
** are, so it can be called in a loop, in a callback of another library or
** below 'lua_call'. Raises what is thrown in ('cfiber_throw'), and where a
** yield is refused:
**   "attempt to yield from outside a coroutine": in the main thread, or L is
**     not the state that runs
**   "attempt to yield from C code in a coroutine that is not a fiber": stock
**     functions resumed L, and 'lua_yieldk' is the way out
**   "attempt to yield from a finalizer"
**   "attempt to yield across a C-call boundary": in a '<close>' handler of a
**     coroutine that is being closed
*/
#define cfiber_yield(L,n) ((*CFIBER_TABLE("cfiber_yield")->yield)(L, n))

/*
** int cfiber_resume (lua_State *L, lua_State *co, int nargs, int *nresults);
** Starts or continues 'co', any suspended thread, on a stack of its own: like
** 'lua_resume(co, L, nargs, nresults)' (manual 4.6), with L, which runs, in
** front. The arguments are on top of 'co', below them in a new one the
** function. Make them on L and move them ('lua_xmove'): an error in 'co' while
** it is suspended, as one of memory in 'lua_pushstring', would go on in the
** middle of its C stack. Returns LUA_YIELD or LUA_OK, and '*nresults' values
** are on top of 'co', or the status of an error, and its value is on top of
** 'co'. Take them off before the next resume, and no more than them. A refusal
** is an error, too: LUA_ERRRUN with a message as that of 'coroutine.resume',
** for L itself too. Where 'co' let another take its place (transfer), the
** results or the error of that one are on top of 'co' all the same. Raises a
** memory error where no stack is to be had; the arguments are gone, 'co' has
** not started.
*/
#define cfiber_resume(L,co,nargs,nresults) \
  ((*CFIBER_TABLE("cfiber_resume")->resume)(L, co, nargs, nresults))

/*
** int cfiber_throw (lua_State *L, lua_State *co, int *nresults);
** Resumes 'co' by raising the value on top of 'co', which is taken off, at its
** yield, as 'cfiber.throw' in Lua. Else like 'cfiber_resume'.
*/
#define cfiber_throw(L,co,nresults) ((*CFIBER_TABLE("cfiber_throw")->raise)(L, co, nresults))

/*
** int cfiber_suspend (lua_State *L, lua_State *co, int n);
** Takes n values off the top of L and suspends 'co', the fiber that L runs in
** or one that is resuming it, with everything inside; its resume returns the
** values. Returns, when 'co' is resumed, the number of values that were
** passed, which are on top of L. Raises what is thrown in, and refusals as
** 'cfiber.suspend' in Lua does.
*/
#define cfiber_suspend(L,co,n) ((*CFIBER_TABLE("cfiber_suspend")->suspend)(L, co, n))

/*
** int cfiber_close (lua_State *L, lua_State *co);
** Closes 'co', suspended or dead, like 'lua_closethread(co, L)' of Lua 5.4.6:
** its to-be-closed variables run and its stack is free. Returns LUA_OK, or the
** status of an error, and its value is on top of 'co'. Raises "cannot close a
** running coroutine" or "a normal", and "C stack overflow".
*/
#define cfiber_close(L,co) ((*CFIBER_TABLE("cfiber_close")->close)(L, co))

/*
** int cfiber_status (lua_State *L, lua_State *co);
** Returns CFIBER_RUNNING, CFIBER_DEAD, CFIBER_SUSPENDED or CFIBER_NORMAL, as L,
** which runs, sees 'co' (manual 6.2, 'coroutine.status').
*/
#define cfiber_status(L,co) ((*CFIBER_TABLE("cfiber_status")->status)(L, co))

/*
** int cfiber_isyieldable (lua_State *L);
** Returns 1 where 'cfiber_yield(L, 0)' would not be refused, else 0.
*/
#define cfiber_isyieldable(L) ((*CFIBER_TABLE("cfiber_isyieldable")->isyieldable)(L))

/*
** lua_State *cfiber_running (lua_State *L);
** Returns the thread of the innermost fiber that runs, or NULL outside of
** fibers. For callbacks that get a state kept from earlier, L: on the thread
** returned they can yield. A stock coroutine on the fiber's stack is not seen.
*/
#define cfiber_running(L) ((*CFIBER_TABLE("cfiber_running")->running)(L))

/* }====================================================== */


/*
** {======================================================
** Import
** =======================================================
*/

/* Where a Lua state has the table: a light userdata in the registry. */
#define CFIBER_REGISTRY_KEY "cfiber.api"

/* Of this source file. */
static const struct cfiber_api *cfiber_table CFIBER_MAYBE_UNUSED = NULL;

#if defined(CFIBER_DEBUG)
static CFIBER_MAYBE_UNUSED
const struct cfiber_api *cfiber_imported (const char *name) {
  if (CFIBER_PRESENT == NULL) {
    fprintf(stderr, "%s: there was no 'cfiber_import' in this source file\n",
            name);
    abort();
  }
  return CFIBER_PRESENT;
}
#endif

/* Loads the module, unless it is loaded. */
static CFIBER_MAYBE_UNUSED void cfiber_require (lua_State *L) {
  if (lua_getglobal(L, "require") != LUA_TFUNCTION) {
    lua_pushliteral(L, "cfiber is not loaded, and there is no 'require'");
    lua_error(L);
  }
  lua_pushliteral(L, "cfiber");
  lua_call(L, 1, 0);
}

/* Several OS threads may import into one process: one of them writes. */
static CFIBER_MAYBE_UNUSED void cfiber_settable (const struct cfiber_api *api) {
#if defined(__GNUC__)
  const struct cfiber_api *present =
    __atomic_load_n(&cfiber_table, __ATOMIC_ACQUIRE);
  if (present != api)
    __atomic_compare_exchange_n(&cfiber_table, &present, api, 0,
                                __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
#else
  cfiber_table = api;
#endif
}

/*
** const struct cfiber_api *cfiber_import (lua_State *L);
** Makes the functions above usable in this source file; to be called in each
** Lua state, usually in 'luaopen_...'. Requires "cfiber" if it is not loaded.
** Returns the table, which lasts as long as the state. Raises what 'require'
** raises, and where cfiber has another major version or too few functions for
** this header, with both versions in the message. Uses four slots of L.
*/
CFIBER_MAYBE_UNUSED
static const struct cfiber_api *cfiber_import (lua_State *L) {
  const struct cfiber_api *api;
  if (lua_getfield(L, LUA_REGISTRYINDEX, CFIBER_REGISTRY_KEY) == LUA_TNIL) {
    lua_pop(L, 1);
    cfiber_require(L);
    lua_getfield(L, LUA_REGISTRYINDEX, CFIBER_REGISTRY_KEY);
  }
  api = (const struct cfiber_api *)lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (api == NULL) {
    lua_pushliteral(L, "the module 'cfiber' that is loaded has no C API");
    lua_error(L);
  }
  else if (api->major != CFIBER_API_MAJOR
           || api->size < sizeof(struct cfiber_api)) {
    lua_pushfstring(L, "cfiber has version %d.%d of its C API, the module was "
                       "built for version %d.%d", api->major, api->minor,
                    CFIBER_API_MAJOR, CFIBER_API_MINOR);
    lua_error(L);
  }
  cfiber_settable(api);
  api->imported(L);
  return api;
}

/* }====================================================== */

#if defined(__cplusplus)
}
#endif

#endif
