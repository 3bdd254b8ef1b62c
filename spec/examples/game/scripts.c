/*
** scripts.c
** The files that actors run
*/

#include "scripts.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>


/* Pushes the file's text as a string. Returns 0 where it cannot be read. */
static int pushtext (lua_State *L, const char *path) {
  luaL_Buffer b;
  size_t n;
  FILE *file = fopen(path, "rb");
  if (file == NULL)
    return 0;
  luaL_buffinit(L, &b);
  do {
    n = fread(luaL_prepbuffer(&b), 1, LUAL_BUFFERSIZE, file);
    luaL_addsize(&b, n);
  } while (n == LUAL_BUFFERSIZE);
  luaL_pushresult(&b);
  fclose(file);
  return 1;
}


/* Pushes the text of the script's file, or nothing and returns 0. */
static int readscript (const struct world *w, lua_State *L,
                       const char *name) {
  const char *path = lua_pushfstring(L, "%s/%s.lua", w->directory, name);
  int found = pushtext(L, path);
  lua_remove(L, found ? -2 : -1);
  return found;
}


struct script *scripts_find (struct world *w, lua_State *L, const char *name) {
  struct script *s = w->scripts;
  for (; s < w->scripts + w->nscripts; s++) {
    if (strcmp(s->name, name) == 0)
      return s;
  }
  if (w->nscripts == MAX_SCRIPTS || strlen(name) >= NAME_SIZE)
    luaL_error(L, "too many scripts, or too long a name: '%s'", name);
  if (!readscript(w, L, name))
    luaL_error(L, "there is no script %s/%s.lua", w->directory, name);
  strcpy(s->name, name);
  s->text = luaL_ref(L, LUA_REGISTRYINDEX);
  s->tried = LUA_NOREF;
  w->nscripts++;
  return s;
}


/* Gives the function on top a table for its globals. */
static void pushglobals (lua_State *L, int self) {
  lua_newtable(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, self);
  lua_setfield(L, -2, "self");
  lua_createtable(L, 0, 1);
  lua_pushglobaltable(L);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  if (lua_setupvalue(L, -2, 1) == NULL)
    lua_pop(L, 1);
}


/* Loads the text on top, which it takes off. */
static int loadtext (lua_State *L, const char *name) {
  size_t size;
  const char *text = lua_tolstring(L, -1, &size);
  const char *chunk = lua_pushfstring(L, "@%s.lua", name);
  int status = luaL_loadbufferx(L, text, size, chunk, "t");
  lua_rotate(L, -3, 1);
  lua_pop(L, 2);
  return status;
}


int scripts_load (struct world *w, const struct script *s, int self) {
  int status;
  lua_rawgeti(w->L, LUA_REGISTRYINDEX, s->text);
  status = loadtext(w->L, s->name);
  if (status == LUA_OK)
    pushglobals(w->L, self);
  return status;
}


/* Is the text on top the one of the reference? */
static int equals (lua_State *L, int text) {
  int same;
  lua_rawgeti(L, LUA_REGISTRYINDEX, text);
  same = lua_rawequal(L, -1, -2);
  lua_pop(L, 1);
  return same;
}


/* Keeps the text on top at the reference, which it returns. */
static int keep (lua_State *L, int text) {
  luaL_unref(L, LUA_REGISTRYINDEX, text);
  return luaL_ref(L, LUA_REGISTRYINDEX);
}


int scripts_changed (struct world *w, struct script *s) {
  lua_State *L = w->L;
  if (!readscript(w, L, s->name))
    return 0;  /* an editor may be in the middle of saving it */
  if (equals(L, s->text) || equals(L, s->tried)) {
    lua_pop(L, 1);
    return 0;
  }
  lua_pushvalue(L, -1);
  s->tried = keep(L, s->tried);
  lua_pushvalue(L, -1);
  if (loadtext(L, s->name) != LUA_OK) {
    actors_log(w, NULL, "cannot load %s", lua_tostring(L, -1));
    fprintf(stderr, "%s; the former script goes on\n", lua_tostring(L, -1));
    w->errors++;
    lua_pop(L, 2);
    return 0;
  }
  lua_pop(L, 1);
  s->text = keep(L, s->text);
  return 1;
}
