/*
** cfiber.hpp
** Fibers for Lua 5.4 and 5.5 in C++17: callables as bodies, typed yields
**
** Includes cfiber.h, whose 'cfiber_import' comes first. The functions here
** protect what they do in Lua: a Lua error arrives as a 'cfiber::error'. What
** Lua's own functions raise is a longjmp in a Lua that is compiled as C, which
** skips destructors. An exception that nobody catches ends its fiber.
*/

#ifndef cfiber_hpp
#define cfiber_hpp

#include "cfiber.h"

#include <cstddef>
#include <exception>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

extern "C" {
#include <lauxlib.h>
}

/* A Lua that is compiled as C++ throws pointers to this (ldo.c). A handler needs
   a complete type, of which nothing but the name counts. */
struct lua_longjmp {};

namespace cfiber {

/* nil, as an argument or a result. */
struct nil_t {};
inline constexpr nil_t nil{};

/* The Lua value at this index, as an argument. */
struct value {
  int index;
};

/* A value of another type than was asked for. */
struct type_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};


namespace detail {

inline int pushview (lua_State *L) {
  auto s = static_cast<const std::string_view *>(lua_touserdata(L, 1));
  lua_pushlstring(L, s->data(), s->size());
  return 1;
}

/* A failure leaves its own message. */
inline void pushtext (lua_State *L, std::string_view text) noexcept {
  lua_pushcfunction(L, pushview);
  lua_pushlightuserdata(L, &text);
  lua_pcall(L, 1, 1, 0);
}

}


/* A Lua error, with its value, which 'push(L)' pushes. It must be gone before
   its Lua state. */
class error : public std::exception {
public:
  /* Takes the value off the top of L. */
  explicit error (lua_State *L) {
    if (const char *s = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1)
                                                       : nullptr)
      text = std::make_shared<std::string>(s);
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    lua_State *main = lua_tothread(L, -1);
    lua_pop(L, 1);
    lua_pushcfunction(L, keep);
    lua_insert(L, -2);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK)
      kept = std::make_shared<reference>(main, int(lua_tointeger(L, -1)));
    lua_pop(L, 1);
  }

  const char *what () const noexcept override {
    return text ? text->c_str() : "Lua error";
  }

  /* Pushes the value, or what there was no memory for: the text, or the error
     that says so. Needs two free slots. */
  void push (lua_State *L) const {
    if (kept)
      lua_rawgeti(L, LUA_REGISTRYINDEX, kept->key);
    else
      detail::pushtext(L, what());
  }

private:
  struct reference {
    lua_State *main;
    int key;
    reference (lua_State *L, int k) : main(L), key(k) {}
    ~reference () { luaL_unref(main, LUA_REGISTRYINDEX, key); }
  };

  static int keep (lua_State *L) {
    lua_pushinteger(L, luaL_ref(L, LUA_REGISTRYINDEX));
    return 1;
  }

  std::shared_ptr<std::string> text;
  std::shared_ptr<reference> kept;
};


namespace detail {

inline void reserve (lua_State *L, int n) {
  if (!lua_checkstack(L, n + LUA_MINSTACK))
    throw std::bad_alloc();
}

/* Calls what is on top of L with 'nargs' arguments, protected. */
inline void call (lua_State *L, int nargs, int nresults) {
  if (lua_pcall(L, nargs, nresults, 0) != LUA_OK)
    throw error(L);
}

template <class T> struct is_optional : std::false_type {};
template <class T> struct is_optional<std::optional<T>> : std::true_type {};

/* Gives L its height back, whatever happens. When the fiber is dropped, L still
   is in the function that was suspended, which has a height of its own. */
struct height {
  lua_State *L;
  int top;
  explicit height (lua_State *l) : L(l), top(lua_gettop(l)) {}
  ~height () { if (L && lua_gettop(L) > top) lua_settop(L, top); }
  height (const height &) = delete;
  void keep () { L = nullptr; }
};

}


