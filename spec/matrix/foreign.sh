#!/bin/sh
# foreign.sh: another processor. Builds with Debian's cross compiler and tests
# in a root with the processor's own C library and Lua, run by qemu
#
# usage: FORM=short|full LUA=lua5.4 MAKE=make foreign.sh SUITE ARCHITECTURE TRIPLE [QEMU]
#   SUITE         of Debian
#   ARCHITECTURE  Debian's name of it
#   TRIPLE        of the compiler
#   QEMU          its name of the processor; none where this one runs its programs

. spec/matrix/debian.sh

suite=$1 arch=$2 triple=$3 qemu=$4
namespaces
[ -n "$qemu" ] || native
install mmdebstrap debian-archive-keyring "gcc-$triple" "g++-$triple"

# The kernel starts programs of the processor by qemu while this row runs.
# Debian 12's qemu 7.2 hangs where a program starts a thread.
emulate () {
  binfmt=/proc/sys/fs/binfmt_misc handler=cfiber-$arch-$(echo "$work" | cksum | cut -d ' ' -f 1)
  [ -e "$binfmt/register" ] || mount -t binfmt_misc binfmt_misc "$binfmt" || skip "the kernel has no binfmt_misc"
  root qemu trixie extract qemu-user
  [ ! -e "$binfmt/$handler" ] || echo -1 >"$binfmt/$handler"
  # F: the file is opened now, it need not be in the root
  sed -n "s|^:[^:]*\(:.*:\)[^:]*:[^:]*$|:$handler\1$root/usr/bin/qemu-$1:F|p" \
    "$root/usr/share/qemu/binfmt.d/qemu-$1.conf" >"$binfmt/register" || skip "no binfmt_misc for $1"
  trap 'echo -1 >"$binfmt/$handler"' EXIT
  trap 'exit 1' HUP INT TERM
}

if [ -n "$qemu" ]; then
  emulate "$qemu"
fi
root "$arch" "$suite" extract \
  "libc6-dev,libstdc++6,libcmocka-dev,libuv1-dev,libsqlite3-dev,libexpat1-dev,shared-mime-info,lua5.4,liblua5.4-dev,$modules" \
  --include="?essential" --architectures="$arch"
ln -sf mawk "$root/usr/bin/awk"  # nobody configured it
copy

# make here with the compiler, specs there without one
compile () {
  $MAKE -s --no-print-directory -C "$root/cfiber" CC="$triple-gcc --sysroot=$root" CXX="$triple-g++ --sysroot=$root" \
    OBJCOPY="$triple-objcopy" LUA_INCDIR="$root/usr/include/lua5.4" "$@"
}

# For these there is nothing in the root.
build="$compiling|fuzz_corpus"
# What takes long, left out of the short form
slow='abandoned|allocations|collector|collector_chains|collector_modes|demo|examples_qsort|failing|finalizer|global|
loop|luac|mixed|model|random|report|slice_count|sliced|009-garbage-piles-up|020-anchor-in-finalizer|
045-info-collects|095-finalizer-in-a-wait'

switches='native ucontext' leave=$build
[ "$FORM" = full ] || switches=native leave="$build|$slow"
suites=
for switch in $switches; do
  compile SWITCH="$switch" all ctests specmodules examples || exit 1
  compile SWITCH="$switch" CURDIR=/cfiber env >"$root/cfiber/build/env.$switch" || exit 1
  suites="$suites c-$switch lua-$switch"
done
cp spec/matrix/built.sh "$root/cfiber/build/make"
inside "LUA=lua5.4 MAKE=build/make CC=none CXX=none LEAVE='$leave' spec/run.sh $suites"
