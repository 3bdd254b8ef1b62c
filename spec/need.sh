#!/bin/sh
# need.sh: sees to what a goal of the Makefile needs
#
# Looks for each thing and installs the missing ones through the system's
# package manager, with sudo where the user is not root. Where the package
# manager is not known it lists what is missing and stops.
#
# usage: LUA=lua5.4 CC=cc LUA_INCDIR=dir need.sh demo|game|test|bench|bench-peers|manual

missing=     # what is not there, in words
packages=    # its Debian packages
wishes=yes   # look also for what one can do without

# need WORDS PACKAGES COMMAND...: COMMAND tells whether it is there
need () {
  words=$1 names=$2
  shift 2
  "$@" >/dev/null 2>&1 && return
  missing="$missing  $words
"
  packages="$packages $names"
}

# want ...: the same for what one can do without
want () {
  [ -z "$wishes" ] || need "$@"
}

# shellcheck disable=SC2317 # called by need
boost () {
  echo 'int main (void) { return 0; }' | $CC -x c - -o /dev/null -lboost_context
}

# shellcheck disable=SC2317 # called by need
library () {
  echo "#include <$1>" | $CC -x c - -fsyntax-only
}

# A module in Lua alone, which Debian may have for older versions only
# shellcheck disable=SC2317 # called by need
pure () {
  LUA_PATH=";;;/usr/share/lua/5.3/?.lua;/usr/share/lua/5.1/?.lua" "$LUA" -e "require '$1'"
}

# Are the headers those of the interpreter's version?
# shellcheck disable=SC2317 # called by need
headers () {
  printf '#include <lua.h>\n#if LUA_VERSION_NUM != 50%s\n#error\n#endif\n' \
    "${version#5.}" | $CC "-I$LUA_INCDIR" -x c - -fsyntax-only
}

# The version of the interpreter, 5.4 or 5.5; of one that is not there what its
# name says
lua_version () {
  "$LUA" -e 'print(assert(_VERSION:match "^Lua (5%.[45])$"))' 2>/dev/null && return
  case $LUA in *5.5*) echo 5.5 ;; *) echo 5.4 ;; esac
}

peers () {
  need "dkjson" lua-dkjson "$LUA" -e 'require "dkjson"'
  want "LuaJIT" luajit command -v luajit
  want "Ruby" ruby command -v ruby
  want "PHP" php-cli command -v php
  want "greenlet for Python" python3-greenlet \
    "${PYTHON:-/usr/bin/python3}" -c 'import greenlet'
  want "Coro for Perl" libcoro-perl perl -MCoro::State -e 1
  want "Boost.Context" libboost-context-dev boost
}

demo () {
  need "the Lua module lxp (LuaExpat)" lua-expat "$LUA" -e 'require "lxp"'
  need "LPeg" lua-lpeg "$LUA" -e 'require "lpeg"'
  need "a large XML document (shared-mime-info)" shared-mime-info \
    test -e /usr/share/mime/packages/freedesktop.org.xml
}

# 'need' or 'want': a C library's header and the program that describes it
game () {
  "$1" "SDL2" libsdl2-dev command -v sdl2-config
  "$1" "libpng" libpng-dev command -v libpng-config
}

tests () {
  demo
  game want
  need "busted" lua-busted "$LUA" -e 'require "busted"'
  need "cmocka" libcmocka-dev test -e /usr/include/cmocka.h
  need "binaryheap" lua-binaryheap pure binaryheap
  need "dkjson" lua-dkjson "$LUA" -e 'require "dkjson"'
  need "LuaSocket" lua-socket "$LUA" -e 'require "socket"'
  need "Penlight" lua-penlight "$LUA" -e 'require "pl"'
  need "LuaRocks" luarocks command -v luarocks
  need "Valgrind" valgrind command -v valgrind
  want "gdb" gdb command -v gdb
  want "cppcheck" cppcheck command -v cppcheck
  want "a C++ compiler" g++ command -v "${CXX:-g++}"
  want "pkg-config" pkg-config command -v pkg-config
  want "CMake" cmake command -v cmake
  want "SQLite's library" libsqlite3-dev library sqlite3.h
  want "Expat's library" libexpat1-dev library expat.h
  want "libuv" libuv1-dev library uv.h
  want "luv" lua-luv "$LUA" -e 'require "luv"'
  want "copas" lua-copas pure copas
  want "cqueues" lua-cqueues "$LUA" -e 'require "cqueues"'
  want "lua-http" lua-http pure http.server
  want "luasystem" lua-system "$LUA" -e 'require "system"'
}

bench () {
  need "dkjson" lua-dkjson "$LUA" -e 'require "dkjson"'
  need "gnuplot" gnuplot-nox command -v gnuplot
  need "binaryheap" lua-binaryheap pure binaryheap
  want "cqueues" lua-cqueues "$LUA" -e 'require "cqueues"'
  want "Boost.Context" libboost-context-dev boost
}

compiler () {
  case $CC in clang*) compiler=${CC%% *} ;; *) compiler=gcc ;; esac
  need "a C compiler ($CC)" "$compiler libc6-dev" command -v "${CC%% *}"
  need "the headers of Lua $version ($LUA_INCDIR/lua.h)" "liblua$version-dev" headers
}

look () {
  missing='' packages='' version=$(lua_version)
  [ "$1" = manual ] || compiler
  need "Lua 5.4 or 5.5 ($LUA)" "lua$version" "$LUA" -e 'assert(_VERSION == "Lua 5.4" or _VERSION == "Lua 5.5")'
  case $1 in
    demo) demo ;;
    game) game need ;;
    test) tests ;;
    bench) bench ;;
    bench-peers) peers ;;
    manual) need "pandoc" pandoc command -v pandoc ;;
  esac
}

asroot () {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    printf 'there is no sudo; as root: apt-get install%s\n' "$packages" >&2
    exit 1
  fi
}

look "$1"
[ -z "$missing" ] && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  wishes=
  look "$1"
  [ -z "$missing" ] && exit 0
  printf 'missing, and the package manager of this system is not known:\n%s' \
    "$missing" >&2
  exit 1
fi

printf 'installing (apt-get):\n%s' "$missing"
asroot apt-get update -q >/dev/null
# shellcheck disable=SC2086 # a list of names
asroot env DEBIAN_FRONTEND=noninteractive \
  apt-get install -q -y --no-install-recommends $packages >/dev/null

wishes=
look "$1"  # and after a failure too: the list is the last to be read
[ -z "$missing" ] && exit 0
printf 'still missing:\n%s' "$missing" >&2
exit 1