/*
** Pushes a bool, a number, a string, nil, an optional or a value by its index;
** for NULL nil.
*/
template <class T> void push (lua_State *L, const T &x) {
  detail::reserve(L, 2);
  if constexpr (std::is_same_v<T, bool>)
    lua_pushboolean(L, x);
  else if constexpr (std::is_integral_v<T>)
    lua_pushinteger(L, static_cast<lua_Integer>(x));
  else if constexpr (std::is_floating_point_v<T>)
    lua_pushnumber(L, static_cast<lua_Number>(x));
  else if constexpr (std::is_same_v<T, nil_t> || std::is_null_pointer_v<T>)
    lua_pushnil(L);
  else if constexpr (std::is_same_v<T, value>)
    lua_pushvalue(L, x.index);
  else if constexpr (detail::is_optional<T>::value) {
    if (x)
      push(L, *x);
    else
      lua_pushnil(L);
  }
  else {
    static_assert(std::is_convertible_v<const T &, std::string_view>,
                  "cfiber: no Lua value is made of this type");
    if constexpr (std::is_pointer_v<T>) {
      if (x == nullptr)
        return lua_pushnil(L);
    }
    std::string_view s = x;
    lua_pushcfunction(L, detail::pushview);
    lua_pushlightuserdata(L, &s);
    detail::call(L, 1, 1);
  }
}


/*
** The value at the index as a T: bool, a number, std::string, nil_t, an
** optional of these; or std::string_view or const char *, which last as long
** as the value stays where it is. Throws type_error: "bad argument #1 (string
** expected, got nil)"; 'what' and 'number' say what it is about.
*/
template <class T> T get (lua_State *L, int index,
                          const char *what = "argument", int number = 0) {
  int type = lua_type(L, index);
  auto fail = [&] (const std::string &expected) {
    throw type_error("bad " + std::string(what) + " #"
                     + std::to_string(number != 0 ? number : index) + " ("
                     + expected + ")");
  };
  auto expect = [&] (int wanted) {
    if (type != wanted)
      fail(std::string(lua_typename(L, wanted)) + " expected, got "
           + (type == LUA_TNONE ? "no value" : lua_typename(L, type)));
  };
  if constexpr (detail::is_optional<T>::value) {
    if (type <= LUA_TNIL)
      return std::nullopt;
    return get<typename T::value_type>(L, index, what, number);
  }
  else if constexpr (std::is_same_v<T, nil_t>) {
    if (type != LUA_TNONE)
      expect(LUA_TNIL);
    return nil;
  }
  else if constexpr (std::is_same_v<T, bool>) {
    expect(LUA_TBOOLEAN);
    return lua_toboolean(L, index) != 0;
  }
  else if constexpr (std::is_integral_v<T>) {
    int exact;
    expect(LUA_TNUMBER);
    lua_Integer i = lua_tointegerx(L, index, &exact);
    if (!exact)
      fail("number has no integer representation");
    if (static_cast<lua_Integer>(static_cast<T>(i)) != i
        || (std::is_unsigned_v<T> && i < 0))
      fail("number out of range");
    return static_cast<T>(i);
  }
  else if constexpr (std::is_floating_point_v<T>) {
    expect(LUA_TNUMBER);
    return static_cast<T>(lua_tonumber(L, index));
  }
  else {
    static_assert(std::is_same_v<T, std::string>
                  || std::is_same_v<T, std::string_view>
                  || std::is_same_v<T, const char *>,
                  "cfiber: no Lua value becomes this type");
    size_t length;
    expect(LUA_TSTRING);
    const char *s = lua_tolstring(L, index, &length);
    if constexpr (std::is_same_v<T, const char *>)
      return s;
    else
      return T(s, length);
  }
}


