#!/bin/sh
# run.sh: builds and runs every suite, then adds them up
#
# The last line is "N passed, N failed, N skipped". Exit status 0 when every
# suite ran tests and none failed.
#
# usage: LUA=lua5.4 CC=cc MAKE=make run.sh

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

suite c-native ctests native
suite c-ucontext ctests ucontext
suite lua-native specs native plain spec
suite lua-compact specs native compact spec
# What busted keeps of each test makes the next collections longer.
suite lua-collector specs native collector spec/*/*_spec.lua
suite lua-ucontext specs ucontext plain spec
sanitizer asan address
sanitizer tsan thread

# cmocka: "[  PASSED  ] 5 test(s)."; busted: "5 successes / 0 failures / ..."
awk -v broken="$broken" '
  /^\[  PASSED  \] [0-9]+ test/ { passed += $4; ran[FILENAME] = 1 }
  /^\[  FAILED  \] [0-9]+ test/ { failed += $4; ran[FILENAME] = 1 }
  /^\[  SKIPPED \] [0-9]+ test/ { skipped += $4 }
  /^[0-9]+ success/ {
    passed += $1; failed += $4 + $7; skipped += $10; ran[FILENAME] = 1
  }
  END {
    for (i = 1; i < ARGC; i++)
      if (!(ARGV[i] in ran)) { printf "%s ran no test\n", ARGV[i]; failed++ }
    if (broken && failed == 0) {  # a suite that died before it could count
      print "a suite failed without a failed test"
      failed++
    }
    printf "\n%d passed, %d failed, %d skipped\n", passed, failed, skipped
    exit failed > 0
  }' "$logs"/*.log
