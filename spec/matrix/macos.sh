#!/bin/sh
# macos.sh: compiles and links for macOS, x86-64 and arm64, without Apple's headers
#
# clang compiles for Darwin anywhere; what the sources include stands in
# spec/matrix/macos. Nothing runs: it is looked at what came out.
#
# usage: LUA=lua5.4 MAKE=make macos.sh
# status: 0, or 77 with the reason in the last line: it cannot run here

. spec/matrix/debian.sh

MAKE=${MAKE:-make}
top=build/matrix/macos
passed=0 failed=0

# shellcheck disable=SC2016 # for make
incdir=$(printf 'include Makefile\nshow:;@echo $(LUA_INCDIR)\n' | $MAKE -s -f - show)

# The Makefile's warnings
warnings='-Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -Wcast-align -Werror'
ucontext='-DCFIBER_SWITCH_UCONTEXT -D_XOPEN_SOURCE=600 -D_DARWIN_C_SOURCE
  -Wno-deprecated-declarations'

# check WORDS COMMAND...: counts one that succeeds or fails, and says which failed
check () {
  words=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "not so, $arch: $words"
  fi
}

not () {
  ! "$@"
}

compile () {  # SOURCE FLAGS...
  source=$1
  shift
  # shellcheck disable=SC2086 # options
  clang --target="$arch-apple-macos11" -nostdlibinc -isystem spec/matrix/macos -I"$incdir" \
    -std=c99 -fPIC -fexceptions $warnings "$@" -c -o "$out/$(basename "$source" .c).o" "$source"
}

# All sources with these flags; the objects of the last time stay.
compileall () {
  for source in csrc/*.c; do
    check "$source compiles with $*" compile "$source" "$@"
  done
}

link () {
  "$linker" -arch "$arch" -platform_version macos 11.0 11.0 -bundle -undefined dynamic_lookup \
    -o "$out/cfiber.so" "$out"/*.o
}

# Names that others see, and names that are looked for in others
visible () {
  [ "$(llvm-nm --extern-only --defined-only --just-symbol-name "$out/cfiber.so")" = _luaopen_cfiber ]
}

prefixed () {
  ! llvm-nm --undefined-only --just-symbol-name "$out/cfiber.so" | grep -v '^_\|^dyld_stub_binder$'
}

code () {  # PATTERN
  llvm-objdump -d --no-show-raw-insn "$out"/*.o | grep -iqE "$1"
}

# A table in __eh_frame ends the unwinding for good, not for the few instructions
# of a swap: that of the entry. Compact unwind tables cannot say it.
ends () {  # REGISTER
  llvm-dwarfdump --eh-frame "$out/fiber.o" | awk -v ends="DW_CFA_undefined: $1" '
    function look() { if (table ~ ends && table !~ /DW_CFA_remember_state/) found = 1 }
    / FDE / { look(); table = "" }
    { table = table $0 "\n" }
    END { look(); exit !found }'
}

install clang lld llvm liblua5.4-dev
linker=$(command -v ld64.lld || command -v ld64.lld-14)
for arch in x86_64 arm64; do
  out=$top/$arch
  mkdir -p "$out"
  # shellcheck disable=SC2086 # options
  compileall -O2 $ucontext
  compileall -O0
  compileall -O2 -g
  check "it links" link
  check "no name but that of the opening function shows" visible
  check "what it looks for begins with an underscore" prefixed
  case $arch in
    x86_64)
      check "threads are told apart by gs" code '%gs:0'
      check "a swap is in the code" code 'jmpq[[:space:]]+\*%rdx'
      check "unwinding ends at the entry" ends RIP
      ;;
    arm64)
      check "threads are told apart by tpidrro_el0" code tpidrro_el0
      check "x18 is left alone" not code '\b[wx]18\b'
      check "a swap is in the code" code 'br[[:space:]]+x16'
      check "unwinding ends at the entry" ends W30
      ;;
  esac
done
echo "$passed successes / $failed failures / 0 errors / 0 pending : compiled, not run"
[ "$failed" = 0 ]