namespace detail {

template <class T> constexpr bool lasts =
  !std::is_same_v<T, std::string_view> && !std::is_same_v<T, const char *>;
template <class T> constexpr bool lasts<std::optional<T>> = lasts<T>;

template <class... R, size_t... I>
std::tuple<R...> results (lua_State *L, int base, const char *what,
                          std::index_sequence<I...>) {
  return std::tuple<R...>{get<R>(L, base + 1 + int(I), what, int(I) + 1)...};
}

/* What is on L above 'h': the number of values, which stay there, or one value
   or a tuple, taken off. */
template <class... R> auto take (height &h, const char *what) {
  if constexpr (sizeof...(R) == 0) {
    int n = lua_gettop(h.L) - h.top;
    h.keep();
    return n;
  }
  else {
    static_assert((lasts<R> && ...), "cfiber: the string is gone by then");
    auto all = results<R...>(h.L, h.top, what,
                             std::index_sequence_for<R...>());
    if constexpr (sizeof...(R) == 1)
      return std::get<0>(std::move(all));
    else
      return all;
  }
}

/* Pushes an argument of a function that L had 'top' values before: an index
   from the top means that one. */
template <class T> void pushargument (lua_State *L, int top, const T &x) {
  if constexpr (std::is_same_v<T, value>) {
    int i = x.index;
    push(L, value{0 > i && i > LUA_REGISTRYINDEX ? top + 1 + i : i});
  }
  else
    push(L, x);
}

inline int yield (lua_State *L) {
  return cfiber_yield(L, lua_gettop(L));
}

struct resumption {
  lua_State *co;
  int status;
};

/* (arguments..., a resumption): returns what is on 'co' then. A thread that is
   none of this Lua state's gets no values: cfiber_resume refuses it. */
inline int resume (lua_State *L) {
  auto r = static_cast<resumption *>(lua_touserdata(L, -1));
  lua_State *co = r->co;
  int n = lua_gettop(L) - 1;
  lua_pop(L, 1);
  if (co != nullptr && lua_topointer(co, LUA_REGISTRYINDEX)
                       == lua_topointer(L, LUA_REGISTRYINDEX)) {
    if (!lua_checkstack(co, n))
      return luaL_error(L, "too many arguments to resume");
    lua_xmove(L, co, n);
  }
  r->status = cfiber_resume(L, co, n, &n);
  luaL_checkstack(L, n, "too many results to resume");
  lua_xmove(co, L, n);
  return n;
}

}


/*
** Yields the arguments. Returns, when the fiber is resumed, what was passed: a
** value for one type, a tuple for more, for none the number of values, which
** are on top of L. Throws 'error' for what is thrown in or where a yield is
** refused (cfiber_yield), and type_error.
*/
template <class... R, class... A> auto yield (lua_State *L, const A &...args) {
  detail::reserve(L, int(sizeof...(A)));
  detail::height h(L);
  lua_pushcfunction(L, detail::yield);
  (detail::pushargument(L, h.top, args), ...);
  detail::call(L, int(sizeof...(A)), LUA_MULTRET);
  return detail::take<R...>(h, "value passed to yield");
}


/*
** Resumes 'co', any suspended thread, with the arguments. Returns what it
** yields or returns, as 'yield' does; cfiber_status tells which of the two.
** Throws its error, a refusal, and type_error.
*/
template <class... R, class... A>
auto resume (lua_State *L, lua_State *co, const A &...args) {
  detail::reserve(L, int(sizeof...(A)) + 1);
  detail::height h(L);
  detail::resumption r = {co, LUA_OK};
  lua_pushcfunction(L, detail::resume);
  (detail::pushargument(L, h.top, args), ...);
  lua_pushlightuserdata(L, &r);
  detail::call(L, int(sizeof...(A)) + 1, LUA_MULTRET);
  if (r.status != LUA_OK && r.status != LUA_YIELD)
    throw error(L);
  return detail::take<R...>(h, "result of resume");
}


