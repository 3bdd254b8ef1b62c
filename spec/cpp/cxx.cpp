/*
** cxx.cpp
** C++ on fibers: functions with objects on the stack, on cfiber.h alone and on
** cfiber.hpp
*/

#include <lua.hpp>
#include <unwind.h>

#include <cfiber.hpp>


/*
** {======================================================
** Objects that tell of their end
** =======================================================
*/

static std::string told;

struct object {
  std::string name;
  const object *self = this;
  explicit object (const char *n) : name(n) {}
  ~object () { told += self == this ? name : "moved"; }
};


/* told(): the names of those destroyed since the last call, in order */
static int tell (lua_State *L) {
  lua_pushstring(L, told.c_str());
  told.clear();
  return 1;
}

/* }====================================================== */


/*
** {======================================================
** Functions that know nothing of cfiber: each calls its last argument
** =======================================================
*/

static int callrest (lua_State *L) {
  lua_call(L, lua_gettop(L) - 2, 0);
  return 0;
}


/* hold(name, f, ...) */
static int hold (lua_State *L) {
  object o(luaL_checkstring(L, 1));
  return callrest(L);
}


/* within(text, f, ...): inside a 'catch'; returns the text of the exception
   that it throws again then */
static int within (lua_State *L) {
  object o(luaL_checkstring(L, 1));
  try {
    try {
      throw std::runtime_error(luaL_checkstring(L, 1));
    }
    catch (const std::exception &) {
      callrest(L);
      throw;
    }
  }
  catch (const std::exception &e) {
    lua_pushstring(L, e.what());
    return 1;
  }
}


/* swallow(name, f, ...): catches all, in a 'catch' */
static int swallow (lua_State *L) {
  object o(luaL_checkstring(L, 1));
  try {
    throw 1;
  }
  catch (int) {
    try {
      object inner("(");
      callrest(L);
    }
    catch (...) {
      told += "...";
    }
  }
  told += "went on";
  return 0;
}


/* noexceptional(name, f, ...): has no object of that name: whether those of the
   function itself are destroyed is up to the compiler (C++17, 18.5.1) */
static int noexceptional (lua_State *L) noexcept {
  return callrest(L);
}


struct raising {
  lua_State *L;
  bool cpp;
  ~raising () noexcept(false) {
    if (cpp)
      throw object("e");
    luaL_error(L, "destructor");
  }
};


/* raise(name, f, ...): a destructor raises a Lua error */
static int raise (lua_State *L) {
  object o(luaL_checkstring(L, 1));
  raising r = {L, false};
  return callrest(L);
}


/* throwing(name, f, ...): a destructor throws */
static int throwing (lua_State *L) {
  object o(luaL_checkstring(L, 1));
  raising r = {L, true};
  return callrest(L);
}


struct calling {
  lua_State *L;
  ~calling () {
    lua_getglobal(L, "destructor");
    lua_pcall(L, 0, 0, 0);
  }
};


/* calls(name, f, ...): a destructor calls the global function 'destructor' */
static int calls (lua_State *L) {
  object o(luaL_checkstring(L, 1));
  calling c = {L};
  return callrest(L);
}


/* plainyield(name): by cfiber.h */
static int plainyield (lua_State *L) {
  object o(luaL_checkstring(L, 1));
  return cfiber_yield(L, 0);
}

/* }====================================================== */


/*
** {======================================================
** cfiber.hpp
** =======================================================
*/

/* typed(): yields what it is passed, typed, until the type is wrong */
static void pushtyped (lua_State *L) {
  cfiber::function(L, [] (lua_State *l) {
    object o("t");
    auto [i, s] = cfiber::yield<int, std::string>(l, true, 1.5, "s",
      std::string("string"), std::string_view("view"), cfiber::nil,
      std::optional<int>(), std::optional<int>(7), cfiber::value{1});
    cfiber::push(l, i + 1);
    cfiber::push(l, s + "!");
    return 2;
  });
}


