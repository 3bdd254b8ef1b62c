-- library.lua: for specs of libraries and tools that know nothing of cfiber:
-- programs in processes of their own, on stock coroutines and on fibers

local assert = require "luassert"
local busted = require "busted"
local child = require "child"
local helper = require "helper"

local pending = require "busted.core"().pending  -- skips the test that runs

local library = {}

-- Tools of the specs, and what Debian has in Lua alone for older versions only
local path = "./spec/library/programs/?.lua;" .. package.path
  .. ";/usr/share/lua/5.3/?.lua;/usr/share/lua/5.3/?/init.lua;/usr/share/lua/5.1/?.lua"

local environment = [[
export LUA_PATH=%s LUA_CPATH=%s
unset LUA_PATH_5_4 LUA_CPATH_5_4 LUA_PATH_5_5 LUA_CPATH_5_5
]]
environment = environment:format(child.quote(path), child.quote(package.cpath))

--- Arguments of lua that put fibers in the place of coroutines, in the mode of
-- the suite.
library.fibers = "-l cfiber.global " .. ({
  plain = "",
  compact = "-e 'require([[cfiber]]).config {native_limit = 0}' ",
  collector = "-e 'require([[collector]])([[incremental]], 1, 1000, 1)' ",
})[helper.mode]

-- What follows a program on fibers, whose variables are gone then.
local ending = [[

for _ = 1, 3 do collectgarbage() end
local stats = require "cfiber".stats()
assert(%s > 0, "no fiber has yielded")
assert(stats.mounted == 0, "fibers stay mounted")
]]

--- The modules with these names; or nothing and a pending test where one is not
-- installed for this Lua.
function library.modules(...)
  local all = {}
  for i, name in ipairs {...} do
    local found, module = pcall(require, name)
    if not found then
      busted.pending(("%s is not installed for %s"):format(name, _VERSION))
      return nil
    end
    all[i] = module
  end
  return table.unpack(all)
end

--- As child.shell, for commands that run $LUA with the libraries.
function library.shell(commands, script)
  return child.shell(environment .. commands .. " </dev/null", script)
end

--- Runs lua with these arguments, which name the program $SCRIPT or another.
function library.run(arguments, script)
  return library.shell("exec $LUA " .. arguments, script)
end

--- For programs that have serve(answer), which returns a port, get(port, path)
-- and run(function, ...): a server that answers in capitals, to be asked inside
-- something else.
library.capitals = [[
  local inner = serve(string.upper)
  local function ask(word)
    return (get(inner, "/" .. word):sub(2))
  end
]]

--- To follow that: a server asks it in a comparator of table.sort; prints "abc".
library.sorting = [[
  local port = serve(function()
    local list = {"b", "c", "a"}
    table.sort(list, function(x, y) return ask(x) < ask(y) end)
    return table.concat(list)
  end)
  run(function() print(get(port, "/")) end)
]]

--- Several clients of one server; prints "/1 /2 /3".
library.clients = [[
  local port = serve(function(path) return path end)
  local answers = {}
  local function client(i)
    return function() answers[i] = get(port, "/" .. i) end
  end
  run(client(1), client(2), client(3))
  print(table.concat(answers, " "))
]]

local native, all = "stats.native_yields", "stats.native_yields + stats.compact_yields"

-- Runs a program as it is, or on fibers, which must make some of these yields.
local function start(program, yields)
  local script = "do " .. program .. "\nend"
  return yields and library.run(library.fibers .. "$SCRIPT", script .. ending:format(yields))
    or library.run("$SCRIPT", script)
end

-- What tells whether there is something other than a module
local probes = {
  loopback = [[
    local socket = require "socket"
    local server = assert(socket.bind("127.0.0.1", 0))
    local address, port = server:getsockname()
    assert(socket.connect(address, port))]],
}

-- Asked in a process of its own, once for each.
local found = {}

local function has(name)
  if found[name] == nil then
    local probe = probes[name] or ("require '%s'"):format(name)
    found[name] = library.run("$SCRIPT", probe).status == 0
  end
  return found[name]
end

--- Functions that define tests of programs, which are pending where one of the
-- modules that are named, or "loopback", is missing.
function library.tests(...)
  local names = {...}
  local tests = {}

  function tests.it(what, body)
    busted.it(what, function()
      for _, name in ipairs(names) do
        if not has(name) then
          pending("there is no " .. name)
        end
      end
      body()
    end)
  end

  --- The program prints the same on both.
  function tests.same(what, output, program)
    tests.it(what .. ", as on stock coroutines", function()
      local expected = {output = output, errors = "", status = 0}
      assert.same(expected, start(program))
      assert.same(expected, start(program, all))
    end)
  end

  --- Stock coroutines are refused a yield in the program, which fibers do.
  function tests.lifted(what, output, program)
    tests.it(what .. ", which stock coroutines are refused", function()
      local refused = start(program)
      assert.match("attempt to yield across a C-call boundary", refused.output .. refused.errors, 1, true)
      assert.same({output = output, errors = "", status = 0}, start(program, native))
    end)
  end

  return tests
end

return library