namespace detail {

/* A callable in a userdata. 'active' calls of it have not come to an end; its
   finalizer may be called while it stands on a fiber that is dropped next. */
template <class F> struct box {
  F f;
  int active = 0;
  bool dropped = false, destroyed = false;

  explicit box (F &&g) : f(std::move(g)) {}
  explicit box (const F &g) : f(g) {}

  void destroy () {
    if (!destroyed) {
      destroyed = true;
      f.~F();
    }
  }

  static inline char metakey = 0;  /* a linker may join what is constant */
};

template <class F> union storage {  /* destroyed by 'box::destroy' alone */
  box<F> b;
  storage () {}
  ~storage () {}
};

template <class F> struct activity {
  box<F> *b;
  explicit activity (box<F> *x) : b(x) { b->active++; }
  ~activity () {
    if (--b->active == 0 && b->dropped)
      b->destroy();
  }
};

/* What still is active in the next cycle of the collector was jumped out of by
   a Lua error. */
template <class F> int collect (lua_State *L) {
  auto b = static_cast<box<F> *>(lua_touserdata(L, 1));
  if (b->active == 0 || b->dropped)
    b->destroy();
  else {
    b->dropped = true;
    lua_getmetatable(L, 1);
    lua_setmetatable(L, 1);
  }
  return 0;
}

/* Returns the number of results, or -1 with an error on top. */
template <class F> int invoke (lua_State *L, F &f) {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<F &, lua_State *>>) {
      f(L);
      return 0;
    }
    else
      return f(L);
  }
  catch (struct lua_longjmp *) {
    throw;
  }
  catch (const error &e) {
    lua_settop(L, 0);
    e.push(L);
  }
  catch (const std::exception &e) {
    lua_settop(L, 0);
    pushtext(L, e.what());
  }
  catch (...) {
    if (std::current_exception() == nullptr)  /* not C++'s: the stack is left */
      throw;
    lua_settop(L, 0);
    pushtext(L, "unknown C++ exception");
  }
  return -1;
}

template <class F> int invokebox (lua_State *L) {
  auto b = static_cast<box<F> *>(lua_touserdata(L, lua_upvalueindex(1)));
  activity<F> a(b);
  return invoke(L, b->f);
}

/* No object with a destructor stands here: 'lua_error' may be a longjmp. */
template <class F> int enter (lua_State *L) {
  int n = invokebox<F>(L);
  return n < 0 ? lua_error(L) : n;
}

/* Returns the function, its userdata and that one's metatable. */
template <class F> int make (lua_State *L) {
  lua_newuserdatauv(L, sizeof(storage<F>), 0);
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, enter<F>, 1);
  lua_insert(L, -2);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &box<F>::metakey) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, collect<F>);
    lua_setfield(L, -2, "__gc");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &box<F>::metakey);
  }
  return 3;
}

}


/*
** Pushes a callable as a Lua function: 'int f (lua_State *L)', which returns
** the number of its results on top of L, or 'void'. A lambda may capture, and
** may be one that can only be moved; it is destroyed when the function is
** collected. An exception that leaves it becomes a Lua error: an 'error' the
** value it carries, others their what().
*/
template <class G> void function (lua_State *L, G &&g) {
  using F = std::decay_t<G>;
  static_assert(alignof(F) <= alignof(std::max_align_t),
                "cfiber: Lua does not align memory for this type");
  detail::reserve(L, 4);
  detail::height h(L);
  lua_pushcfunction(L, detail::make<F>);
  detail::call(L, 0, 3);
  new (lua_touserdata(L, -2)) detail::box<F>(std::forward<G>(g));
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
  h.keep();
}


/*
** 'protect<f>' is f, a function like those above that captures nothing, as a
** C function for Lua: for luaL_Reg, lua_pushcfunction and 'luaopen_...'. An
** exception that leaves f becomes a Lua error, which a 'pcall' catches and
** which does not end the process outside of fibers.
*/
template <auto f> int protect (lua_State *L) {
  auto g = f;
  int n = detail::invoke(L, g);
  return n < 0 ? lua_error(L) : n;
}

}

#endif
