#!/bin/sh
# run.sh: what static analyzers say of csrc, of the debug build because its
# assertions tell them what always holds
#
#   gcc       its own analyzer
#   cppcheck  one configuration, this machine's
#   tidy      clang-tidy, which takes a minute
#
# A finding fails it. Tools that are not there are named and left out.
#
# usage: LUA_INCDIR=dir run.sh gcc|cppcheck|tidy...

here=spec/analyze
defines="-D_GNU_SOURCE -DCFIBER_DEBUG"
failed=0

# shellcheck disable=SC2086,SC2317 # a list; called by analyze
gcc_ () {
  for file in csrc/*.c; do
    ${GCC:-gcc} -std=c99 $defines -fexceptions -O0 -fanalyzer -Werror -I"$LUA_INCDIR" \
      -include $here/raises.h -c -o /dev/null "$file" || return 1
  done
}

# shellcheck disable=SC2086,SC2317 # a list; called by analyze
cppcheck_ () {
  cppcheck -q $defines --std=c99 --error-exitcode=1 \
    --enable=warning,style,performance,portability \
    -D__GNUC__=12 -D__linux__ -D__unix__ "-D__$(uname -m)__" -I"$LUA_INCDIR" \
    --suppressions-list=$here/cppcheck.txt csrc/*.c
}

# shellcheck disable=SC2086,SC2317 # a list; called by analyze
tidy_ () {
  clang-tidy --quiet --config-file=$here/clang-tidy.yml csrc/*.c -- \
    -std=c99 $defines -I"$LUA_INCDIR" -include $here/raises.h
}

# analyze NAME PROGRAM
analyze () {
  if ! command -v "$2" >/dev/null; then
    printf '%s: %s is not installed\n' "$1" "$2"
  elif "$1_"; then
    printf '%s: nothing found\n' "$1"
  else
    failed=1
  fi
}

for name in "$@"; do
  case $name in
    gcc) analyze gcc "${GCC:-gcc}" ;;
    cppcheck) analyze cppcheck cppcheck ;;
    tidy) analyze tidy clang-tidy ;;
    *) printf 'usage: run.sh gcc|cppcheck|tidy...\n' >&2; exit 2 ;;
  esac
done
exit $failed
