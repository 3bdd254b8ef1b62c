/*
** measure.c
** What the Lua at hand needs, and where its threads keep what
*/

#include "measure.h"

#include <lauxlib.h>
#include <stdint.h>
#include <string.h>

#include "annotate.h"
#include "compat.h"

#define LEVELS 8

/* Nests 'gsub' and calls 'probe' at the outer and at the inner end. */
static const char chunk[] =
  "local gsub, probe, n = ...\n"
  "local function nest() n = n - 1\n"
  "  if n == 0 then probe() else gsub('a', 'a', nest) end end\n"
  "probe() nest()";

struct probe {
  uintptr_t outer, inner;  /* addresses of frames */
};


static int probe (lua_State *L) {
  struct probe *p = (struct probe *)lua_touserdata(L, lua_upvalueindex(1));
  uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  if (p->outer == 0)
    p->outer = here;
  p->inner = here;
  return 0;
}


/* Pushes the 'string.gsub' that Lua loaded; is it there, and in C? */
static int pushgsub (lua_State *L) {
  int found = 0;
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_istable(L, -1)) {
    lua_pushliteral(L, "string");
    if (lua_rawget(L, -2) == LUA_TTABLE) {
      lua_pushliteral(L, "gsub");
      lua_rawget(L, -2);
      found = lua_iscfunction(L, -1);
    }
  }
  return found;
}


size_t measure_stack (lua_State *L) {
  struct probe p = {0, 0};
  int top = lua_gettop(L);
  luaL_checkstack(L, 8, NULL);
  if (luaL_loadbufferx(L, chunk, sizeof(chunk) - 1, "=measure", "t") == LUA_OK
      && pushgsub(L)) {
    lua_replace(L, top + 2);
    lua_settop(L, top + 2);
    lua_pushlightuserdata(L, &p);
    lua_pushcclosure(L, probe, 1);
    lua_pushinteger(L, LEVELS + 1);
    lua_pcall(L, 3, 0, 0);
  }
  lua_settop(L, top);
  if (p.outer <= p.inner)
    return STACK_SIZE_FALLBACK;
  return (p.outer - p.inner) / LEVELS * NESTED_C_CALLS + STACK_SLACK;
}


/* Words of a thread that are looked at: fewer than the smallest has, which has
   the two pointers among its first ones. */
#define WORDS 16

struct look {
  struct marks *marks;
  uintptr_t outer;  /* address of a frame outside of the thread's */
};


/* Of Lua's errors only the innermost place to go to is on the C stack between
   two frames around 'lua_resume'. */
static int look (lua_State *L) {
  const struct look *l = (const struct look *)lua_touserdata(L, 1);
  uintptr_t here = (uintptr_t)__builtin_frame_address(0), words[WORDS];
  lua_Debug ar;
  int i, call = 0, jump = 0;
  memcpy(words, (const void *)L, sizeof(words));
  annotate_defined(words, sizeof(words));  /* some have no value yet */
  lua_getstack(L, 0, &ar);
  for (i = WORDS - 1; i > 0; i--) {
    if (words[i] == (uintptr_t)ar.i_ci)
      call = i;
    else if (words[i] - here < l->outer - here)
      jump = i;
  }
  if (call > 0 && jump > 0) {
    l->marks->call = (size_t)call * sizeof(uintptr_t);
    l->marks->jump = (size_t)jump * sizeof(uintptr_t);
  }
  return 0;
}


void measure_marks (lua_State *L, struct marks *m) {
  struct look l;
  lua_State *co = lua_newthread(L);
  int n;
  m->call = m->jump = 0;
  l.marks = m;
  l.outer = (uintptr_t)__builtin_frame_address(0);
  lua_sethook(co, NULL, 0, 0);
  lua_pushcfunction(co, look);
  lua_pushlightuserdata(co, &l);
  lua_resume(co, L, 1, &n);
  lua_pop(L, 1);
}


/* What a hook waits for, as no other field has it. */
#define COUNT 0x5EC0317D

/* Words of a thread that are looked at, at most; it ends earlier. */
#define COUNT_WORDS 256

/* Each round takes one instruction. */
static const char loop[] = "for _ = 1, ... do end";


static int wordat (const lua_State *co, size_t i) {
  int n = measure_counted(co, i * sizeof(n));
  annotate_defined(&n, sizeof(n));
  return n;
}


static void unreached (lua_State *L, lua_Debug *ar) {
  (void)L;
  (void)ar;
}


/* Where 'co' has the count twice in a row, as it was set and as it stands; or
   0. 'lua_gethookcount' finds it in the thread, and there is a mask behind, so
   what is looked at lies within. */
