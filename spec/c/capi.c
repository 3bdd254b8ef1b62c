/*
** capi.c
** A C module on cfiber.h alone
*/

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdlib.h>

#include <cfiber.h>


/*
** {======================================================
** Functions that yield
** =======================================================
*/

/* yield(...): yields and returns, through a normal return */
static int yield (lua_State *L) {
  return cfiber_yield(L, lua_gettop(L));
}


/* produce(n): yields 1 to n from a loop; the first value that comes back each
   time is a piece of the string that it returns, with the sum of the numbers */
static int produce (lua_State *L) {
  int n = (int)luaL_checkinteger(L, 1), sum = 0, i;
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (i = 1; i <= n; i++) {
    int came;
    lua_pushinteger(L, i);
    came = cfiber_yield(L, 1);
    lua_pop(L, came - 1);
    luaL_addvalue(&b);
    sum += i;
  }
  luaL_pushresult(&b);
  lua_pushinteger(L, sum);
  return 2;
}


/* keep(...): yields its last argument; returns the others, then what came */
static int keep (lua_State *L) {
  cfiber_yield(L, 1);
  return lua_gettop(L);
}


struct item {
  lua_State *L;
  int key;
};


static int compare (const void *a, const void *b) {
  const struct item *x = (const struct item *)a;
  const struct item *y = (const struct item *)b;
  int less;
  lua_pushvalue(x->L, 2);
  lua_pushinteger(x->L, x->key);
  lua_pushinteger(x->L, y->key);
  lua_call(x->L, 2, 1);
  less = (int)lua_tointeger(x->L, -1);
  lua_pop(x->L, 1);
  return less;
}


/* sort(list, f): sorts with C's 'qsort'; f(a, b) returns a number that says
   how a and b compare */
static int sort (lua_State *L) {
  int n = (int)luaL_len(L, 1), i;
  struct item *items;
  luaL_checkany(L, 2);
  items = (struct item *)lua_newuserdatauv(L, (size_t)n * sizeof(*items), 0);
  for (i = 0; i < n; i++) {
    lua_geti(L, 1, i + 1);
    items[i].L = L;
    items[i].key = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
  }
  qsort(items, (size_t)n, sizeof(*items), compare);
  for (i = 0; i < n; i++) {
    lua_pushinteger(L, items[i].key);
    lua_seti(L, 1, i + 1);
  }
  lua_settop(L, 1);
  return 1;
}

/* }====================================================== */


/*
** {======================================================
** The other functions
** =======================================================
*/

/* The rest of a resume of 'co', which L had 'top' values before: status, count,
   and what is on 'co'. */
static int results (lua_State *L, lua_State *co, int top, int status, int n) {
  if (L != co && lua_gettop(L) != top)
    return luaL_error(L, "%d values in place of %d", lua_gettop(L), top);
  luaL_checkstack(L, n + 2, NULL);
  lua_xmove(co, L, n);
  lua_pushinteger(L, status);
  lua_insert(L, -(n + 1));
  lua_pushinteger(L, n);
  lua_insert(L, -(n + 1));
  return 2 + n;
}


/* resume(co, ...) */
static int resume (lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  int n = lua_gettop(L) - 1, status;
  luaL_checkstack(co, n, NULL);
  lua_xmove(L, co, n);
  status = cfiber_resume(L, co, n, &n);
  return results(L, co, 1, status, n);
}


/* resumeonly(co, n): with n values that are said to be there, and without
   taking the results off */
static int resumeonly (lua_State *L) {
  int n;
  lua_State *co = lua_tothread(L, 1);
  lua_pushinteger(L, cfiber_resume(L, co, (int)luaL_checkinteger(L, 2), &n));
  return 1;
}


/* collect(co): the sum of what it yields until it ends, by a C loop */
static int collect (lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  lua_Integer sum = 0;
  int n;
  while (cfiber_resume(L, co, 0, &n) == LUA_YIELD) {
    sum += lua_tointeger(co, -1);
    lua_pop(co, n);
  }
  lua_pop(co, n);
  lua_pushinteger(L, sum);
  return 1;
}


