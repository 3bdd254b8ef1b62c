/*
** sqlite.c
** SQLite with functions and a progress handler in Lua, which may yield
**
** Every query runs in an inner fiber (inner.h): SQLite demands that its
** callbacks return, and the one function that steps a statement also finalizes
** it. What the callbacks need from Lua they ask, and 'drive' answers.
*/

#include <limits.h>
#include <string.h>

#include <sqlite3.h>

#include "inner.h"

#define CONNECTION "sqlite connection"

/* Its user value is a table: Lua functions by the address that asks for them,
   and 'struct function's by their name in SQL, to keep them. */
struct db {
  sqlite3 *handle;  /* NULL: closed */
  lua_State *inner;  /* the fiber that is inside SQLite, running or suspended,
                        or NULL. A connection serves one at a time */
};

/* A Lua function that SQL knows. */
struct function {
  struct db *db;
};


static struct db *checkdb (lua_State *L) {
  struct db *d = (struct db *)luaL_checkudata(L, 1, CONNECTION);
  luaL_argcheck(L, d->handle != NULL, 1, "the connection is closed");
  return d;
}


/* SQLite lets no two statements of a connection be in the middle of a step in
   any other order than nested; who asks comes from inside one. */
static void checkidle (lua_State *L, const struct db *d) {
  if (d->inner != NULL)
    luaL_error(L, "the connection is in the middle of a query");
}


/* Raises the connection's latest error. */
static int fail (lua_State *L, sqlite3 *handle) {
  return luaL_error(L, "%s", sqlite3_errmsg(handle));
}


/*
** {======================================================
** Values
** =======================================================
*/

/* Checks that an argument is something that SQL has. */
static void checkvalue (lua_State *L, int arg) {
  int type = lua_type(L, arg);
  luaL_argexpected(L, type == LUA_TNIL || type == LUA_TBOOLEAN
                   || type == LUA_TNUMBER || type == LUA_TSTRING, arg,
                   "value of SQL");
}


static void pushvalue (lua_State *L, sqlite3_value *v) {
  switch (sqlite3_value_type(v)) {
    case SQLITE_NULL: lua_pushnil(L); break;
    case SQLITE_INTEGER: lua_pushinteger(L, sqlite3_value_int64(v)); break;
    case SQLITE_FLOAT: lua_pushnumber(L, sqlite3_value_double(v)); break;
    default: {  /* text or blob: its address before its size (manual) */
      const char *s = (const char *)sqlite3_value_blob(v);
      lua_pushlstring(L, s, (size_t)sqlite3_value_bytes(v));
    }
  }
}


static int bind (lua_State *L, int arg, sqlite3_stmt *stmt, int i) {
  size_t length;
  const char *s;
  switch (lua_type(L, arg)) {
    case LUA_TNIL: return sqlite3_bind_null(stmt, i);
    case LUA_TBOOLEAN: return sqlite3_bind_int(stmt, i, lua_toboolean(L, arg));
    case LUA_TNUMBER:
      if (lua_isinteger(L, arg))
        return sqlite3_bind_int64(stmt, i, lua_tointeger(L, arg));
      return sqlite3_bind_double(stmt, i, lua_tonumber(L, arg));
  }
  s = lua_tolstring(L, arg, &length);
  return sqlite3_bind_text64(stmt, i, s, length, SQLITE_TRANSIENT, SQLITE_UTF8);
}


/* The result of a function of SQL, on top of L. */
static void result (lua_State *L, sqlite3_context *to) {
  size_t length;
  const char *s;
  switch (lua_type(L, -1)) {
    case LUA_TNIL: sqlite3_result_null(to); break;
    case LUA_TBOOLEAN: sqlite3_result_int(to, lua_toboolean(L, -1)); break;
    case LUA_TNUMBER:
      if (lua_isinteger(L, -1))
        sqlite3_result_int64(to, lua_tointeger(L, -1));
      else
        sqlite3_result_double(to, lua_tonumber(L, -1));
      break;
    case LUA_TSTRING:
      s = lua_tolstring(L, -1, &length);
      sqlite3_result_text64(to, s, length, SQLITE_TRANSIENT, SQLITE_UTF8);
      break;
    default:
      sqlite3_result_error(to, "a function in Lua returned no value of SQL",
                           -1);
  }
}

