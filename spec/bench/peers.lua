-- peers.lua: a round trip of a fiber against what one would use instead
--
-- The programs in spec/bench/peers make round trips of one kind each, a value
-- passed both ways, and print the nanoseconds of one. Their clock is the CPU
-- time of the process, which all of them have and which stands still while
-- others use the machine. They run in turn, round after round, and a ratio is
-- taken within its round. All run with the defaults of their packages.
--
-- Writes build/bench-peers.json. Exit status 1 when a program fails; a peer
-- that is not installed is listed as absent.
--
-- usage: LUA=lua5.4 CC=cc MAKE=make BUILD=build lua spec/bench/peers.lua [ROUNDS]

local json = require "dkjson"

local SECONDS = 0.35  -- that a run takes, without its start and warm-up
local ROUNDS = math.max(7, math.tointeger(tonumber(arg[1])) or 9)
local RESULT = "build/bench-peers.json"

local terminal = os.execute "test -t 1"

local function variable(name, default)
  local value = os.getenv(name)
  return value and value ~= "" and value or default
end

-- What the commands below name in capitals
local variables = {
  LUA = variable("LUA", "lua5.4"),
  CC = variable("CC", "cc"),
  MAKE = variable("MAKE", "make"),
  PYTHON = variable("PYTHON", "/usr/bin/python3"),
  BIN = variable("BUILD", "build") .. "/peers",
  SRC = "spec/bench/peers",
}

