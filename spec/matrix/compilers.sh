#!/bin/sh
# compilers.sh: compilers, their options, versions of the language
#
# Builds everything with each combination, warnings as errors, and runs the C
# tests and some specs with it, JOBS at a time; FULL=1 runs the whole suite, which
# takes minutes for each. FORM=short does with a few combinations, a name with that
# one alone.
#
# usage: FORM=short|full LUA=lua5.4 MAKE=make compilers.sh [NAME]
# status: 0, or 77 with the reason in the last line: it cannot run here

. spec/matrix/debian.sh

LUA=${LUA:-lua5.4} MAKE=${MAKE:-make}
export LUA MAKE CI=1
top=build/matrix/compilers

# NAME CC CXX STD CFLAGS. A standard of C++ is for the amalgamation.
combinations () {
  for compilers in 'gcc g++' 'clang clang++'; do
    cc=${compilers% *}
    for level in O0 O1 O2 O3 Os; do
      echo "$cc-$level $compilers c99 -$level -g"
    done
    for std in c11 c17 c2x gnu99 gnu11 gnu17 gnu2x; do
      echo "$cc-$std $compilers $std -O2 -g"
    done
    echo "$cc-frames $compilers c99 -O2 -g -fno-omit-frame-pointer"
    # Some of these are for one step of clang, and unused in the others.
    quiet=$([ "$cc" = gcc ] || echo -Wno-unused-command-line-argument)
    lto=$([ "$cc" = gcc ] && echo -flto=auto || echo -flto -fuse-ld=lld)
    echo "$cc-lto $compilers c99 -O2 -g $lto $quiet"
    echo "$cc-hardened $compilers c99 -O2 -g -D_FORTIFY_SOURCE=3 -fstack-protector-strong" \
      "-fstack-clash-protection -fcf-protection $quiet"
    echo "$cc-asan $compilers c99 -fsanitize=address,undefined"
    echo "$cc-tsan $compilers c99 -fsanitize=thread"
    for std in c++11 c++14 c++17 c++20; do
      echo "${compilers#* }-${std} $compilers $std -O2 -g"
    done
  done
  # what is for other systems than Linux, as far as it runs there
  echo "gcc-elsewhere gcc g++ c99 -O2 -g -U__linux__ -D__OpenBSD__"
}

# Whatever jumps, unwinds, overflows, or looks at frames, and some of the rest
chosen='core/anywhere core/basics core/boundary core/close core/endings core/exit
core/hooks core/jump core/limits core/misuse core/nesting core/overflow
core/overflow_report core/random core/slice core/slice_hooks core/stacks
core/suspend core/throw core/transfer core/wrap core/yields native/backtrace
native/capi native/cpp native/cpp_leaving native/threads'
modules='backtrace boundary capi confine control cxx leaving objects outside overrun starve'

has () {
  command -v "$1" >/dev/null 2>&1
}

incdir () {
  # shellcheck disable=SC2016 # for make
  printf 'include Makefile\nshow:;@echo $(LUA_INCDIR)\n' | $MAKE -s -f - show
}

# A compiler that cannot be had is skipped.
prepare () {
  CC=cc LUA_INCDIR=$(incdir) spec/need.sh test || skip "what the tests need cannot be had"
  ( install g++ clang lld libclang-rt-dev )
}

# The tests in a log, in one line
counts () {
  awk -v broken=0 -f spec/count.awk "$1" | tail -n 1
}

goals () {
  $MAKE --no-print-directory -s BUILD="$build" CC="$cc" CXX="$cxx" STD="$std" CFLAGS="$flags" "$@"
}

# Can the combination run the spec? Where clang 14 compiles all in one it merges
# the ends of functions, and has wrong unwind tables for an instruction or two
# there. Guards by advice are Linux's own.
fits () {
  case "$name $1" in
    "clang-lto native/backtrace" | "clang++-"*" native/backtrace") return 1 ;;
    "gcc-elsewhere core/stacks") return 1 ;;
  esac
}

