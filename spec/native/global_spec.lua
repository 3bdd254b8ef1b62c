-- global_spec.lua: unmodified programs on fibers, in child processes

local child = require "child"
local helper = require "helper"

local directory = "spec/native/programs/"

-- What the spec's mode means to a child.
local fibers = "-l cfiber.global " .. ({
  plain = "",
  compact = "-e 'require([[cfiber]]).config {native_limit = 0}' ",
  collector = "-e 'collectgarbage([[incremental]], 1, 1000, 1)' ",
})[helper.mode]

-- Runs lua with these arguments; see child.shell.
local function run(arguments, script)
  return child.shell("exec $LUA " .. arguments .. " </dev/null", script)
end

describe("lua -l cfiber.global", function()
  local list <close> = assert(io.popen("ls " .. directory))
  for name in list:lines() do
    it("prints byte for byte what lua prints for " .. name, function()
      local expected = run(directory .. name)
      assert.is_true(#expected.output + #expected.errors > 0)
      assert.same(expected, run(fibers .. directory .. name))
    end)
  end

  it("runs the program's coroutines on fibers", function()
    local result = run("-l cfiber.global " .. directory .. "permutations.lua")
    local counted = run("-l cfiber.global -e '"
      .. "dofile [[" .. directory .. "permutations.lua]]"
      .. "local s = require([[cfiber]]).stats() io.write(s.native_yields + s.compact_yields)'")
    assert.equal(result.output .. 24 + 5040, counted.output)
  end)

  it("runs a chain of coroutines that is too deep for stock Lua", function()
    local program = [['
      local function chain(n)
        return coroutine.wrap(function()
          coroutine.yield(n == 0 and "deep" or chain(n - 1)())
        end)
      end
      print(chain(500)())']]
    assert.match("C stack overflow", run("-e " .. program).errors, 1, true)
    assert.same({status = 0, output = "deep\n", errors = ""}, run(fibers .. "-e " .. program))
  end)

  it("lets a program yield in a comparator of table.sort", function()
    local program = [['
      local sort = coroutine.wrap(function(list)
        table.sort(list, function(a, b)
          coroutine.yield("compares")
          return a < b
        end)
      end)
      print(sort({2, 1}))']]
    assert.match("attempt to yield across a C-call boundary", run("-e " .. program).errors, 1, true)
    assert.same({status = 0, output = "compares\n", errors = ""}, run(fibers .. "-e " .. program))
  end)

  it("passes the arguments of the program on", function()
    assert.equal("2\tone\ttwo\n", run(fibers .. "$SCRIPT one two", "print(#arg, ...)").output)
  end)
end)