/* drop(co, n): takes n values off a thread */
static int drop (lua_State *L) {
  lua_pop(lua_tothread(L, 1), (int)luaL_checkinteger(L, 2));
  return 0;
}


/* throw(co, err) */
static int throw (lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  int status, n;
  luaL_checkstack(co, 1, NULL);
  lua_xmove(L, co, 1);
  status = cfiber_throw(L, co, &n);
  return results(L, co, 1, status, n);
}


/* suspend(co, ...): values of the call below stay as they are */
static int suspend (lua_State *L) {
  return cfiber_suspend(L, lua_tothread(L, 1), lua_gettop(L) - 1);
}


/* close(co): the status and the error */
static int closethread (lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  int status = cfiber_close(L, co);
  return results(L, co, 1, status, status != LUA_OK);
}


static int status (lua_State *L) {
  static const char *names[] = {"?", "?", "?", "?"};
  names[CFIBER_RUNNING] = "running";
  names[CFIBER_DEAD] = "dead";
  names[CFIBER_SUSPENDED] = "suspended";
  names[CFIBER_NORMAL] = "normal";
  lua_pushstring(L, names[cfiber_status(L, lua_tothread(L, 1))]);
  return 1;
}


static int isyieldable (lua_State *L) {
  lua_pushboolean(L, cfiber_isyieldable(L));
  return 1;
}


static lua_State *mainthread (lua_State *L) {
  lua_State *co;
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  co = lua_tothread(L, -1);
  lua_pop(L, 1);
  return co;
}


/* running(): asked on the main thread */
static int running (lua_State *L) {
  lua_State *co = cfiber_running(mainthread(L));
  if (co == NULL)
    return 0;
  lua_pushthread(co);
  lua_xmove(co, L, 1);
  return 1;
}

/* }====================================================== */


/*
** {======================================================
** Misuse
** =======================================================
*/

/* yieldcount(n): yields n values, whether there are so many or not */
static int yieldcount (lua_State *L) {
  return cfiber_yield(L, (int)luaL_checkinteger(L, 1));
}


/* yieldon(co): yields on another state than the one that runs; for nil the
   main thread */
static int yieldon (lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  return cfiber_yield(co != NULL ? co : mainthread(L), 0);
}


/* Calls the function of that name for the thread 'co'. */
static int callfor (lua_State *L, const char *name, lua_State *co) {
  int n;
  switch (name[0]) {
    case 'y': return cfiber_yield(L, 0);
    case 'r': return cfiber_resume(L, co, 0, &n);
    case 't': return cfiber_throw(L, co, &n);
    case 's': return name[1] == 't' ? cfiber_status(L, co)
                                    : cfiber_suspend(L, co, 0);
    default: return cfiber_close(L, co);
  }
}


/* Leaves n free slots on the Lua stack, all in all. */
static void fill (lua_State *L, int n) {
  int low = 0, high = 2000000;
  lua_checkstack(L, high);  /* from Lua 5.4.5 on a refusal makes some room */
  while (high - low > 1) {  /* the most that can be had */
    int middle = (low + high) / 2;
    if (lua_checkstack(L, middle))
      low = middle;
    else
      high = middle;
  }
  for (; low > n; low--)
    lua_pushnil(L);
}


/* full(n, name, co): calls it with only n free slots; returns what it does */
static int full (lua_State *L) {
  lua_State *co = lua_tothread(L, 3);
  const char *name = luaL_checkstring(L, 2);
  fill(L, (int)luaL_checkinteger(L, 1));
  lua_pushinteger(L, callfor(L, name, co));
  return 1;
}


/* push(co, ...) */
static int push (lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_checkstack(co, lua_gettop(L), NULL);
  lua_xmove(L, co, lua_gettop(L) - 1);
  return 0;
}