/* }====================================================== */


/*
** {======================================================
** The inner fiber: what runs inside SQLite
** =======================================================
*/

/* A call of a function from SQL. */
struct call {
  sqlite3_context *context;
  int n;
  sqlite3_value **arguments;
};


/* Asks for a call of a Lua function: yields its address and the arguments.
   The answer is one value, the result; or two, the last an error message. */
static int ask (lua_State *L) {
  struct call *c = (struct call *)lua_touserdata(L, 1);
  int i, n;
  luaL_checkstack(L, c->n + 1, NULL);
  lua_pushlightuserdata(L, sqlite3_user_data(c->context));
  for (i = 0; i < c->n; i++)
    pushvalue(L, c->arguments[i]);
  n = cfiber_yield(L, c->n + 1);
  if (n == 1)
    result(L, c->context);
  else
    sqlite3_result_error(c->context,
                         n == 0 ? "the query was left" : lua_tostring(L, -1),
                         -1);
  return 0;
}


/* A Lua error must not jump through SQLite, and those of memory can always
   happen: hence the 'lua_pcall'. */
static void function (sqlite3_context *context, int n, sqlite3_value **args) {
  struct call c = {NULL, 0, NULL};
  lua_State *L = ((struct function *)sqlite3_user_data(context))->db->inner;
  c.context = context;
  c.n = n;
  c.arguments = args;
  lua_pushcfunction(L, ask);
  lua_pushlightuserdata(L, &c);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
    sqlite3_result_error(context, lua_tostring(L, -1), -1);
    lua_pop(L, 1);
  }
}


/* Asks whether to go on; anything but 0 interrupts the query. An error message
   stays on L, for 'step'. Takes no memory, so nothing is raised. */
static int progress (void *d) {
  lua_State *L = ((struct db *)d)->inner;
  int n, stop;
  lua_pushlightuserdata(L, d);
  n = cfiber_yield(L, 1);
  stop = n != 1 || lua_toboolean(L, -1);
  if (n == 1)
    lua_pop(L, 1);
  return stop;
}


/* Yields a row: a table with a field for each column. True: to be continued. */
static int yieldrow (lua_State *L, sqlite3_stmt *stmt) {
  int i, n, columns = sqlite3_column_count(stmt);
  lua_createtable(L, 0, columns);
  for (i = 0; i < columns; i++) {
    pushvalue(L, sqlite3_column_value(stmt, i));
    lua_setfield(L, -2, sqlite3_column_name(stmt, i));
  }
  n = cfiber_yield(L, 1);
  lua_pop(L, n);
  return n > 0;
}


/* Yields all rows. */
static int step (lua_State *L, struct db *d, sqlite3_stmt *stmt) {
  int status;
  do {
    lua_settop(L, 0);  /* also what came for the yield before */
    d->inner = L;
    status = sqlite3_step(stmt);
    d->inner = NULL;
  } while (status == SQLITE_ROW && yieldrow(L, stmt));
  if (status == SQLITE_INTERRUPT && lua_gettop(L) > 0)
    return lua_error(L);
  return status == SQLITE_ROW || status == SQLITE_DONE ? 0
       : fail(L, sqlite3_db_handle(stmt));
}


/* What the inner fiber runs, in a protected call: run(db, &stmt, sql, ...).
   Makes the statement, yields, then yields its rows. */
static int run (lua_State *L) {
  enum {DB = 1, STATEMENT, SQL, VALUES};
  struct db *d = (struct db *)lua_touserdata(L, DB);
  sqlite3_stmt **stmt = (sqlite3_stmt **)lua_touserdata(L, STATEMENT);
  int n = lua_gettop(L) - SQL, i;
  const char *rest;
  d->inner = L;  /* SQLite 3.41 reports progress while it prepares, too */
  if (sqlite3_prepare_v2(d->handle, lua_tostring(L, SQL), -1, stmt, &rest)
      != SQLITE_OK)
    return fail(L, d->handle);
  if (rest[strspn(rest, "; \t\r\n")] != '\0')
    return luaL_error(L, "more than one statement");
  if (*stmt != NULL && sqlite3_bind_parameter_count(*stmt) != n)
    return luaL_error(L, "%d parameters and %d values",
                      sqlite3_bind_parameter_count(*stmt), n);
  for (i = 0; i < n; i++) {
    if (bind(L, VALUES + i, *stmt, i + 1) != SQLITE_OK)
      return fail(L, d->handle);
  }
  d->inner = NULL;
  lua_settop(L, 0);
  return *stmt != NULL && cfiber_yield(L, 0) > 0 ? step(L, d, *stmt) : 0;
}


