#!/bin/sh
# native.sh: another Lua. Builds and tests in a root of another Debian, with its
# compiler and its Lua
#
# usage: FORM=short|full native.sh SUITE LUA

. spec/matrix/debian.sh

suite=$1 lua=$2
namespaces
native
install mmdebstrap debian-archive-keyring

root "$suite-$lua" "$suite" minbase "make,gcc,g++,libc6-dev,libcmocka-dev,shared-mime-info,$lua,lib$lua-dev,$modules"
copy
[ "$suite" != bullseye ] || inside spec/matrix/modules.sh || exit 1
suites=
[ "$FORM" = full ] || suites='c-native lua-native'
inside "LUA=$lua MAKE='make LUA=$lua' CC=cc spec/run.sh $suites"