static size_t findcounts (lua_State *co) {
  size_t i = 0;
  int n;
  lua_sethook(co, unreached, LUA_MASKCOUNT, COUNT);
  while (i < COUNT_WORDS && wordat(co, i) != COUNT)
    i++;
  if (i == COUNT_WORDS)
    return 0;
  for (n = COUNT; n < COUNT + 2; n++) {
    lua_sethook(co, unreached, LUA_MASKCOUNT, n);
    if (wordat(co, i) != n || wordat(co, i + 1) != n)
      return 0;
  }
  return i;
}


/* Runs the loop on 'co': how far does that bring each of the two? */
static void countdown (lua_State *L, lua_State *co, size_t i, int rounds,
                       int moved[2]) {
  int n;
  lua_sethook(co, unreached, LUA_MASKCOUNT, COUNT);
  lua_pushvalue(co, 1);
  lua_pushinteger(co, rounds);
  if (lua_resume(co, L, 1, &n) == LUA_ERRMEM) {
    lua_xmove(co, L, 1);
    lua_error(L);
  }
  moved[0] = COUNT - wordat(co, i);
  moved[1] = COUNT - wordat(co, i + 1);
}


/* Which of the two at i counts each instruction down, while the other stays?
   The count's place in words, or 0. */
static size_t findcount (lua_State *L, lua_State *co, size_t i) {
  int few[2], many[2], j;
  countdown(L, co, i, 10, few);
  countdown(L, co, i, 30, many);
  for (j = 0; j < 2; j++) {
    if (few[j] >= 10 && many[j] - few[j] == 20
        && few[1 - j] == 0 && many[1 - j] == 0)
      return i + (size_t)j;
  }
  return 0;
}


size_t measure_count (lua_State *L) {
  lua_State *co = lua_newthread(L);
  size_t i = findcounts(co);
  if (i > 0) {
    if (luaL_loadbufferx(L, loop, sizeof(loop) - 1, "=measure", "t")
        == LUA_ERRMEM)
      lua_error(L);
    lua_xmove(L, co, 1);  /* or a message, which cannot be called */
    i = findcount(L, co, i);
  }
  lua_pop(L, 1);
  return i * sizeof(int);
}


/* The first bytes of a thread in a call that a yield can leave, and in one
   below it that none can. */
struct nesting {
  uint32_t outer[COUNT_WORDS], inner[COUNT_WORDS];
  size_t size;  /* of both */
  int yieldable;  /* 1 if the calls were such */
};


static void copy (lua_State *L, const struct nesting *n, uint32_t *words) {
  memcpy(words, (const void *)L, n->size);
  annotate_defined(words, n->size);  /* some have no value yet */
}


static int innercall (lua_State *L) {
  struct nesting *n = (struct nesting *)lua_touserdata(L, 1);
  n->yieldable -= lua_isyieldable(L);
  copy(L, n, n->inner);
  return 0;
}


static int outercall (lua_State *L) {
  struct nesting *n = (struct nesting *)lua_touserdata(L, 1);
  n->yieldable = lua_isyieldable(L);
  copy(L, n, n->outer);
  lua_pushcfunction(L, innercall);
  lua_insert(L, 1);
  lua_call(L, 1, 0);
  return 0;
}


/* The only word whose upper half goes from 0 to 1, or 0. */
static size_t findnesting (const struct nesting *n) {
  size_t i, words = n->size / sizeof(n->outer[0]), found = 0;
  for (i = 1; i < words; i++) {
    if (n->outer[i] <= 0xFFFF && n->inner[i] >> 16 == 1) {
      if (found > 0)
        return 0;
      found = i;
    }
  }
  return found;
}


size_t measure_nesting (lua_State *L, size_t size) {
  struct nesting n;
  lua_State *co = lua_newthread(L);
  int nres, status;
  n.size = size < sizeof(n.outer) ? size : 0;
  lua_sethook(co, NULL, 0, 0);
  lua_pushcfunction(co, outercall);
  lua_pushlightuserdata(co, &n);
  status = lua_resume(co, L, 1, &nres);
  lua_pop(L, 1);
  return status == LUA_OK && n.yieldable == 1
         ? findnesting(&n) * sizeof(n.outer[0]) : 0;
}


/* Bytes that are looked at of what all threads of a Lua state share. */
#define SHARED_BYTES 4096

/* A Lua state to look at: its first block of memory, in which the main thread
   and what all threads share are, and the end of its latest thread's. */