/* catching(): yields; returns what is thrown in as a value */
static void pushcatching (lua_State *L) {
  cfiber::function(L, [] (lua_State *l) {
    try {
      object o("in");
      cfiber::yield(l);
    }
    catch (const cfiber::error &e) {
      e.push(l);
      return 1;
    }
    return 0;
  });
}


/* escaping(kind): an exception leaves it */
static void pushescaping (lua_State *L) {
  cfiber::function(L, [] (lua_State *l) {
    object o("e");
    auto kind = cfiber::get<std::string>(l, 1);
    if (kind == "yield")
      cfiber::yield(l);
    else if (kind == "std")
      throw std::runtime_error("standard");
    else
      throw 1;
  });
}


/* owner(name): a function that only can be moved; yields */
static int owner (lua_State *L) {
  auto p = std::make_unique<object>(cfiber::get<const char *>(L, 1));
  cfiber::function(L, [p = std::move(p)] (lua_State *l) {
    cfiber::yield(l, p->name);
    if (lua_gettop(l) > 0)
      luaL_error(l, "raised");
    return 0;
  });
  return 1;
}


/* resume(co, n): the result plus one */
static void pushresume (lua_State *L) {
  cfiber::function(L, [] (lua_State *l) {
    object o("r");
    lua_State *co = lua_tothread(l, 1);
    cfiber::push(l, 1 + cfiber::resume<int>(l, co, cfiber::get<int>(l, 2)));
    return 1;
  });
}


/* fromtop(...): yields the last argument, NULL and the last but one */
static void pushfromtop (lua_State *L) {
  cfiber::function(L, [] (lua_State *l) {
    const char *null = nullptr;
    cfiber::yield(l, cfiber::value{-1}, null, cfiber::value{-2});
  });
}


/* foreign(): resumes a thread of another Lua state with a string; the error,
   and how many values are on that thread then: one, its function */
static void pushforeign (lua_State *L) {
  cfiber::function(L, [] (lua_State *l) {
    std::unique_ptr<lua_State, void (*) (lua_State *)>
      other(luaL_newstate(), lua_close);
    luaL_loadstring(other.get(), "");
    try {
      cfiber::resume(l, other.get(), "a string");
    }
    catch (const cfiber::error &e) {
      cfiber::push(l, false);
      e.push(l);
    }
    cfiber::push(l, lua_gettop(other.get()));
    return 3;
  });
}

/* }====================================================== */


/* escape(text): an exception leaves it, which no callable is around */
static int escape (lua_State *L) {
  object o("e");
  throw std::runtime_error(cfiber::get<std::string>(L, 1));
}


static _Unwind_Reason_Code count (struct _Unwind_Context *, void *n) {
  ++*static_cast<int *>(n);
  return _URC_NO_REASON;
}


/* frames(): how many frames the unwinder finds here */
static int frames (lua_State *L) {
  int n = 0;
  _Unwind_Backtrace(count, &n);
  lua_pushinteger(L, n);
  return 1;
}


static const luaL_Reg functions[] = {
  {"calls", calls},
  {"escape", cfiber::protect<escape>},
  {"frames", frames},
  {"hold", hold},
  {"noexceptional", noexceptional},
  {"owner", cfiber::protect<owner>},
  {"plainyield", plainyield},
  {"raise", raise},
  {"swallow", swallow},
  {"throwing", throwing},
  {"told", tell},
  {"within", within},
  {nullptr, nullptr}
};


static int open (lua_State *L) {
  luaL_newlib(L, functions);
  pushtyped(L);
  lua_setfield(L, -2, "typed");
  pushcatching(L);
  lua_setfield(L, -2, "catching");
  pushescaping(L);
  lua_setfield(L, -2, "escaping");
  pushresume(L);
  lua_setfield(L, -2, "resume");
  pushfromtop(L);
  lua_setfield(L, -2, "fromtop");
  pushforeign(L);
  lua_setfield(L, -2, "foreign");
  return 1;
}


extern "C" int luaopen_cxx (lua_State *L) {
  cfiber_import(L);
  return cfiber::protect<open>(L);
}
