-- global_spec.lua: unmodified programs on fibers, in child processes

local helper = require "helper"

local lua = os.getenv "LUA" or "lua5.4"
local directory = "spec/native/programs/"

-- What the spec's mode means to a child.
local fibers = "-l cfiber.global " .. ({
  plain = "",
  compact = "-e 'require([[cfiber]]).config {native_limit = 0}' ",
  collector = "-e 'collectgarbage([[incremental]], 1, 1000, 1)' ",
})[helper.mode]

local function readall(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  os.remove(path)
  return text
end

-- Runs lua with these arguments: exit status, output and errors.
local function run(arguments)
  local out, err = os.tmpname(), os.tmpname()
  local _, _, status = os.execute(("%s %s >%s 2>%s </dev/null"):format(lua, arguments, out, err))
  return {status = status, out = readall(out), err = readall(err)}
end

describe("lua -l cfiber.global", function()
  local list <close> = assert(io.popen("ls " .. directory))
  for name in list:lines() do
    it("prints byte for byte what lua prints for " .. name, function()
      local expected = run(directory .. name)
      assert.is_true(#expected.out + #expected.err > 0)
      assert.same(expected, run(fibers .. directory .. name))
    end)
  end

  it("runs the program's coroutines on fibers", function()
    local result = run("-l cfiber.global " .. directory .. "permutations.lua")
    local counted = run("-l cfiber.global -e '"
      .. "dofile [[" .. directory .. "permutations.lua]]"
      .. "local s = require([[cfiber]]).stats() io.write(s.native_yields + s.compact_yields)'")
    assert.equal(result.out .. 24 + 5040, counted.out)
  end)

  it("runs a chain of coroutines that is too deep for stock Lua", function()
    local program = [['
      local function chain(n)
        return coroutine.wrap(function()
          coroutine.yield(n == 0 and "deep" or chain(n - 1)())
        end)
      end
      print(chain(500)())']]
    assert.match("C stack overflow", run("-e " .. program).err, 1, true)
    assert.same({status = 0, out = "deep\n", err = ""}, run(fibers .. "-e " .. program))
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
    assert.match("attempt to yield across a C-call boundary", run("-e " .. program).err, 1, true)
    assert.same({status = 0, out = "compares\n", err = ""}, run(fibers .. "-e " .. program))
  end)

  it("passes the arguments of the program on", function()
    local program = os.tmpname()
    local file <close> = assert(io.open(program, "w"))
    file:write "print(#arg, ...)"
    file:flush()
    assert.equal("2\tone\ttwo\n", run(fibers .. program .. " one two").out)
    os.remove(program)
  end)
end)
