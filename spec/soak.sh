#!/bin/sh
# soak.sh: runs the long forms of tests, which take minutes, or an hour
#
# Each is a function here. Exit status 0 when none failed.
#
# usage: LUA=lua5.4 MAKE=make soak.sh [NAME...]

all='allocations abandoned mixed'

# Every request for memory fails in turn; of cfiber's own where the C library's
# functions can be replaced.
allocations () {
  preload=
  [ "$(uname -s)" != Linux ] || preload=$PWD/build/spec/failing.so
  for file in coroutines control native tasks; do
    LD_PRELOAD=$preload "$LUA" spec/soak/allocate.lua long $file || return 1
  done
}

# Fibers left in every state, of which nothing may be left.
abandoned () {
  "$LUA" spec/soak/abandon.lua 10000000 || return 1
  [ ! -e build/spec/cxx.so ] || "$LUA" spec/soak/abandon.lua 10000000 objects
}

# Many kinds of work at once in one process, for an hour: all that is counted
# stays flat. The plot is build/soak/mixed.svg.
mixed () {
  mkdir -p build/soak
  "$LUA" spec/soak/mixed.lua
  failed=$?
  ! command -v gnuplot >/dev/null || gnuplot spec/soak/mixed.gnuplot
  return $failed
}

$MAKE --no-print-directory -s specmodules || exit 1
eval "$($MAKE -s --no-print-directory env)"
status=0
for name in ${*:-$all}; do
  printf '== %s\n' "$name"
  "$name" || { printf '%s: failed\n' "$name"; status=1; }
done
exit $status