-- name     what is measured
-- version  a command that prints it, and fails where the peer is absent
-- package  Debian's, which has the peer
-- binary   to be made before
-- run      a command: N is the number of round trips
-- base     begins a group, which is compared with it
local peers = {
  {
    name = "cfiber", base = true,
    version = [[LUA -e 'local c = require "cfiber"; print(c._VERSION:match "%S+$", c.stats().switch)']],
    run = "LUA SRC/coroutine.lua N cfiber",
  },
  {
    name = "Lua coroutine", package = "lua5.4",
    version = "LUA -v",
    run = "LUA SRC/coroutine.lua N",
  },
  {
    name = "LuaJIT coroutine", package = "luajit",
    version = "luajit -v",
    run = "luajit SRC/coroutine.lua N",
  },
  {
    name = "LuaJIT coroutine, -joff", package = "luajit",
    version = "luajit -v",
    run = "luajit -joff SRC/coroutine.lua N",
  },
  {
    name = "Ruby Fiber", package = "ruby",
    version = [[ruby -e 'yjit = defined?(RubyVM::YJIT) && RubyVM::YJIT.enabled?
      puts "#{RUBY_VERSION}, YJIT #{yjit ? "on" : "off"}"']],
    run = "ruby SRC/fiber.rb N",
  },
  {
    name = "PHP Fiber", package = "php-cli",
    version = [[php -r 'new Fiber("phpversion");
      echo PHP_VERSION, ", opcache ", ini_get("opcache.enable_cli") ? "on" : "off";']],
    run = "php SRC/fiber.php N",
  },
  {
    name = "Python greenlet", package = "python3-greenlet",
    version = [[PYTHON -c 'import greenlet, platform
print(greenlet.__version__, "Python", platform.python_version())']],
    run = "PYTHON SRC/switch.py N",
  },
  {
    name = "Perl Coro::State", package = "libcoro-perl",
    version = [[perl -MCoro::State -e 'printf "%s, Perl %vd", $Coro::State::VERSION, $^V']],
    run = "perl SRC/transfer.pl N",
  },
  {
    name = "switch.h, in C", base = true,
    version = [[LUA -e 'print(require "cfiber".stats().switch)']],
    binary = "switch", run = "BIN/switch N",
  },
  {
    name = "Boost jump_fcontext", package = "libboost-context-dev",
    version = [[echo 'int main (void) { return 0; }' | CC -x c - -o /dev/null -lboost_context &&
      printf '#include <boost/version.hpp>\nBOOST_LIB_VERSION\n' | CC -E -P - | tail -n 1 | tr -d '"' | tr _ .]],
    binary = "fcontext", run = "BIN/fcontext N",
  },
  {
    name = "swapcontext", package = "libc6-dev",
    version = "getconf GNU_LIBC_VERSION",
    binary = "swapcontext", run = "BIN/swapcontext N",
  },
  {
    name = "threads, on one CPU", package = "libc6-dev",
    version = "getconf GNU_LIBC_VERSION",
    binary = "pthread", run = "BIN/pthread N",
  },
}

-- Shows text that the next output replaces, on a terminal only.
local function progress(text)
  if terminal then
    io.write("\r\27[K", text):flush()
  end
end

-- Returns what a command prints, or nothing when it fails.
local function output(command)
  local pipe = assert(io.popen((command:gsub("%u+", variables))))
  local text = pipe:read "a"
  return pipe:close() and text or nil
end

-- The first line that a command prints, without a copyright notice.
local function ask(command)
  local text = output("{ " .. command .. "; } 2>&1")
  return text and text:match "[^\n]*":gsub("[%s-]*Copyright.*", ""):gsub("%s+", " ") or nil
end

local function read(path)
  local file = io.open(path)
  local text = file and file:read "a"
  return file and file:close() and text or ""
end

local function median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  return sorted[#sorted // 2 + 1]
end

local function fail(peer, words)
  progress ""
  io.stderr:write(peer.name, ": ", words, "\n")
  peer.failed = words
end

-- Runs a peer's program: nanoseconds of a round trip, or nothing.
local function measure(peer, n)
  local ns = tonumber(output((peer.run:gsub("%f[%u]N%f[%U]", n))))
  if not ns or ns ~= ns or ns < 0 then
    fail(peer, "its program failed")
    return nil
  end
  return ns
end

-- Finds the number of round trips that takes long enough.
local function calibrate(peer)
  local n = 1000
  repeat
    progress("preparing " .. peer.name)
    local ns = measure(peer, n)
    if not ns then
      return
    end
    local seconds = ns * n / 1e9
    n = math.min(n * 100, math.ceil(n * SECONDS / math.max(seconds, 1e-6)))
  until seconds > SECONDS / 4
  peer.n = n
end

local function build(peer)
  progress ""
  return output("MAKE -s --no-print-directory BIN/" .. peer.binary .. " >&2 && echo made")
end

-- Looks for a peer and makes its program ready.
local function prepare(peer)
  peer.version = ask(peer.version)
  peer.absent = not peer.version and not peer.base or nil
  if peer.absent then
    return
  elseif peer.binary and not build(peer) then
    fail(peer, "it cannot be built")
    return
  end
  peer.ns, peer.ratios = {}, {}
  calibrate(peer)
end

local function round(i)
  local base
  for _, peer in ipairs(peers) do
    base = peer.base and peer or base
    if peer.n and not peer.failed then
      progress(("round %d of %d: %s"):format(i, ROUNDS, peer.name))
      peer.ns[i] = measure(peer, peer.n)
    end
    if not base.failed and peer.n and not peer.failed then
      peer.ratios[i] = base.ns[i] / peer.ns[i]
    end
  end
end

-- A number with about three digits that say something.
local function short(x)
  local places = x < 0.1 and 4 or x < 10 and 2 or x < 100 and 1 or 0
  return ("%%.%df"):format(places):format(x)
end

-- The median and the spread of a list, each in a column.
local function columns(list)
  if #list == 0 then
    return "", ""
  end
  return short(median(list)), short(math.min(table.unpack(list))) .. " to " .. short(math.max(table.unpack(list)))
end

local ROW = "%-24s %-24s %7s %-18s %9s  %s"

local function line(...)
  print((ROW:format(...):gsub("%s+$", "")))
end

local function row(peer)
  if peer.absent then
    line(peer.name, "absent: " .. peer.package, "", "", "", "")
  elseif peer.failed then
    line(peer.name, peer.version or "?", "", peer.failed, "", "")
  else
    local ns, range = columns(peer.ns)
    local ratio, ratios = columns(peer.base and {} or peer.ratios)
    line(peer.name, peer.version or "?", ns, range, ratio, ratios)
  end
end

local function machine()
  local _, cpus = read "/proc/cpuinfo":gsub("processor%s*:", "")
  return {
    cpu = read "/proc/cpuinfo":match "model name%s*:%s*([^\n]*)" or ask "uname -m",
    cpus = cpus,
    kernel = ask "uname -sr",
    compiler = ask "CC --version",
    lua = ask "LUA -v",
  }
end

-- Runnable tasks, on average over a minute.
local function load()
  return tonumber(read "/proc/loadavg":match "%S+")
end

local function save(what)
  os.execute "mkdir -p build"
  local file = assert(io.open(RESULT, "w"))
  local rows = {}
  for i, peer in ipairs(peers) do
    rows[i] = {
      name = peer.name, version = peer.version, package = peer.package, failed = peer.failed,
      absent = peer.absent, base = peer.base, n = peer.n, ns = peer.ns, ratios = peer.ratios,
      median_ns = peer.ns and median(peer.ns), median_ratio = peer.ratios and median(peer.ratios),
    }
  end
  what.peers = rows
  local order = {"machine", "cpu", "cpus", "kernel", "compiler", "lua", "rounds", "load_before", "load_after",
    "peers", "name", "version", "base", "n", "median_ns", "median_ratio", "ns", "ratios"}
  assert(file:write(json.encode(what, {indent = true, keyorder = order}), "\n"))
  file:close()
end

local function show(what)
  local m = what.machine
  print(("%s (%d CPUs), %s, %s, %s"):format(m.cpu, m.cpus, m.kernel, m.compiler, m.lua))
  print(("%d rounds of %.2f s each, medians; load %.2f before, %.2f after"):format(what.rounds, SECONDS,
    what.load_before, what.load_after))
  for _, peer in ipairs(peers) do
    if peer.base then
      print ""
      line("resume + yield", "version", "ns", "min to max", peer.name:match "%w+[.]?%w*" .. "/peer", "min to max")
    end
    row(peer)
  end
end

local what = {machine = machine(), rounds = ROUNDS, load_before = load()}
for _, peer in ipairs(peers) do
  prepare(peer)
end
for i = 1, ROUNDS do
  round(i)
end
progress ""
what.load_after = load()
show(what)
save(what)
for _, peer in ipairs(peers) do
  if peer.failed then
    os.exit(1)
  end
end
