-- global_spec.lua: unmodified programs on fibers, in child processes

local library = require "library"
local since_it = require "since"("5.4.3", "refuses it")

local fibers, run = library.fibers, library.run

local directory = "spec/native/programs/"

-- Bodies of coroutines that yield once, where stock Lua refuses it
local refused = {
  ["a comparator of table.sort"] = [[
    table.sort({2, 1}, function(a, b)
      coroutine.yield "asks"
      return a < b
    end)]],
  ["the function of string.gsub"] = [[
    string.gsub("a", ".", coroutine.yield)]],
  ["a chunk that require runs"] = [[
    package.searchers = {function() return coroutine.yield end}
    require "module"]],
  ["__tostring below string.format"] = [[
    string.format("%s", setmetatable({}, {__tostring = function()
      coroutine.yield "asks"
      return "an object"
    end}))]],
  ["a hook by count that preempts string.gsub"] = [[
    string.gsub("a", ".", function()
      local preempted
      debug.sethook(function()
        debug.sethook()
        preempted = true
        coroutine.yield "asks"
      end, "", 100)
      repeat until preempted
    end)]],
}

describe("lua -l cfiber.global", function()
  local list <close> = assert(io.popen("ls " .. directory))
  for name in list:lines() do
    local test = name == "closing_yields.lua" and since_it or it
    test("prints byte for byte what lua prints for " .. name, function()
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

  for place, body in pairs(refused) do
    it("lets a program yield in " .. place, function()
      local program = "local co = coroutine.create(function() " .. body .. " end)\n"
        .. "print(assert(coroutine.resume(co)), coroutine.status(co), coroutine.resume(co), coroutine.status(co))"
      assert.match("attempt to yield across a C-call boundary", run("$SCRIPT", program).errors, 1, true)
      assert.same({status = 0, output = "true\tsuspended\ttrue\tdead\n", errors = ""},
        run(fibers .. "$SCRIPT", program))
    end)
  end

  it("passes the arguments of the program on", function()
    assert.equal("2\tone\ttwo\n", run(fibers .. "$SCRIPT one two", "print(#arg, ...)").output)
  end)
end)
