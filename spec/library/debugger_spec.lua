-- debugger_spec.lua: a tool that stops coroutines at lines and looks into them

local tests = require("library").tests()

local generator = [[
  local debugger = require "debugger"
  local program = load([=[
    local function numbers(n)
      local i = 0
      while i < n do
        i = i + 1
        coroutine.yield(2 * i)
      end
    end
    local next = coroutine.wrap(function()
      numbers(2)
    end)
    local a = next()
    local b = next()
    print(a, b)
  ]=], "=program")

  -- Stops where the commands say, and shows the lines.
  local function steps(breakpoints, ...)
    local script, lines = {...}, {}
    debugger.run(program, breakpoints, table.remove(script, 1), debugger.session(function(_, line)
      while true do
        lines[#lines + 1] = line
        _, line = coroutine.yield(table.remove(script, 1) or "run")
      end
    end))
    print(table.concat(lines, " "))
  end
]]

local comparator = [[
  local debugger = require "debugger"
  local program = load([=[
    local list = {2, 1}
    table.sort(list, function(a, b)
      local less = a < b
      return less
    end)
    print(list[1], list[2])
  ]=], "=program")
]]

describe("a line debugger", function()
  tests.same("steps over lines that resume", "2\t4\n11 12 13\n", generator .. [[
    steps({[11] = true}, "run", "over", "over")
  ]])

  tests.same("steps into coroutines, and over their yields to the resumer", "2\t4\n11 9 12 3 4 5 13\n", generator .. [[
    steps({[11] = true}, "run", "into", "over", "into", "over", "over", "over")
  ]])

  tests.same("stops at breakpoints in coroutines", "2\t4\n5 12 5 13\n", generator .. [[
    steps({[5] = true, [13] = true}, "run", "over")
  ]])

  tests.same("reads and sets variables of the coroutine that stopped and of a suspended one", "200\t4\n1 100\n",
    generator .. [[
    local seen = {}
    debugger.run(program, {[5] = true, [12] = true}, "run", debugger.session(function(thread)
      seen[1] = debugger.get(thread, "i")
      debugger.set(thread, "i", 100)
      coroutine.yield "run"
      seen[2] = debugger.get(thread, "i")
      debugger.set(thread, "i", 1)
      coroutine.yield "run"
      coroutine.yield "run"
    end))
    print(table.concat(seen, " "))
  ]])

  tests.lifted("pauses a coroutine in table.sort while others go on", "4\t1\t2\ttrue\nanother\n2\t1\n", comparator .. [[
    local co = coroutine.create(debugger.run)
    local _, thread, line = assert(coroutine.resume(co, program, {[4] = true}, "run", coroutine.yield))
    print(line, debugger.get(thread, "a"), debugger.get(thread, "b"), debugger.get(thread, "less"))
    debugger.set(thread, "less", false)
    coroutine.wrap(print) "another"
    assert(coroutine.resume(co, "run"))
  ]])
end)
