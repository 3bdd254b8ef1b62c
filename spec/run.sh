#!/bin/sh
# run.sh: builds and runs suites, then adds them up
#
# The last line is "N passed, N failed, N skipped". Exit status 0 when every
# suite ran tests and none failed.
#
# usage: LUA=lua5.4 CC=cc MAKE=make [LEAVE='slow|game'] run.sh [SUITE...]
#   LEAVE  names of specs, a regular expression, which are left out
#   SUITE  by default all

all='c-native c-ucontext lua-native lua-compact lua-collector lua-ucontext asan tsan'
logs=build/test
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

# All specs, but for those that LEAVE names
chosen () {
  find spec -name '*_spec.lua' | sort | grep -vE "/($(echo "$LEAVE" | tr -d '\n'))_spec"
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

paths=spec
[ -z "$LEAVE" ] || paths=$(chosen)
# shellcheck disable=SC2086 # lists of names
for name in ${*:-$all}; do
  case $name in
    c-*) suite "$name" ctests "${name#c-}" ;;
    lua-native) suite "$name" specs native plain $paths ;;
    lua-compact) suite "$name" specs native compact $paths ;;
    # What busted keeps of each test makes the next collections longer.
    lua-collector) suite "$name" specs native collector spec/*/*_spec.lua ;;
    lua-ucontext) suite "$name" specs ucontext plain $paths ;;
    asan) sanitizer asan address ;;
    tsan) sanitizer tsan thread ;;
    *) printf 'run.sh: no suite "%s": %s\n' "$name" "$all" >&2; exit 1 ;;
  esac
done
awk -v broken="$broken" -f spec/count.awk "$logs"/*.log