/* The inner fiber: query(db, sql, ...). Whatever happens, it comes to its end
   and finalizes the statement. */
static int query (lua_State *L) {
  struct db *d = (struct db *)lua_touserdata(L, 1);
  sqlite3_stmt *stmt = NULL;
  int status;
  lua_pushvalue(L, 1);  /* keeps the connection */
  lua_insert(L, 1);
  lua_pushlightuserdata(L, &stmt);
  lua_insert(L, 3);
  lua_pushcfunction(L, run);
  lua_insert(L, 2);
  status = lua_pcall(L, lua_gettop(L) - 2, 0, 0);
  if (d->inner == L)
    d->inner = NULL;
  sqlite3_finalize(stmt);
  return status == LUA_OK ? 0 : lua_error(L);
}

/* }====================================================== */


/*
** {======================================================
** The caller's side
** =======================================================
*/

/* Answers the question in the 'n' values on top of 'co', of which the first is
   the address that asks: calls its Lua function. Returns how many values the
   answer has. */
static int answer (lua_State *L, int db, lua_State *co, int n) {
  int top = lua_gettop(L), status;
  luaL_checkstack(L, n + 2, NULL);
  lua_getiuservalue(L, db, 1);
  lua_rawgetp(L, -1, lua_touserdata(co, -n));
  lua_xmove(co, L, n - 1);
  lua_pop(co, 1);
  status = lua_pcall(L, n - 1, 1, 0);
  if (status == LUA_OK)
    n = 1;
  else {
    if (!lua_isstring(L, -1))
      lua_pushfstring(L, "(the error is a %s)", luaL_typename(L, -1));
    lua_pushnil(L);
    lua_insert(L, -2);
    n = 2;
  }
  lua_xmove(L, co, n);
  lua_settop(L, top);
  return n;
}


/* Lets the inner fiber go on with the 'n' values on top of it, and answers its
   questions. Returns like 'inner_resume' what is none. */
static int drive (lua_State *L, int db, struct inner *in, int n) {
  do {
    n = inner_resume(L, in, n);
  } while (n > 0 && lua_islightuserdata(in->co, -n)
           && (n = answer(L, db, in->co, n)) > 0);
  return n;
}


/* The iterator: returns the next row, or nothing in the end. Its upvalues are
   the connection and the guard. */
static int next (lua_State *L) {
  enum {DB = lua_upvalueindex(1), GUARD = lua_upvalueindex(2)};
  struct db *d = (struct db *)lua_touserdata(L, DB);
  struct inner *in = (struct inner *)lua_touserdata(L, GUARD);
  if (cfiber_status(L, in->co) == CFIBER_DEAD)
    return 0;
  checkidle(L, d);
  lua_settop(L, 0);
  lua_pushnil(in->co);
  if (drive(L, DB, in, 1) < 0)
    return 0;
  lua_xmove(in->co, L, 1);
  return 1;
}


/* The inner fiber for a query with the arguments (db, sql, ...), up to where
   the statement is made. Leaves the guard and the connection on L alone. */
static struct inner *prepare (lua_State *L) {
  struct db *d = checkdb(L);
  int n = lua_gettop(L), i;
  struct inner *in;
  size_t length;
  const char *sql = luaL_checklstring(L, 2, &length);
  luaL_argcheck(L, strlen(sql) == length, 2, "contains a zero");
  for (i = 3; i <= n; i++)
    checkvalue(L, i);
  checkidle(L, d);
  in = inner_open(L, query);
  lua_insert(L, 1);
  lua_pushvalue(L, 2);
  lua_insert(L, 2);
  if (!lua_checkstack(in->co, n))
    luaL_error(L, "too many values");
  lua_xmove(L, in->co, n);
  drive(L, 2, in, n);
  return in;
}


