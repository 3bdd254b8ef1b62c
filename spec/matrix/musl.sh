#!/bin/sh
# musl.sh: musl instead of glibc
#
# Debian has musl and its compiler, and nothing built with it: Lua, LuaFileSystem,
# which busted wants, and cmocka are compiled here, from Debian's sources. The
# specs run in that Lua, but for those that build with other tools, or want
# libraries. There is no C++ for musl.
#
# usage: MAKE=make musl.sh
# status: 0, or 77 with the reason in the last line: it cannot run here

. spec/matrix/debian.sh

MAKE=${MAKE:-make}
top=$work/musl
kernel=$top/kernel
mkdir -p "$top/lua/term" "$top/lib" "$kernel"

# Specs that measure what the C library's allocator does, count its mappings, or
# run under valgrind, which does not know it
unfit='failing|scarcity|008-size-at-the-end'
# Specs that use other tools than musl's, or want what is not there
foreign="$compiling|cpp|cpp_leaving|demo|examples_.*|global|mixed"
# musl never unloads a library.
unloads='the module, loaded and closed 100 times, leaves neither handler nor memory nor itself'
reloads='The library is unloaded with the last one and loaded again'

compile () {
  musl-gcc -O2 -g "$@" || { echo "musl-gcc $*: failed"; exit 1; }
}

build () {
  luasource=$(echo "$sources"/lua-5.4*/src)
  cmocka=$(echo "$sources"/cmocka-*/)
  # shellcheck disable=SC2046 # a list
  compile -std=gnu99 -DLUA_USE_LINUX -Wl,-E -o "$top/lua5.4" \
    $(find "$luasource" -name '*.c' ! -name luac.c) -lm -ldl
  compile -fPIC -shared -I"$luasource" -o "$top/lib/lfs.so" "$sources"/lua-filesystem-*/src/lfs.c
  compile -I"$cmocka/include" -DHAVE_SIGNAL_H -DHAVE_STRINGS_H -DHAVE_MALLOC_H \
    -DHAVE_INTTYPES_H -DHAVE_STDINT_H -c -o "$top/lib/cmocka.o" "$cmocka/src/cmocka.c"
  ar rcs "$top/lib/libcmocka.a" "$top/lib/cmocka.o"
  # what busted uses of luasystem and lua-term
  echo 'return {gettime = os.time, monotime = os.clock, sleep = function() end}' >"$top/lua/system.lua"
  echo 'return {isatty = function() return false end}' >"$top/lua/term/core.lua"
  # the kernel's headers
  ln -sfn /usr/include/linux "$kernel/linux"
  ln -sfn /usr/include/asm-generic "$kernel/asm-generic"
  ln -sfn "$(echo /usr/include/*-linux-gnu/asm)" "$kernel/asm"
}

goals () {
  $MAKE --no-print-directory -s CI=1 BUILD=build/matrix/musl CC=musl-gcc CXX=none LUA="$top/lua5.4" \
    LUA_INCDIR="$luasource" "$@"
}

# The C modules of specs; pthreads are in musl itself.
modules () {
  for source in spec/c/*.c; do
    case $source in *_test.c) ;; *) basename "$source" .c | sed 's|.*|build/matrix/musl/spec/&.so|' ;; esac
  done
}

ctests () {
  for t in "$top"/c/*_test; do
    "$t" || failed=1
  done
}

specs () {
  export LUA="$top/lua5.4" CFIBER_SPEC_MODE=plain
  export LUA_PATH="$top/lua/?.lua;$PWD/lua/?.lua;/usr/share/lua/5.4/?.lua;/usr/share/lua/5.4/?/init.lua;/usr/share/lua/5.3/?.lua"
  export LUA_CPATH="$top/?.so;$top/spec/?.so;$top/lib/?.so"
  for spec in $(find spec/core spec/native spec/regress spec/task -name '*_spec.lua' | sort \
      | grep -vE "/($(echo "$unfit|$foreign" | tr -d '\n'))_spec"); do
    "$LUA" spec/run.lua --filter-out="$unloads" --filter-out="$reloads" "$spec" || failed=1
  done
}

# What SWITCH=ucontext says, which musl has no functions for
refuses () {
  said=$(goals SWITCH=ucontext BUILD=build/matrix/musl/ucontext all 2>&1)
  case $said in
    *"has no functions for <ucontext.h>"*) echo "1 success / 0 failures / 0 errors / 0 pending : SWITCH=ucontext is refused" ;;
    *) printf '%s\n' "$said"; echo "0 successes / 1 failure / 0 errors / 0 pending : SWITCH=ucontext is not refused"; failed=1 ;;
  esac
}

failed=0
install gcc libc6-dev linux-libc-dev musl-tools make xz-utils lua-busted lua-binaryheap lua-dkjson \
  debian-archive-keyring
sources lua5.4 lua-filesystem cmocka
build
flags="-O2 -g -idirafter $kernel -I$cmocka/include -L$top/lib"
# shellcheck disable=SC2046 # a list
goals CFLAGS="$flags" all ctests $(modules) || exit 1
ctests
specs
refuses
exit $failed
