#!/bin/sh
# pages.sh: pages of 16 and 64 KB, as arm64 has on Apple's systems and on servers
#
# qemu 7.2 emulates a system with such pages (-p); later ones cannot. It hangs
# where a program starts a thread: only what has none is tested.
#
# usage: MAKE=make pages.sh
# status: 0, or 77 with the reason in the last line: it cannot run here

. spec/matrix/debian.sh

MAKE=${MAKE:-make}
build=build/matrix/pages
triple=aarch64-linux-gnu

[ "$(id -u)" = 0 ] || skip "needs root, for Debian's packages of arm64"
install mmdebstrap debian-archive-keyring gcc-$triple
root qemu72 bookworm extract qemu-user-static
qemu=$root/usr/bin/qemu-aarch64-static
root arm64-pages bookworm extract \
  libc6-dev,libgcc-s1,libcmocka-dev,lua5.4,liblua5.4-dev,lua-busted --architectures=arm64

tests='pages pool pool_refuse pool_slab slab stack switch_abi switch_stack'
specs='anywhere basics limits misuse overflow_report stacks suspend'
modules='boundary capi confine control failing outside overrun starve'

goals=$build/cfiber.so
for name in $tests; do
  goals="$goals $build/c/${name}_test"
done
for name in $modules; do
  goals="$goals $build/spec/$name.so"
done
# shellcheck disable=SC2086 # a list
$MAKE -s --no-print-directory CI=1 BUILD=$build CC="$triple-gcc --sysroot=$root" CXX=none \
  OBJCOPY=$triple-objcopy LUA_INCDIR="$root/usr/include/lua5.4" $goals || exit 1

export CFIBER_SPEC_MODE=plain
modules=$root/usr/share/lua/5.4
export LUA_PATH="$PWD/lua/?.lua;$modules/?.lua;$modules/?/init.lua;$root/usr/share/lua/5.3/?.lua"
export LUA_CPATH="$PWD/$build/?.so;$PWD/$build/spec/?.so;$root/usr/lib/$triple/lua/5.4/?.so"

failed=0
for page in 16384 65536; do
  printf '\npages of %d bytes\n' "$page"
  emulated="$qemu -p $page -L $root"
  export LUA="$emulated $root/usr/bin/lua5.4"
  # shellcheck disable=SC2086 # a command and its options
  [ "$($LUA -e 'print(require "cfiber".config {stack_size = 65537}.stack_size - 65536)')" = "$page" ] \
    || { echo "stacks are not of pages of $page bytes"; exit 1; }
  for name in $tests; do
    $emulated "$build/c/${name}_test" || failed=1
  done
  for name in $specs; do
    $LUA spec/run.lua "spec/core/${name}_spec.lua" || failed=1
  done
done
exit $failed
