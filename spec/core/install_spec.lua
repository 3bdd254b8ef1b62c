-- install_spec.lua: fibers in the place of a coroutine table

local child = require "child"
local helper = require "helper"
local cfiber = helper.cfiber

local names = {"close", "create", "isyieldable", "resume", "running", "status", "wrap", "yield"}

local function copy(t)
  local c = {}
  for k, v in pairs(t) do
    c[k] = v
  end
  return c
end

-- The stock functions, whatever the table 'coroutine' holds.
local stock = copy(coroutine)

-- Calls f with fibers in the global table.
local function installed(f, ...)
  assert.equal(coroutine, cfiber.install())
  local result = table.pack(pcall(f, ...))
  cfiber.uninstall()
  assert.same(stock, coroutine)
  assert(table.unpack(result, 1, result.n))
  return table.unpack(result, 2, result.n)
end

-- Yields below a C function, which stock Lua refuses.
local function yieldsbelowsort(library)
  local c = library.create(function()
    table.sort({2, 1}, function(a, b)
      library.yield "below sort"
      return a < b
    end)
    return "end"
  end)
  local _, first = library.resume(c)
  local _, last = library.resume(c)
  while last == "below sort" do
    _, last = library.resume(c)
  end
  return first == "below sort" and last == "end"
end

describe("install", function()
  it("replaces the functions of the global table in place", function()
    local before = coroutine
    installed(function()
      assert.equal(before, coroutine)
      assert.equal(before, package.loaded.coroutine)
      for _, name in ipairs(names) do
        assert.equal("function", type(coroutine[name]))
        assert.are_not.equal(stock[name], coroutine[name], name)
      end
    end)
  end)

  it("lifts what stock Lua refuses", function()
    helper.leakless(function()
      assert.is_false(yieldsbelowsort(coroutine))
      installed(function()
        assert.is_true(yieldsbelowsort(coroutine))
      end)
      assert.is_false(yieldsbelowsort(coroutine))
    end)
  end)

  it("replaces those of a table that is given, and returns it", function()
    local t = copy(stock)
    assert.equal(t, cfiber.install(t))
    assert.is_true(yieldsbelowsort(t))
    for _, name in ipairs(names) do
      assert.are_not.equal(stock[name], t[name], name)
    end
    assert.same(stock, coroutine)
    cfiber.uninstall(t)
  end)

  it("fills an empty table", function()
    local t = cfiber.install {}
    local found = {}
    for name in pairs(t) do
      found[#found + 1] = name
    end
    table.sort(found)
    assert.same(names, found)
    assert.is_true(yieldsbelowsort(t))
    cfiber.uninstall(t)
  end)

  it("leaves other fields alone", function()
    local t = {create = 1, other = 2, ["wrap "] = 3}
    cfiber.install(t)
    assert.equal(2, t.other)
    assert.equal(3, t["wrap "])
    cfiber.uninstall(t)
    assert.same({create = 1, other = 2, ["wrap "] = 3}, t)
  end)

  it("goes past metamethods", function()
    local function never() error "called" end
    local t = setmetatable({}, {__index = never, __newindex = never})
    cfiber.install(t)
    assert.equal("function", type(rawget(t, "yield")))
    cfiber.uninstall(t)
    assert.is_nil(next(t))
  end)

  it("done twice is done once", function()
    local t = copy(stock)
    cfiber.install(t)
    local functions = copy(t)
    assert.equal(t, cfiber.install(t))
    assert.same(functions, t)
    cfiber.uninstall(t)
    assert.same(stock, t)
  end)

  it("works on several tables, each restored by itself", function()
    local a, b = copy(stock), {yield = "something"}
    cfiber.install(a)
    cfiber.install(b)
    cfiber.uninstall(a)
    assert.same(stock, a)
    assert.equal("function", type(b.yield))
    cfiber.uninstall(b)
    assert.same({yield = "something"}, b)
  end)

  it("may be done to cfiber itself", function()
    local before = copy(cfiber)
    cfiber.install(cfiber)
    assert.is_true(yieldsbelowsort(cfiber))
    before.uninstall(cfiber)
    assert.same(before, cfiber)
  end)

  it("takes nil for the global table", function()
    assert.equal(coroutine, cfiber.install(nil))
    assert.are_not.equal(stock.yield, coroutine.yield)
    assert.equal(coroutine, cfiber.uninstall(nil))
    assert.equal(stock.yield, coroutine.yield)
  end)

  it("refuses what is no table", function()
    for _, name in ipairs {"install", "uninstall"} do
      for _, bad in ipairs {1, "x", true, print, stock.create(print)} do
        assert.has_error(function() cfiber[name](bad) end,
          ("bad argument #1 to '?' (table expected, got %s)"):format(type(bad)))
      end
    end
  end)

  it("keeps no table alive", function()
    local weak = setmetatable({}, {__mode = "k"})
    weak[cfiber.install {}] = true
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(weak))
  end)
end)