# specs: those chosen, with the modules in $build; each in a process of its own,
# which has less to collect
specs () (
  eval "$($MAKE --no-print-directory -s BUILD="$build" env)"
  export CFIBER_SPEC_MODE=plain CFIBER_SPEC_HOST="$build/spec/host"
  status=0
  for spec in $chosen; do
    if fits "$spec"; then
      "$LUA" spec/run.lua "spec/${spec}_spec.lua" || status=1
    fi
  done
  exit $status
)

modules () {
  for module in $modules; do
    echo "$build/spec/$module.so"
  done
  goals -n "$build/spec/host" >/dev/null 2>&1 && echo "$build/host/threads"
}

some () {
  # shellcheck disable=SC2046 # a list
  goals all ctests $(modules) || return 1
  goals "$build/spec/host" || echo "there is no Lua compiled as C++ (liblua5.4-c++)"
  status=0
  for t in "$build"/c/*_test; do
    "$t" || status=1
  done
  specs || status=1
  return $status
}

# In a copy of the sources, where 'build' is its own
whole () {
  rm -rf "$build"
  mkdir -p "$build"
  tar -cf - --exclude=./build --exclude=./.git . | tar -xf - -C "$build"
  spaced=$(echo "$flags" | sed 's/ /\\ /g')
  ( cd "$build" && CC=$cc MAKEFLAGS="CC=$cc CXX=$cxx STD=$std CFLAGS=$spaced" spec/run.sh )
}

sanitized () {  # TOOL
  PLACE=$build MAKE="$MAKE CC=$cc CXX=$cxx" spec/sanitize.sh "$1" "${FULL:-short}"
}

amalgamated () {
  goals amalgamation || return 1
  # shellcheck disable=SC2086 # options
  $cxx -x c++ -std="$std" $flags -Wall -Wextra -pedantic -Werror -fPIC -shared \
    -I"$(incdir)" -o "$build/cfiber.so" "$build/amalgamation/cfiber.c" || return 1
  std='c99'
  # shellcheck disable=SC2046 # a list
  goals $(modules) && specs
}

run () {
  case "$std $flags" in
    *-fsanitize=address*) sanitized asan ;;
    *-fsanitize=thread*) sanitized tsan ;;
    c++*) amalgamated ;;
    *) if [ "$FULL" ]; then whole; else some; fi ;;
  esac
}

# Can the compiler make a program of it?
canlink () {
  case $std in c++*) set -- "$cxx" c++ ;; *) set -- "$cc" c ;; esac
  # shellcheck disable=SC2086 # options
  echo 'int main (void) { return 0; }' \
    | "$1" -std="$std" $flags -Werror -x "$2" -o "$top/linked" - >/dev/null 2>&1
}

combination () {
  build=$top/$name log=$top/$name.log
  if ! has "$cc" || ! has "$cxx"; then
    echo "skipped $name: $cc and $cxx are not installed"
  elif ! canlink; then
    echo "skipped $name: $cc cannot make a program with -std=$std $flags"
  elif run >"$log" 2>&1 </dev/null && counts "$log" | grep -q '^[1-9]'; then
    grep -E '^(\[  (PASSED|SKIPPED) |[0-9]+ success)' "$log"
    echo "passed  $name: $(counts "$log")"
  else
    tail -n 30 "$log"
    echo "failed  $name: $(counts "$log"); all of it is in $log"
  fi
}

mkdir -p "$top"
if [ $# = 0 ]; then
  prepare
  names='.*'
  [ "$FORM" != short ] || names='gcc-(O0|O3|lto)|clang-(O2|lto)|g[+]{2}-c[+]{2}11|clang[+]{2}-c[+]{2}17'
  combinations | cut -d ' ' -f 1 | grep -xE "$names" >"$top/names"
  xargs -n 1 -P "${JOBS:-$(nproc)}" "$0" <"$top/names" | tee "$top/lines"
  ! grep -q '^failed' "$top/lines" && grep -q '^passed' "$top/lines" \
    && [ "$(grep -cE '^(passed|skipped) ' "$top/lines")" = "$(wc -l <"$top/names")" ]
else
  combinations | grep "^$1 " | {
    read -r name cc cxx std flags && said=$(combination) && echo "$said" && ! echo "$said" | grep -q '^failed'
  }
fi
