# shellcheck shell=sh
# debian.sh: what the rows of the matrix share. To be sourced.
#
# Everything is made below build/matrix, on a Debian or Ubuntu system as root:
#
#   roots/NAME        a Debian system, with packages and nothing else
#   roots/NAME.list   what is in it; a root with other packages is made again
#   sources           Debian's sources of other projects, unpacked
#
# A row that cannot run here ends with status 77 and the reason in its last line.

work=$PWD/build/matrix
mirror=http://deb.debian.org/debian
# The packages that the specs want besides, with commas
modules=lua-busted,lua-binaryheap,lua-dkjson,lua-socket,lua-penlight,lua-expat,lua-lpeg
# Specs that compile or install, in their own way: names for LEAVE of run.sh
compiling='106-archive-of-lto|125-bench-builds-its-own|amalgamation|analyze|debug_build|fuzz|game|gdb|hardening|
header|instructions|manual|manual_programs|package|readme|reproducible|rock'
mkdir -p "$work/roots"

# skip REASON
skip () {
  echo "$1"
  exit 77
}

case $PWD in *[[:space:]]*) skip "compilers get names of directories here without spaces" ;; esac

# namespaces: is for rows that run programs inside of a root
namespaces () {
  [ "$(id -u)" = 0 ] || skip "needs root, for chroot"
  refused=$(unshare --mount --fork --pid true 2>&1) || skip "no namespaces here: $refused"
}

# native: is for rows that run programs for x86-64 and i386 as they are
native () {
  [ "$(uname -m)" = x86_64 ] || skip "needs x86-64"
}

# install PACKAGE...: on this system; rows take turns
install () {
  installed=$(dpkg-query -W -f '${db:Status-Status} ' "$@" 2>/dev/null) \
    && ! echo "$installed" | tr ' ' '\n' | grep -q -v -e '^installed$' -e '^$' && return
  command -v apt-get >/dev/null || skip "needs Debian's packages: $*"
  [ "$(id -u)" = 0 ] || skip "needs root, to install $*"
  (
    flock 9
    exec >"$work/apt.log" 2>&1
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
  ) 9>"$work/apt.lock" || skip "cannot install $*: $(tail -n 1 "$work/apt.log")"
}

# root NAME SUITE VARIANT PACKAGES [OPTION...]: sets 'root' to a directory with
# the packages, a list with commas. VARIANT is mmdebstrap's: "minbase" can
# install more, "extract" has the files of the packages and ran nothing.
root () {
  root=$work/roots/$1 wanted="$*"
  (
    flock 9
    [ "$(cat "$root.list" 2>/dev/null)" != "$wanted" ] || exit 0
    exec >"$root.log" 2>&1
    rm -rf "$root" "$root.list"
    suite=$2 variant=$3 packages=$4
    shift 4
    # the clocks of machines and mirrors differ
    mmdebstrap --variant="$variant" --include="$packages" "$@" \
      --aptopt='Acquire::Check-Valid-Until "false"' "$suite" "$root" "$mirror" || exit 1
    echo "$wanted" >"$root.list"
  ) 9>"$root.lock" || skip "no root of Debian: $(grep -m 1 '^E:' "$root.log")"
}

# apt COMMAND...: apt-get with lists of its own, of sources
apt () {
  apt-get -q -o Dir::Etc::SourceList="$work/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$work/apt/lists" -o Dir::Cache="$work/apt/cache" \
    -o APT::Sandbox::User=root -o Acquire::Check-Valid-Until=false "$@"
}

# sources NAME...: sets 'sources' to a directory with the sources of these
# packages, below NAME-VERSION
sources () {
  sources=$work/sources
  mkdir -p "$sources" "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
  (
    flock 9
    exec >"$sources.log" 2>&1
    cd "$sources" || exit 1
    updated=
    for name; do
      [ ! -e "$name.done" ] || continue
      if [ -z "$updated" ]; then
        echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bookworm main" \
          >"$work/apt/sources.list"
        apt update || exit 1
        updated=yes
      fi
      apt source --download-only "$name" || exit 1
      for archive in "$name"_*.orig.tar.[gx]z; do
        tar -xf "$archive" || exit 1
      done
      touch "$name.done"
    done
  ) 9>"$sources.lock" || skip "no sources of Debian: $(grep -m 1 '^E:' "$sources.log")"
}

# copy: the sources to $root/cfiber
copy () {
  mkdir -p "$root/cfiber"
  find "$root/cfiber" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
  tar -c --exclude=./build --exclude=./.git . | tar -x -C "$root/cfiber"
}

# inside COMMAND: of the shell, in $root/cfiber. What it mounts ends with it.
inside () {
  # shellcheck disable=SC2016 # for the shell inside
  unshare --mount --fork --pid --kill-child sh -c '
    mkdir -p "$1/proc" "$1/dev" "$1/tmp"
    mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" || exit 1
    exec chroot "$1" sh -c "cd /cfiber && $2"' - "$root" "$1"
}