/* null(name): calls it for NULL */
static int null (lua_State *L) {
  return callfor(L, luaL_checkstring(L, 1), NULL);
}


/* resumeon(L, co): resumes 'co' on another state than the one that runs */
static int resumeon (lua_State *L) {
  int n;
  lua_pushinteger(L, cfiber_resume(lua_tothread(L, 1), lua_tothread(L, 2), 0,
                                   &n));
  return 1;
}


/* closeon(L): closes the thread that runs on another state */
static int closeon (lua_State *L) {
  return cfiber_close(lua_tothread(L, 1), L);
}


/* nocount(co): resumes with no place for the count of results */
static int nocount (lua_State *L) {
  return cfiber_resume(L, lua_tothread(L, 1), 0, NULL);
}


static int protectedcall (lua_State *L) {
  return callfor(L, luaL_checkstring(L, 1),
                 (lua_State *)lua_touserdata(L, 2));
}


/* foreign(name): calls it for a thread of another Lua state */
static int foreign (lua_State *L) {
  lua_State *other = luaL_newstate();
  int outcome;
  lua_settop(L, 1);
  lua_pushcfunction(L, protectedcall);
  lua_insert(L, 1);
  luaL_loadstring(other, "");
  lua_pushlightuserdata(L, other);
  outcome = lua_pcall(L, 2, 0, 0);
  lua_close(other);
  return outcome == LUA_OK ? 0 : lua_error(L);
}


static int import (lua_State *L) {
  cfiber_import(L);
  return 0;
}


/* importfake(major, size): the message of an import where the table says
   that; size is a difference to that of the header */
static int importfake (lua_State *L) {
  struct cfiber_api fake = *cfiber_import(L);
  lua_State *other = luaL_newstate();
  fake.major = (int)luaL_checkinteger(L, 1);
  fake.size = (size_t)((lua_Integer)fake.size + luaL_checkinteger(L, 2));
  lua_pushlightuserdata(other, &fake);
  lua_setfield(other, LUA_REGISTRYINDEX, CFIBER_REGISTRY_KEY);
  lua_pushcfunction(other, import);
  if (lua_pcall(other, 0, 0, 0) == LUA_OK)
    lua_pushliteral(other, "imported");
  lua_pushstring(L, lua_tostring(other, -1));
  lua_close(other);
  cfiber_import(L);
  return 1;
}

/* inother(script, cpath): runs a script in another Lua state and returns what
   it returns, as a string */
static int inother (lua_State *L) {
  const char *script = luaL_checkstring(L, 1);
  const char *cpath = luaL_checkstring(L, 2);
  lua_State *other = luaL_newstate();
  luaL_openlibs(other);
  lua_getglobal(other, "package");
  lua_pushstring(other, cpath);
  lua_setfield(other, -2, "cpath");
  if (luaL_loadstring(other, script) == LUA_OK)
    lua_pcall(other, 0, 1, 0);
  lua_pushstring(L, luaL_tolstring(other, -1, NULL));
  lua_close(other);
  return 1;
}

/* }====================================================== */


static const luaL_Reg functions[] = {
  {"close", closethread},
  {"closeon", closeon},
  {"collect", collect},
  {"drop", drop},
  {"foreign", foreign},
  {"full", full},
  {"importfake", importfake},
  {"inother", inother},
  {"isyieldable", isyieldable},
  {"keep", keep},
  {"nocount", nocount},
  {"null", null},
  {"produce", produce},
  {"push", push},
  {"resume", resume},
  {"resumeon", resumeon},
  {"resumeonly", resumeonly},
  {"running", running},
  {"sort", sort},
  {"status", status},
  {"suspend", suspend},
  {"throw", throw},
  {"yield", yield},
  {"yieldcount", yieldcount},
  {"yieldon", yieldon},
  {NULL, NULL}
};


int luaopen_capi (lua_State *L);

int luaopen_capi (lua_State *L) {
  cfiber_import(L);
  luaL_newlib(L, functions);
  return 1;
}
