#!/bin/sh
# modules.sh: what busted needs and Debian bullseye has for Lua 5.3 alone, for 5.4
#
# Modules in Lua are linked to. Of those in C busted uses little, which is said
# here in Lua, so that nothing is to be downloaded and compiled. To be run by
# root in a root with lua5.4 and lua-busted; 'lfs' is there for 5.4, too.

set -e
lua=${1:-/usr/share/lua}

mkdir -p "$lua/5.4"
for name in "$lua"/5.3/*; do
  [ -e "$lua/5.4/${name##*/}" ] || ln -s "$name" "$lua/5.4/"
done

rm -rf "$lua/5.4/term" "$lua/5.4/system"
mkdir -p "$lua/5.4/term"
cat >"$lua/5.4/term/init.lua" <<'END'
return {isatty = function() return false end}
END
cat >"$lua/5.4/system.lua" <<'END'
local function sleep(seconds)  -- not in a program, which would take the interrupts
  local ends = os.clock() + seconds
  repeat until os.clock() >= ends
end
return {gettime = os.time, monotime = os.clock, sleep = sleep}
END