struct specimen {
  lua_Alloc allocate;
  void *ud;  /* of 'allocate' */
  const unsigned char *block, *end, *threadend;
  unsigned char differs[SHARED_BYTES];  /* has a byte of the block ever had
                                           another value than was expected? */
  int stopped;  /* the collector, by 'lua_gc' */
  int finalizers;  /* how many ran */
};


static void *allocate (void *ud, void *p, size_t osize, size_t nsize) {
  struct specimen *s = (struct specimen *)ud;
  unsigned char *block
    = (unsigned char *)s->allocate(s->ud, p, osize, nsize);
  if (p == NULL && osize == LUA_TTHREAD && block != NULL) {
    s->threadend = block + nsize;
    if (s->block == NULL) {
      s->block = block;
      s->end = s->threadend;
    }
  }
  return block;
}


static void expect (struct specimen *s, int value) {
  size_t i, n = (size_t)(s->end - s->block);
  for (i = 0; i < n && i < SHARED_BYTES; i++) {
    unsigned char c = s->block[i];
    annotate_defined(&c, sizeof(c));  /* some have no value yet */
    s->differs[i] |= c != value;
  }
}


/* A finalizer. Here Lua has set the bit GCSTPGC, beside GCSTPUSR which is that
   of 'lua_gc' (lgc.h). */
static int expectboth (lua_State *L) {
  struct specimen *s = *(struct specimen **)lua_touserdata(L, 1);
  expect(s, 2 + s->stopped);
  s->finalizers++;
  return 0;
}


/* Has finalizers run while the collector is stopped and while it is not.
   Leaves a thread on top, which is returned. */
static int finalize (lua_State *L) {
  struct specimen *s = (struct specimen *)lua_touserdata(L, 1);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, expectboth);
  lua_setfield(L, -2, "__gc");
  for (; s->stopped < 2; s->stopped++) {
    *(struct specimen **)lua_newuserdatauv(L, sizeof(s), 0) = s;
    lua_pushvalue(L, -2);
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
    if (s->stopped)
      lua_gc(L, LUA_GCSTOP, 0);
    expect(s, s->stopped);
    lua_gc(L, LUA_GCCOLLECT, 0);
  }
  lua_newthread(L);
  return 1;
}


static const unsigned char *pointerat (const lua_State *L, size_t at) {
  const unsigned char *p;
  memcpy(&p, (const char *)L + at, sizeof(p));
  annotate_defined(&p, sizeof(p));
  return p;
}


/* The only distance at which the main thread and 'co' have the same pointer
   into the block, or 0. */
static size_t findshared (const struct specimen *s, const lua_State *main,
                          const lua_State *co) {
  size_t at, found = 0, size = (size_t)(s->end - s->block);
  size_t n = (size_t)(s->threadend - (const unsigned char *)co);
  if (size > SHARED_BYTES
      || (uintptr_t)main - (uintptr_t)s->block > size - n)
    return 0;
  for (at = sizeof(void *); at + sizeof(void *) <= n; at += sizeof(void *)) {
    const unsigned char *p = pointerat(main, at);
    if (p == pointerat(co, at)
        && (uintptr_t)p - (uintptr_t)s->block < size) {
      if (found > 0)
        return 0;
      found = at;
    }
  }
  return found;
}


/* The only byte of the block that was as expected, or NULL. */
static const unsigned char *findexpected (const struct specimen *s) {
  const unsigned char *c, *found = NULL;
  for (c = s->block; c < s->end; c++) {
    if (!s->differs[c - s->block]) {
      if (found != NULL)
        return NULL;
      found = c;
    }
  }
  return found;
}


/* The byte of the state of L where that of the specimen was found, or NULL. */
static const unsigned char *transferred (const struct specimen *s,
                                         lua_State *L, const lua_State *main,
                                         const lua_State *co) {
  size_t at = findshared(s, main, co);
  const unsigned char *stop = at > 0 ? findexpected(s) : NULL;
  if (stop == NULL)
    return NULL;
  return pointerat(L, at) + (stop - pointerat(main, at));
}


const unsigned char *measure_stop (lua_State *L) {
  const unsigned char *stop = NULL;
  struct specimen s;
  lua_State *main;
  memset(&s, 0, sizeof(s));
  s.allocate = lua_getallocf(L, &s.ud);
  main = compat_newstate(allocate, &s);
  if (main == NULL)
    return NULL;
  lua_pushcfunction(main, finalize);
  lua_pushlightuserdata(main, &s);
  if (lua_pcall(main, 1, 1, 0) == LUA_OK && s.finalizers == 2)
    stop = transferred(&s, L, main, lua_tothread(main, -1));
  lua_close(main);
  return stop;
}
