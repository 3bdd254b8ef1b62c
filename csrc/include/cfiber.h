/*
** cfiber.h
** Fibers for Lua 5.4: what a host that links cfiber statically includes
*/

#ifndef cfiber_h
#define cfiber_h

#define CFIBER_VERSION "cfiber 0.1.0"

#if defined(__GNUC__)
#define CFIBER_API __attribute__((visibility("default")))
#else
#define CFIBER_API
#endif

#if defined(__cplusplus)
extern "C" {
#endif

#include <lua.h>

#if LUA_VERSION_NUM != 504
#error "cfiber is for Lua 5.4: put the directory of its headers first (-I)"
#endif

/*
** Signals: where nobody handles SIGSEGV when a state loads the module, it
** installs a handler of SIGSEGV and SIGBUS that reports overflows of fibers'
** C stacks, and gives the OS threads that run fibers an alternate signal
** stack where they have none. A host that wants only its own handlers installs
** them before, or sets 'config{overflow_report=false}'; one that wants both
** sets it to true. The rest is under Caveats in README.md.
*/

/* Returns the module, as 'require "cfiber"' does. For 'luaL_requiref'. */
CFIBER_API int luaopen_cfiber (lua_State *L);

#if defined(__cplusplus)
}
#endif

#endif