describe("uninstall", function()
  it("of what was never installed changes nothing", function()
    local t = {yield = 1}
    assert.equal(t, cfiber.uninstall(t))
    assert.same({yield = 1}, t)
    assert.equal(coroutine, cfiber.uninstall())
    assert.same(stock, coroutine)
  end)

  it("done twice is done once", function()
    local t = copy(stock)
    cfiber.install(t)
    cfiber.uninstall(t)
    t.yield = "mine"
    cfiber.uninstall(t)
    assert.equal("mine", t.yield)
  end)

  it("lets fibers go on that were made before", function()
    helper.leakless(function()
      local f = installed(function()
        local f = coroutine.wrap(function()
          local yield = coroutine.yield
          for i = 1, 3 do
            yield(i)
          end
          return "end"
        end)
        assert.equal(1, f())
        return f
      end)
      assert.same({2, 3, "end"}, {f(), f(), f()})
    end)
  end)

  it("lets coroutines go on under fibers that were made before install", function()
    helper.leakless(function()
      local f = coroutine.wrap(function()
        for i = 1, 3 do
          coroutine.yield(i)
        end
        return "end"
      end)
      assert.equal(1, f())
      installed(function()
        assert.equal(2, f())
        assert.equal(3, f())
      end)
      assert.equal("end", f())
    end)
  end)
end)

describe("names of installed functions", function()
  -- What stock Lua says, with every place where a name appears.
  local function scenario()
    local c = coroutine.create(function()
      coroutine.yield()
      coroutine.wrap(function() error "e" end)()
    end)
    coroutine.resume(c)
    local suspended = debug.traceback(c)
    local _, message = coroutine.resume(c)
    local dead = debug.traceback(c)
    local _, argument = pcall(coroutine.resume, nil)
    local _, outside = xpcall(coroutine.create, debug.traceback, nil)
    return {suspended, message, dead, argument:match "to '.-'", outside:match "%(.*"}
  end

  it("are those of the table in tracebacks and messages", function()
    helper.leakless(function()
      local expected = scenario()
      assert.matches(helper.called "coroutine.yield", expected[1])
      local found = installed(scenario)
      for i = 1, 3 do
        assert.equal(expected[i], found[i])
      end
      assert.equal("to 'coroutine.resume'", found[4])
      assert.matches("in function 'coroutine.create'", found[5], 1, true)
    end)
  end)

  it("of cfiber's own functions stay 'cfiber.'", function()
    helper.leakless(function()
      installed(function()
        local c = cfiber.create(function() cfiber.yield() end)
        cfiber.resume(c)
        assert.matches(helper.called "cfiber.yield", debug.traceback(c))
        cfiber.resume(c)
      end)
    end)
  end)
end)

describe("cfiber.global", function()
  local program = [[
    local c = coroutine.create(function()
      return (("ab"):gsub(".", function(l) return coroutine.yield(l) end))
    end)
    print(coroutine.resume(c))
    print(coroutine.resume(c, "1"))
    print(debug.traceback(c):match(_VERSION == "Lua 5.4" and "'coroutine.(yield)'" or "'(yield)'"))
    print(coroutine.resume(c, "2"))
    print(coroutine.status(c))
  ]]
  local expected = {output = "true\ta\ntrue\tb\nyield\ntrue\t12\ndead\n", errors = "", status = 0}

  it("installs fibers for a program that requires it", function()
    assert.same(expected, child.bare('require "cfiber.global"\n' .. program))
  end)

  it("installs fibers for an unmodified program", function()
    assert.same(expected, child.shell("exec $LUA -l cfiber.global $SCRIPT", program))
  end)

  it("can be taken back", function()
    local found = child.bare [[
      local before = coroutine.yield
      require "cfiber.global"
      print(coroutine.yield == before)
      require("cfiber").uninstall()
      print(coroutine.yield == before)
    ]]
    assert.same({output = "false\ntrue\n", errors = "", status = 0}, found)
  end)

  it("without a global table 'coroutine' is an error that says so", function()
    local found = child.bare [[
      coroutine = nil
      print(pcall(require("cfiber").install))
      print(pcall(require("cfiber").uninstall))
      coroutine = 5
      require "cfiber.global"
    ]]
    assert.equal("false\tno global table 'coroutine'\nfalse\tno global table 'coroutine'\n", found.output)
    assert.matches("no global table 'coroutine'\nstack traceback", found.errors)
    assert.equal(1, found.status)
  end)
end)
