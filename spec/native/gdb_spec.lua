-- gdb_spec.lua: the commands of doc/cfiber-gdb.py, on a process and on a core

local child = require "child"
local helper = require "helper"

if helper.mode ~= "plain" then
  return  -- gdb sees the same in every mode
end

-- Two suspended fibers, and two that run when 'stats' is called.
local program = [[
local paths = {...}
package.path, package.cpath = paths[1], paths[2]
local cfiber = require "cfiber"
local sorting = cfiber.create(function()
  string.gsub("a", "a", function()
    table.sort({1, 2}, function() cfiber.yield() end)
  end)
end)
cfiber.resume(sorting)
local yielding = cfiber.create(function()
  pcall(string.gsub, "b", "b", cfiber.yield)
end)
cfiber.resume(yielding)
cfiber.resume(cfiber.create(function()
  cfiber.wrap(function()
    string.gsub("c", "c", function() cfiber.stats() end)
  end)()
end))]]

local available = os.execute "gdb --version >/dev/null 2>&1"

-- Defines a test that is skipped where gdb is missing or may not trace.
local function case(name, body)
  it(name, available and body or function()
    pending "gdb is not installed"
  end)
end

-- What gdb prints after the program reached 'stats': the commands' output.
local function stopped(...)
  local words = {"gdb -q -batch -nx -ex 'set width 0' -ex 'set breakpoint pending on' -ex 'break lib_stats' -ex run",
    "-ex 'source doc/cfiber-gdb.py' -ex 'echo ====\\n'"}
  for _, command in ipairs {...} do
    words[#words + 1] = "-ex " .. child.quote(command)
  end
  words[#words + 1] = ("--args $LUA $SCRIPT %s %s 2>&1"):format(child.quote(package.path), child.quote(package.cpath))
  local output = child.shell(table.concat(words, " "), program).output
  if output:find "ptrace: Operation not permitted" then
    pending "gdb may not trace a process here"
  end
  return assert(output:match "====\n(.*)", output)
end

-- The stacks that 'cfiber bt' shows: lists of lines by the fiber's number.
local function stacks(text)
  local found = {}
  local current
  for line in text:gmatch "[^\n]+" do
    local number = line:match "^fiber (%d+): "
    if number then
      current = {}
      found[tonumber(number)] = current
    elseif line:find "^#" then
      table.insert(current, line)
    end
  end
  return found
end

-- A stack on a fiber goes down to its entry, where it ends.
local function checkend(stack)
  assert.match(" in fiber_entry %(message=", stack[#stack])
  assert.is_true(#stack > 5)
end

describe("In gdb", function()
  case("'cfiber list' shows running and suspended fibers with their Lua lines", function()
    local list = {}
    for line in stopped("cfiber list"):gmatch "%d+  (thread 0x%x+ [^\n]+)" do
      list[#list + 1] = line
    end
    assert.equal(5, #list)
    assert.match(" running +stack 0x%x+ to 0x%x+", list[1])
    assert.match(" resuming +stack 0x%x+ to 0x%x+", list[2])
    assert.match(" resuming +on the stack of its OS thread$", list[3])
    table.sort(list, function(a, b)
      return (a:match ":(%d+)$" or "99") < (b:match ":(%d+)$" or "99")
    end)
    assert.match(" suspended +stack .*SCRIPT:11$", list[1])
    assert.match(" suspended +stack .*SCRIPT:6$", list[2])
  end)

  case("'cfiber bt' shows each stack down to its entry", function()
    local found = stacks(stopped "cfiber bt")
    for number, stack in pairs(found) do
      local text = table.concat(stack, "\n")
      if text:find "__libc_start" or text:find " in main %(" then
        assert.equal(2, number)
        assert.match(" lib_resume ", text)
      else
        checkend(stack)
      end
    end
    assert.match("#%d  lib_stats ", table.concat(found[0], "\n"))  -- or what is inlined there
    assert.match(" wrapped ", table.concat(found[1], "\n"))
    assert.match(" fiber_yieldnatively ", table.concat(found[3], "\n"))
    assert.match(" fiber_yieldnatively ", table.concat(found[4], "\n"))
  end)

  case("'cfiber bt N' shows that one, and says when there is none", function()
    local text = stopped("cfiber bt 1", "cfiber bt 5", "cfiber bt x")
    assert.match("^fiber 1: ", text)
    assert.is_nil(text:find "fiber 0: ")
    assert.match("there is no fiber '5': see 'cfiber list'", text)
    assert.match("there is no fiber 'x': see 'cfiber list'", text)
  end)

  case("'bt' inside a fiber ends at its entry, also after the commands", function()
    local stack = {}
    for line in stopped("cfiber bt", "echo plain\\n", "bt"):match "plain\n(.*)":gmatch "#[^\n]+" do
      stack[#stack + 1] = line
    end
    assert.match("#%d  lib_stats ", table.concat(stack, "\n"))  -- or what is inlined there
    checkend(stack)
  end)

  -- Those who follow frame pointers, as 'perf record -g' does, stop at 0.
  case("the frame pointer of the entry is 0, or that which it saved", function()
    local register = ({["x86-64"] = "$rbp", i386 = "$ebp"})[helper.cfiber.stats().switch]
    if not register then
      pending "a register of x86"
      return
    end
    assert.match("last:1$", stopped("frame function fiber_entry", "echo last:",
      ("output %s == 0 || *(long *)%s == 0"):format(register, register)))
  end)

  case("the commands say so where there is no cfiber", function()
    local r = child.shell("gdb -q -batch -nx -ex 'source doc/cfiber-gdb.py' -ex 'cfiber list' 2>&1")
    assert.match("cfiber is not loaded, or has no debugging symbols", r.output)
  end)

  case("the commands work on a core", function()
    local r = child.shell(([[
      directory=$(mktemp -d) top=$PWD
      cd "$directory" && ulimit -c unlimited
      $LUA $SCRIPT %s %s 2>/dev/null
      core=$(ls core* 2>/dev/null)
      [ -n "$core" ] && gdb -q -batch -nx -ex "source $top/doc/cfiber-gdb.py" -ex 'echo ====\n' -ex 'cfiber bt' \
        $LUA $core 2>&1
      rm -r "$directory"]]):format(child.quote(package.path:gsub("%./", os.getenv "PWD" .. "/")),
      child.quote(package.cpath)), (program:gsub("cfiber.stats%(%)", "os.execute 'kill -ABRT $PPID'")))
    local text = r.output:match "====\n(.*)"
    if not text then
      pending "the system writes no core into the working directory"
      return
    end
    local found = stacks(text)
    assert.equal(4, #found)
    for _, number in ipairs {0, 1, 3, 4} do
      checkend(found[number])
    end
  end)
end)
