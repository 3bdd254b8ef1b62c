#!/bin/sh
# windows.sh: Windows, x86-64. Builds with mingw-w64, with a Lua and a cmocka built
# from Debian's sources, and tests under wine: the layers below Lua, the specs
# of the core, those in spec/matrix/windows
#
# All is below build/matrix/windows. Not run are specs that take the place of the
# system's functions or limit what it has, and those of handlers of signals.
#
# usage: FORM=short|full MAKE=make windows.sh

. spec/matrix/debian.sh

install wine wine64 gcc-mingw-w64-x86-64 g++-mingw-w64-x86-64 lua-busted debian-archive-keyring xz-utils

here=$work/windows
cc=x86_64-w64-mingw32-gcc
mkdir -p "$here/lib" "$here/tmp"
sources lua5.4 cmocka lua-filesystem
# Its makefile compiles among the sources: in a copy.
lua=$here/lua
rm -rf "$lua"
cp -r "$(echo "$sources"/lua-5.4.*/src)" "$lua" || exit 1

# Lua's makefile for mingw, with a cross compiler; the import library is its own.
$MAKE -s -C "$lua" CC="$cc -std=gnu99" LUA_A=lua54.dll LUA_T=lua.exe RANLIB=: \
  AR="$cc -shared -Wl,--out-implib,liblua54.dll.a -o" SYSCFLAGS=-DLUA_BUILD_AS_DLL lua.exe || exit 1
cp "$lua/lua.exe" "$lua/lua54.dll" "$lua/liblua54.dll.a" "$here/lib" || exit 1
$cc -O2 -shared -static-libgcc -I"$lua" -o "$here/lib/lfs.dll" "$sources"/lua-filesystem-*/src/lfs.c \
  "$lua/liblua54.dll.a" || exit 1
cmocka=$(echo "$sources"/cmocka-*)
$cc -O1 -w -I"$cmocka/include" -DHAVE_MALLOC_H -DHAVE_INTTYPES_H -DHAVE_SIGNAL_H -DHAVE_TIME_H -DHAVE_IO_H \
  -c -o "$here/lib/libcmocka.a" "$cmocka/src/cmocka.c" || exit 1

# build TARGET...
build () {
  $MAKE -s --no-print-directory CI=1 BUILD=build/matrix/windows/build CC="$cc" CXX="${cc%gcc}g++" \
    LUA_INCDIR="$lua" LUA_DLL="$here/lib/liblua54.dll.a" \
    CPPFLAGS="-I$cmocka/include" LDFLAGS="-L$here/lib" "$@"
}

export WINEPREFIX="$here/prefix" WINEDEBUG=-all WINEDLLOVERRIDES='mscoree=;mshtml=;winedbg.exe='
WINEPATH="$here/lib;/usr/x86_64-w64-mingw32/lib;$(dirname "$($cc -print-file-name=libstdc++-6.dll)")"
export WINEPATH
unset DISPLAY
trap 'wineserver -k' EXIT
trap 'exit 1' HUP INT TERM
echo 'int main (void) { return 0; }' | $cc -x c -o "$here/tmp/none.exe" - || exit 1
timeout 300 wine "$here/tmp/none.exe" >"$here/wine.log" 2>&1 || skip "wine does not run here: $(tail -n 1 "$here/wine.log")"

failed=0
build all specmodules || exit 1
build -k RUN='timeout 600 wine' ctests || failed=1

export LUA="$here/lib/lua.exe" CFIBER_TEMPORARY="$here/tmp"
export LUA_PATH='./lua/?.lua;/usr/share/lua/5.4/?.lua;/usr/share/lua/5.4/?/init.lua'
export LUA_CPATH="$here/build/?.dll;$here/build/spec/?.dll;$here/lib/?.dll"

# specs MODE: each in a process of its own
specs () {
  for spec in spec/core/*_spec.lua spec/matrix/windows/*_spec.lua; do
    case $spec in */failing_spec.lua | */scarcity_spec.lua | */overflow_report_spec.lua) continue ;; esac
    CFIBER_SPEC_MODE=$1 timeout 900 wine "$LUA" spec/matrix/windows/run.lua "$spec" && continue
    echo "$spec: exit status $?"
    failed=1
  done
}

specs plain
[ "$FORM" = short ] || specs compact
exit $failed
