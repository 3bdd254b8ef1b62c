#!/bin/sh
# run.sh: builds and runs suites, then adds them up
#
# The last line is "N passed, N failed, N skipped". Exit status 0 when every
# suite ran tests and none failed.
#
# usage: LUA=lua5.4 CC=cc MAKE=make run.sh [SUITE...]
#   SUITE  by default all; or one of them, or lua-quick, a part of lua-native

all='c-native c-ucontext lua-native lua-compact lua-collector lua-ucontext asan tsan'
logs=build/test

# Left out of lua-quick: what takes long, which counts where a processor is emulated
slow='abandoned|allocations|collector|collector_chains|demo|failing|finalizer|game|global|loop|luac|mixed|model|
report|slice_count|sliced|009-garbage-piles-up|045-info-collects|095-finalizer-in-a-wait'

broken=0

# suite NAME COMMAND...: runs COMMAND, shows and keeps its output
suite () {
  name=$1
  shift
  printf '\n== %s\n' "$name"
  { "$@"; echo $? >"$logs/status"; } 2>&1 | tee "$logs/$name.log"
  if [ "$(cat "$logs/status")" != 0 ]; then
    printf '%s: failed\n' "$name"
    broken=1
  fi
}

ctests () {  # SWITCH
  $MAKE --no-print-directory -s SWITCH="$1" ctests || return 1
  dir=build
  [ "$1" = native ] || dir=build/$1
  failed=0
  for t in "$dir"/c/*_test; do
    "$t" || failed=1
  done
  return $failed
}

quick () {
  find spec -name '*_spec.lua' | sort | grep -vE "/($(echo "$slow" | tr -d '\n'))_spec"
}

specs () {  # SWITCH MODE PATH...: each PATH in a process of its own
  switch=$1 mode=$2
  shift 2
  $MAKE --no-print-directory -s SWITCH="$switch" specmodules || return 1
  ( eval "$($MAKE -s --no-print-directory SWITCH="$switch" env)"
    failed=0
    for path; do
      CFIBER_SPEC_MODE=$mode "$LUA" spec/run.lua "$path" || failed=1
    done
    exit $failed )
}

# sanitizer NAME KIND: a suite under it, if the compiler has it
sanitizer () {
  # shellcheck disable=SC2086 # options
  if echo 'int main (void) { return 0; }' \
    | $CC "-fsanitize=$2" -x c -o "$logs/linked" - 2>/dev/null; then
    suite "$1" spec/sanitize.sh "$1" short
  else
    printf '\n%s: not run, %s has no -fsanitize=%s\n' "$1" "$CC" "$2"
  fi
}

rm -rf "$logs"
mkdir -p "$logs" || exit 1

for name in ${*:-$all}; do
  case $name in
    c-*) suite "$name" ctests "${name#c-}" ;;
    lua-native) suite "$name" specs native plain spec ;;
    # shellcheck disable=SC2046 # a list of names
    lua-quick) suite "$name" specs native plain $(quick) ;;
    lua-compact) suite "$name" specs native compact spec ;;
    # What busted keeps of each test makes the next collections longer.
    lua-collector) suite "$name" specs native collector spec/*/*_spec.lua ;;
    lua-ucontext) suite "$name" specs ucontext plain spec ;;
    asan) sanitizer asan address ;;
    tsan) sanitizer tsan thread ;;
    *) printf 'run.sh: no suite "%s": %s\n' "$name" "$all" >&2; exit 1 ;;
  esac
done
awk -v broken="$broken" -f spec/count.awk "$logs"/*.log
