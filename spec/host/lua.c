/*
** lua.c
** Runs a Lua script as 'lua' does, in a process that begins with a sanitizer:
** its runtime must be there before the first library is loaded
**
** usage: lua [-e code] [-l module] [script [arguments]]
**        lua -v
*/

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


static lua_State *interruptible;


static void interrupted (lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  luaL_error(L, "interrupted!");
}


/* Ctrl-C: the next instruction of the main thread raises an error; a second one
   ends the process. */
static void interrupt (int number) {
  signal(number, SIG_DFL);
  lua_sethook(interruptible, interrupted,
              LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}


static int traceback (lua_State *L) {
  const char *message = lua_tostring(L, 1);
  if (message == NULL)
    message = lua_pushfstring(L, "(error object is a %s value)",
                              luaL_typename(L, 1));
  luaL_traceback(L, L, message, 1);
  return 1;
}


static int call (lua_State *L, int narg) {
  int base = lua_gettop(L) - narg, status;
  lua_pushcfunction(L, traceback);
  lua_insert(L, base);
  status = lua_pcall(L, narg, 0, base);
  lua_remove(L, base);
  return status;
}


static int dolibrary (lua_State *L, const char *name) {
  lua_getglobal(L, "require");
  lua_pushstring(L, name);
  return call(L, 1);
}


/* The arguments from the script's name on, as 'arg' (manual 7). */
static void setarg (lua_State *L, char **argv, int script, int argc) {
  int i;
  lua_newtable(L);
  for (i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - script);
  }
  lua_setglobal(L, "arg");
}


static int doscript (lua_State *L, char **argv, int argc) {
  const char *name = strcmp(argv[0], "-") == 0 ? NULL : argv[0];
  int i, status = luaL_loadfile(L, name);
  if (status != LUA_OK)
    return status;
  luaL_checkstack(L, argc, NULL);
  for (i = 1; i < argc; i++)
    lua_pushstring(L, argv[i]);
  return call(L, argc - 1);
}


static int doarguments (lua_State *L, char **argv, int argc, int script) {
  int i, status = LUA_OK;
  for (i = 1; i < script && status == LUA_OK; i += 2) {
    if (strcmp(argv[i], "-l") == 0)
      status = dolibrary(L, argv[i + 1]);
    else if ((status = luaL_loadstring(L, argv[i + 1])) == LUA_OK)
      status = call(L, 0);
  }
  if (status == LUA_OK && script < argc)
    status = doscript(L, argv + script, argc - script);
  return status;
}


/* As a C function, so that tracebacks end in it as in 'lua'. */
static int run (lua_State *L) {
  int argc = (int)lua_tointeger(L, 1), script = 1;
  char **argv = (char **)lua_touserdata(L, 2);
  while (script + 1 < argc && (strcmp(argv[script], "-l") == 0
                               || strcmp(argv[script], "-e") == 0))
    script += 2;
  setarg(L, argv, script, argc);
  if (doarguments(L, argv, argc, script) == LUA_OK)
    return 0;
  fprintf(stderr, "%s: %s\n", argv[0], lua_tostring(L, -1));
  lua_pushboolean(L, 1);
  return 1;
}


int main (int argc, char **argv) {
  lua_State *L = luaL_newstate();
  int failed;
  if (argc == 2 && strcmp(argv[1], "-v") == 0)
    puts(LUA_COPYRIGHT);
  luaL_openlibs(L);
  interruptible = L;
  signal(SIGINT, interrupt);
  lua_pushcfunction(L, run);
  lua_pushinteger(L, argc);
  lua_pushlightuserdata(L, argv);
  failed = lua_pcall(L, 2, 1, 0) != LUA_OK || lua_toboolean(L, -1);
  lua_close(L);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