/* db:rows(sql, ...): prepares a statement and binds its parameters; returns
   what a 'for' loop needs. Each row is a table, by the names of the columns.
   The loop's end finalizes the statement, as do an early end, an error, the
   end of the fiber, and the collector. */
static int rows (lua_State *L) {
  prepare(L);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, next, 2);
  lua_pushnil(L);
  lua_pushnil(L);
  lua_pushvalue(L, 1);
  return 4;
}


/* db:exec(sql, ...): the same for a statement whose rows nobody wants */
static int exec (lua_State *L) {
  struct inner *in = prepare(L);
  lua_toclose(L, 1);
  while (cfiber_status(L, in->co) != CFIBER_DEAD) {
    lua_pushnil(in->co);
    lua_pop(in->co, drive(L, 2, in, 1) > 0);
  }
  return 0;
}


/* db:define(name, f): makes f a function of SQL. Its errors are errors of the
   query. */
static int define (lua_State *L) {
  struct db *d = checkdb(L);
  size_t length;
  const char *name = luaL_checklstring(L, 2, &length);
  struct function *f;
  luaL_argcheck(L, length <= 255, 2, "too long");
  luaL_checktype(L, 3, LUA_TFUNCTION);
  lua_settop(L, 3);
  lua_getiuservalue(L, 1, 1);
  f = (struct function *)lua_newuserdatauv(L, sizeof(*f), 0);
  f->db = d;
  lua_rawseti(L, 4, luaL_len(L, 4) + 1);  /* keeps it */
  lua_pushvalue(L, 3);
  lua_rawsetp(L, 4, f);
  if (sqlite3_create_function_v2(d->handle, name, -1, SQLITE_UTF8, f, function,
                                 NULL, NULL, NULL) != SQLITE_OK)
    return fail(L, d->handle);
  return 0;
}


/* db:progress(n, f): calls f after about every n instructions of SQLite's
   virtual machine; if it returns true, or fails, the query is interrupted. */
static int setprogress (lua_State *L) {
  struct db *d = checkdb(L);
  lua_Integer n = luaL_checkinteger(L, 2);
  luaL_argcheck(L, n > 0 && n <= INT_MAX, 2, "out of range");
  luaL_checktype(L, 3, LUA_TFUNCTION);
  lua_settop(L, 3);
  lua_getiuservalue(L, 1, 1);
  lua_insert(L, 3);
  lua_rawsetp(L, 3, d);
  sqlite3_progress_handler(d->handle, (int)n, progress, d);
  return 0;
}


/* db:close(), also '__close' and '__gc'. Statements that are left over keep
   what they need until their fiber has finalized them. */
static int closedb (lua_State *L) {
  struct db *d = (struct db *)luaL_checkudata(L, 1, CONNECTION);
  checkidle(L, d);
  sqlite3_close_v2(d->handle);
  d->handle = NULL;
  return 0;
}


/* sqlite.open(name): a connection to the database in that file */
static int opendb (lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  struct db *d = (struct db *)lua_newuserdatauv(L, sizeof(*d), 1);
  d->handle = NULL;
  d->inner = NULL;
  luaL_setmetatable(L, CONNECTION);
  lua_newtable(L);
  lua_setiuservalue(L, -2, 1);
  /* NOMUTEX: a mutex would stay locked while a fiber is suspended inside. Lua
     states run in one OS thread at a time anyway. */
  if (sqlite3_open_v2(name, &d->handle, SQLITE_OPEN_READWRITE
                      | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL)
      != SQLITE_OK)
    return fail(L, d->handle);
  return 1;
}

/* }====================================================== */


static const luaL_Reg methods[] = {
  {"close", closedb},
  {"define", define},
  {"exec", exec},
  {"progress", setprogress},
  {"rows", rows},
  {"__close", closedb},
  {"__gc", closedb},
  {NULL, NULL}
};


static const luaL_Reg functions[] = {
  {"open", opendb},
  {NULL, NULL}
};


int luaopen_sqlite (lua_State *L);

int luaopen_sqlite (lua_State *L) {
  cfiber_import(L);
  luaL_newmetatable(L, CONNECTION);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
