/*
** xml.c
** Expat, a parser that calls back, turned into an iterator
**
** The parser runs in an inner fiber (inner.h) and its callbacks yield what
** they are told. That is all: no queue of events, no limit to a chunk.
*/

#include <limits.h>

#include <expat.h>

#include "inner.h"

#if XML_MAJOR_VERSION * 100 + XML_MINOR_VERSION >= 209
#define XML_LINE XML_GetCurrentLineNumber64
#else
#define XML_LINE XML_GetCurrentLineNumber
#endif

struct parser {
  XML_Parser expat;
  lua_State *L;  /* of the inner fiber */
};


/*
** {======================================================
** Events
** =======================================================
*/

/* Yields the 'n' values on top: an event. Without an answer the parser stops,
   which makes 'XML_Parse' fail (some events may follow nevertheless). An error
   here, when there is no memory, jumps through expat. It does not mind, as all
   that it has is found from its parser, which is then freed. */
static void event (struct parser *p, int n) {
  n = cfiber_yield(p->L, n);
  lua_pop(p->L, n);
  if (n == 0)
    XML_StopParser(p->expat, XML_FALSE);
}


static void start (void *data, const XML_Char *name, const XML_Char **pairs) {
  struct parser *p = (struct parser *)data;
  lua_pushliteral(p->L, "start");
  lua_pushstring(p->L, name);
  lua_newtable(p->L);
  for (; *pairs != NULL; pairs += 2) {
    lua_pushstring(p->L, pairs[1]);
    lua_setfield(p->L, -2, pairs[0]);
  }
  event(p, 3);
}


static void end (void *data, const XML_Char *name) {
  struct parser *p = (struct parser *)data;
  lua_pushliteral(p->L, "end");
  lua_pushstring(p->L, name);
  event(p, 2);
}


static void text (void *data, const XML_Char *s, int length) {
  struct parser *p = (struct parser *)data;
  lua_pushliteral(p->L, "text");
  lua_pushlstring(p->L, s, (size_t)length);
  event(p, 2);
}

/* }====================================================== */


/* Parses the chunk of text on top, nil for the end. */
static void parse (lua_State *L, struct parser *p) {
  size_t length = 0;
  const char *s = lua_tolstring(L, -1, &length);
  if (length > INT_MAX)
    luaL_error(L, "a chunk of more than %d bytes", INT_MAX);
  if (XML_Parse(p->expat, s, (int)length, s == NULL) != XML_STATUS_OK)
    luaL_error(L, "line %d: %s", (int)XML_LINE(p->expat),
               XML_ErrorString(XML_GetErrorCode(p->expat)));
}


/* Parses chunk after chunk, in a protected call. To yield nothing asks for the
   next one. */
static int run (lua_State *L) {
  struct parser *p = (struct parser *)lua_touserdata(L, 1);
  int last = 0;
  XML_SetUserData(p->expat, p);
  XML_SetElementHandler(p->expat, start, end);
  XML_SetCharacterDataHandler(p->expat, text);
  while (!last && cfiber_yield(L, 0) > 0) {
    last = lua_isnil(L, -1);
    parse(L, p);
    lua_settop(L, 1);
  }
  return 0;
}


/* What the inner fiber runs: whatever happens, it comes to its end and frees
   the parser. */
static int document (lua_State *L) {
  struct parser p = {NULL, NULL};
  int status;
  p.L = L;
  p.expat = XML_ParserCreate(NULL);
  if (p.expat == NULL)
    return luaL_error(L, "not enough memory");
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, &p);
  status = lua_pcall(L, 1, 0, 0);
  XML_ParserFree(p.expat);
  return status == LUA_OK ? 0 : lua_error(L);
}


/* Moves the next chunk of text to 'co', or nil. The source is a function that
   returns the chunks, or the text itself, which is replaced by its end. */
static void feed (lua_State *L, int source, lua_State *co) {
  lua_pushvalue(L, source);
  if (lua_isfunction(L, -1)) {
    lua_call(L, 0, 1);
    if (!lua_isnil(L, -1) && !lua_isstring(L, -1))
      luaL_error(L, "the reader returned a %s, not a string",
                 luaL_typename(L, -1));
  }
  else {
    lua_pushnil(L);
    lua_replace(L, source);
  }
  lua_xmove(L, co, 1);
}


/* The iterator: returns the next event, or nothing in the end. Its upvalues
   are the guard and the source. */
static int next (lua_State *L) {
  struct inner *in =
    (struct inner *)lua_touserdata(L, lua_upvalueindex(1));
  int n;
  if (cfiber_status(L, in->co) == CFIBER_DEAD)
    return 0;
  lua_settop(L, 0);
  lua_pushnil(in->co);
  while ((n = inner_resume(L, in, 1)) == 0)
    feed(L, lua_upvalueindex(2), in->co);
  if (n < 0)
    return 0;
  lua_xmove(in->co, L, n);
  return n;
}


/* xml.events(source): for the generic 'for'. Each iteration is an event:
   "start", name, attributes; "end", name; or "text", text, which may come in
   pieces. 'source' is the text or a function that returns it in pieces, like
   that of 'load', and may yield. The loop's end frees the parser. */
static int events (lua_State *L) {
  luaL_argexpected(L, lua_isstring(L, 1) || lua_isfunction(L, 1), 1,
                   "string or function");
  lua_settop(L, 1);
  inner_open(L, document);
  lua_pushvalue(L, 2);  /* the guard */
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, next, 2);
  lua_pushnil(L);
  lua_pushnil(L);
  lua_pushvalue(L, 2);
  return 4;
}


static const luaL_Reg functions[] = {
  {"events", events},
  {NULL, NULL}
};


int luaopen_xml (lua_State *L);

int luaopen_xml (lua_State *L) {
  cfiber_import(L);
  luaL_newlib(L, functions);
  return 1;
}
