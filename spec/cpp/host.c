/*
** host.c
** A program that runs a Lua script with its arguments, to be linked with a Lua
** that is compiled as C++
*/

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>


int main (int argc, char **argv) {
  lua_State *L = luaL_newstate();
  int status;
  luaL_openlibs(L);
  status = argc < 2 ? LUA_ERRFILE : luaL_loadfile(L, argv[1]);
  if (status == LUA_OK)
    status = lua_pcall(L, 0, 0, 0);
  if (status != LUA_OK)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return status != LUA_OK;
}
