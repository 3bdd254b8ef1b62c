-- luac_spec.lua: compiled chunks on fibers

local helper = require "helper"
local library = require "library"

local same = helper.same
local pending = require "busted.core"().pending

-- luac5.4 for lua5.4, in the shell
local compile = [[$(echo "$LUA" | sed 's/lua\([0-9.]*\)$/luac\1/') -s -o $SCRIPT ]]

-- Runs a program that luac has compiled and stripped.
local function compiled(name, arguments)
  return library.shell(("%s spec/native/programs/%s.lua && exec $LUA %s $SCRIPT"):format(compile, name, arguments), "")
end

describe("a program compiled by luac", function()
  for _, name in ipairs {"closing", "errors", "exit", "inspection", "pipeline", "trees", "uncaught"} do
    it("prints on fibers what it prints on coroutines: " .. name, function()
      if library.shell(compile .. "- && exec $LUA $SCRIPT", "").status ~= 0 then
        pending "there is no luac"
      end
      local expected = compiled(name, "")
      assert.is_true(#expected.output + #expected.errors > 0)
      assert.same(expected, compiled(name, library.fibers))
    end)
  end
end)

describe("a dumped function", function()
  -- The scenario with a function that dumps and loads another, one without
  -- upvalues: it is given the library.
  local function each(what, scenario)
    for name, strip in pairs {["with"] = false, ["without"] = true} do
      it(what .. ", " .. name .. " debug information", same(function(co, log)
        scenario(co, log, function(f)
          return load(string.dump(f, strip), "=dumped", "b")
        end)
      end))
    end
  end

  each("runs as a coroutine", function(co, log, dumped)
    local c = co.create(dumped(function(lib, a, ...)
      local b <close> = nil
      return pcall(function(...)
        error(lib.yield(a, b, ...))
      end, ...)
    end))
    log(co.resume(c, co, 1, 2))
    log(co.status(c), co.resume(c, "on purpose"))
  end)

  each("fails with the position that it has", function(co, log, dumped)
    local c = co.create(dumped(function(lib)
      lib.yield()
      local x = nil
      return x.field
    end))
    log(co.resume(c, co))
    log(co.resume(c))
    log(debug.traceback(c))
  end)

  each("shows its variables while it is suspended", function(co, log, dumped)
    local c = co.create(dumped(function(lib, a, ...)
      local b = a + 1
      lib.yield(b, ...)
      return a, b
    end))
    log(co.resume(c, co, 1, "more"))
    for i = -1, 4 do
      log(i, debug.getlocal(c, 1, i))
    end
    log(debug.setlocal(c, 1, 2, "new"))
    log(debug.getinfo(c, 1, "l").currentline, debug.getinfo(c, 1, "S").short_src)
    log(co.resume(c))
  end)

  each("is dumped while it is suspended", function(co, log, dumped)
    local c = co.create(function(lib, a)
      local b = lib.yield(a)
      return a, b
    end)
    log(co.resume(c, co, 1))
    local again = co.create(dumped(debug.getinfo(c, 1, "f").func))
    log(co.resume(again, co, 2))
    log(co.resume(c, 3))
    log(co.resume(again, 4))
  end)
end)

local tests = library.tests()

describe("load", function()
  tests.lifted("reads a compiled chunk by a function that yields", "done\n", [[
    local text = string.dump(function(...) return ... end)
    local co = coroutine.wrap(function()
      local i = 0
      local f = assert(load(function()
        i = i + 1
        coroutine.yield()
        return text:sub(i, i)
      end, "=dumped", "b"))
      return f "done"
    end)
    local result
    repeat result = co() until result
    print(result)
  ]])
end)
