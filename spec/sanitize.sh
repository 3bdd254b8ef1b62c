#!/bin/sh
# sanitize.sh: runs C tests and specs under a tool that watches memory, threads
#
#   asan      address, undefined behaviour and leaks; gcc's or clang's runtime
#   tsan      data races, the same
#   memcheck  valgrind on the ordinary build
#
# What the tool finds fails the suite. 'short' is a choice of specs for CI.
#
# usage: LUA=lua5.4 MAKE=make [PLACE=dir] sanitize.sh asan|tsan|memcheck [short]

tool=$1
length=${2:-full}
build=${PLACE:-build/$tool}
failed=0

# Left out: what measures resident memory or address space, preloads libraries
# or builds a host of its own, has to do with handlers of signals, compares with
# figures, drops a parser of a C library, which leaks what that holds, or needs
# a process without C++, which a runtime brings.
unfit='abandoned|allocations|backtrace|collector|debug_build|failing|overflow_report|
scarcity|expat|gdb|instructions|manual_programs|mixed|pagesize|rock|readme|006-garbage-holds-stacks|
008-size-at-the-end|009-garbage-piles-up|022-resurrected-twice'

# And what asks for terabytes, finds C frames larger than they are, or sees that
# memory is reused.
unfittests='a memory error of the system is as in stock Lua
C code goes deeper on a large stack than on the usual one
gives back what qsort has allocated'

asan="-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
-fno-sanitize-recover=undefined"
tsan='-O1 -g -fno-omit-frame-pointer -fsanitize=thread'

# make_under FLAGS GOALS...: builds into a place of its own
make_under () {
  flags=$1
  shift
  $MAKE --no-print-directory -s -j2 BUILD="$build" CFLAGS="$flags" "$@"
}

files () {
  if [ "$length" = short ]; then
    echo "$chosen"
  else
    find spec -name '*_spec.lua' | sort \
      | grep -vE "/($(echo "$unfit" | tr -d '\n'))_spec"
  fi
}

# spec FILE COMMAND...: runs a spec with this interpreter
spec () (
  file=$1
  shift
  IFS='
'
  # shellcheck disable=SC2046,SC2086 # a list of lines
  CFIBER_SPEC_MODE=plain exec "$@" spec/run.lua \
    $(printf -- '--filter-out=%s\n' $unfittests) "$file"
)

# specs COMMAND...: runs all, a process for each: a leak has its file, and
# 'lua_close' its time
specs () {
  eval "$($MAKE -s --no-print-directory BUILD="$build" env)"
  for file in $(files); do
    spec "$file" "$@" || failed=1
  done
}

# cpphost FLAGS: a Lua that is compiled as C++, where the system has one
cpphost () {
  export CFIBER_SPEC_HOST="$build/spec/host"
  make_under "$1" "$CFIBER_SPEC_HOST" 2>/dev/null
}

# All but those of bare switches, which a sanitizer is told nothing of.
ctests () {
  for t in "$build"/c/*_test; do
    case $t in */switch*) continue ;; esac
    "$t" || failed=1
  done
}

case $tool in
  asan)
    chosen='spec/core/anywhere_spec.lua spec/core/close_spec.lua
      spec/core/jump_spec.lua spec/core/suspend_spec.lua
      spec/core/transfer_spec.lua spec/native/capi_spec.lua
      spec/native/fuzz_corpus_spec.lua'
    export ASAN_OPTIONS="allocator_may_return_null=1:handle_segv=0:\
detect_stack_use_after_return=1:$ASAN_OPTIONS"
    export UBSAN_OPTIONS="print_stacktrace=1:$UBSAN_OPTIONS"
    goals=$([ "$length" = short ] || echo ctests)
    # shellcheck disable=SC2086 # a list
    make_under "$asan" all specmodules $goals "$build/host/lua" || exit 1
    export LUA="$PWD/$build/host/lua"
    [ "$length" = short ] || { cpphost "$asan"; ctests; }
    specs "$LUA"
    ;;
  tsan)  # the spec of threads runs a host that has the runtime
    chosen='spec/native/threads_spec.lua'
    # It cannot follow a jump from stack to stack, nor fibers after a fork; the
    # layers alone tell it nothing; what it adds to C functions looks like C++.
    unfit="$unfit|interference|fuzz_corpus"
    unfittests="$unfittests
fork in a
that is raised outside of the fiber that runs
leave a fiber to finalizers"
    export TSAN_OPTIONS="allocator_may_return_null=1:handle_segv=0:\
$TSAN_OPTIONS"
    goals=$([ "$length" = short ] || echo specmodules "$build/host/lua")
    # shellcheck disable=SC2086 # a list
    make_under "$tsan" "$build/host/threads" "$build/spec/control.so" $goals || exit 1
    [ "$length" = short ] || { cpphost "$tsan"; LUA=$PWD/$build/host/lua; }
    export LUA
    specs "$LUA"
    ;;
  memcheck)
    chosen='spec/core/jump_spec.lua spec/core/transfer_spec.lua'
    build=build
    $MAKE --no-print-directory -s specmodules || exit 1
    specs valgrind -q --error-exitcode=1 "$LUA"
    ;;
  *)
    echo "usage: sanitize.sh asan|tsan|memcheck [short]" >&2
    exit 2
    ;;
esac
exit $failed
