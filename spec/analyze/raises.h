/*
** raises.h
** For analyzers, included before all else: Lua's functions that raise do not
** return. Lua declares them with a result so that one can write
** "return lua_error(L)", and an analyzer would go on behind them.
*/

#include <lauxlib.h>
#include <lua.h>

__attribute__((noreturn)) int lua_error (lua_State *L);
__attribute__((noreturn)) int luaL_error (lua_State *L, const char *fmt, ...);
__attribute__((noreturn)) int luaL_argerror (lua_State *L, int arg,
                                             const char *extramsg);
__attribute__((noreturn)) int luaL_typeerror (lua_State *L, int arg,
                                              const char *tname);
