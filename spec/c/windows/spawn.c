/*
** spawn.c
** Lua module for specs on Windows: runs a program with its output in files.
** 'os.execute' does not tell the exit status there, which is that of a shell
*/

#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

__declspec(dllexport) int luaopen_windows_spawn (lua_State *L);


static HANDLE create (const char *name) {
  SECURITY_ATTRIBUTES inherited = {sizeof(inherited), NULL, TRUE};
  return CreateFileA(name, GENERIC_WRITE, FILE_SHARE_READ, &inherited,
                     CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
}


/* spawn(command, output, errors): runs the command line with the two files as
   stdout and stderr; returns the exit status, which is that of an exception
   where one ended it */
static int spawn (lua_State *L) {
  char command[1024];
  STARTUPINFOA start;
  PROCESS_INFORMATION process;
  DWORD status = 0;
  strncpy(command, luaL_checkstring(L, 1), sizeof(command) - 1);
  command[sizeof(command) - 1] = '\0';
  memset(&start, 0, sizeof(start));
  start.cb = sizeof(start);
  start.dwFlags = STARTF_USESTDHANDLES;
  start.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
  start.hStdOutput = create(luaL_checkstring(L, 2));
  start.hStdError = create(luaL_checkstring(L, 3));
  if (!CreateProcessA(NULL, command, NULL, NULL, TRUE, 0, NULL, NULL, &start,
                      &process))
    return luaL_error(L, "cannot run %s", command);
  WaitForSingleObject(process.hProcess, INFINITE);
  GetExitCodeProcess(process.hProcess, &status);
  CloseHandle(process.hProcess);
  CloseHandle(process.hThread);
  CloseHandle(start.hStdOutput);
  CloseHandle(start.hStdError);
  lua_pushinteger(L, (lua_Integer)status);
  return 1;
}


int luaopen_windows_spawn (lua_State *L) {
  lua_pushcfunction(L, spawn);
  return 1;
}
