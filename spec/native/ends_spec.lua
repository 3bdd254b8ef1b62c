-- ends_spec.lua: endings that a host brings about; those of plain Lua programs
-- are in spec/core/endings_spec.lua

local child = require "child"
local helper = require "helper"

if helper.mode ~= "plain" then
  return  -- a host has no mode
end

-- What the scripts share. In one line.
local shared = ([[
  local outside = require "outside"
  local function deep(...) local a = {...} ; return (("x"):gsub("x", function() return cfiber.yield(table.unpack(a)) end)) end
  local function suspended(f, ...) local co = cfiber.create(f) assert(cfiber.resume(co, ...)) return co end
]]):gsub("\n", " ")

local function prints(expected, script)
  return function()
    assert.equal(expected, child.output(shared .. script))
  end
end

local function ends(status, script)
  return function()
    assert.same({output = "", errors = "", status = status}, child.run(shared .. script))
  end
end

describe("os.exit(code, true) in a finalizer", function()
  local places = {
    ["that runs in a fiber"] = "cfiber.wrap(function() act() end)()",
    ["that runs in a nested fiber, below gsub"] = [[
      cfiber.wrap(function()
        suspended(function() ("x"):gsub("x", function() cfiber.wrap(act)() end) end)
      end)()
    ]],
    ["that runs in a stock coroutine in a fiber"] = "cfiber.wrap(function() stock.wrap(act)() end)()",
    ["that resumes a fiber, there"] = "within = cfiber.wrap act()",
  }
  for place, script in pairs(places) do
    it(place .. " ends the program with that code", ends(7, [[
      keep = {suspended(deep), suspended(deep)}
      local function exit() os.exit(7, true) end
      function act()
        setmetatable({}, {__gc = function() (within and within(exit) or exit)() end})
        collectgarbage()
      end
    ]] .. script .. " print 'not reached'"))
  end
end)

describe("A program with 10,000 suspended fibers", function()
  local ways = {
    ["at its end"] = "",
    ["by os.exit without lua_close"] = "os.exit(0)",
    ["by os.exit in a fiber"] = "cfiber.wrap(function() os.exit(0, true) end)()",
    ["by os.exit in the last one, below gsub"] = [[
      suspended(function() ("x"):gsub("x", function() os.exit(0, true) end) end)
    ]],
  }
  for way, script in pairs(ways) do
    it("ends quietly " .. way, ends(0, [[
      keep = {}
      for i = 1, 10000 do
        keep[i] = suspended(i % 3 == 0 and cfiber.yield or deep, i)
      end
    ]] .. script))
  end
end)

describe("os.exit(code, true) inside nested calls of C functions", function()
  it("ends the program whatever their number is", ends(0, [[
    local depth = 185
    local function nest(n)
      if n == 0 then os.exit(0, true) end
      ("x"):gsub("x", function() nest(n - 1) end)
    end
    keep = suspended(deep)
    for n = depth, 198 do
      local pid = outside.fork()
      if pid == 0 then
        pcall(nest, n)
        os.exit(0, true)
      end
      assert(outside.wait(pid) == 0, n)
    end
  ]]))
end)

describe("A Lua state that its host never closes", function()
  it("is no hindrance to the end of the process", ends(3, [[
    local state = outside.open()
    assert(outside.run(state, [=[
      local cfiber = require "cfiber"
      keep = {}
      for i = 1, 100 do
        keep[i] = cfiber.create(function() string.gsub("x", "x", cfiber.yield) end)
        assert(cfiber.resume(keep[i]))
      end
      return "kept"
    ]=]) == "kept")
    os.exit(3)
  ]]))
end)

describe("fork", function()
  it("in a fiber gives two processes that both go on", prints("parent x5 dead 7\n", [[
    local other = suspended(function(a) return a .. deep("y") end, "x")
    local pid
    local co = suspended(function()
      ("x"):gsub("x", function() pid = outside.fork() cfiber.yield() end)
      return "x"
    end)
    local ok, value = cfiber.resume(other, pid == 0 and 4 or 5)
    assert(ok and value == "x" .. (pid == 0 and 4 or 5))
    assert(select(2, assert(cfiber.resume(co))) == "x")
    for i = 1, 100 do
      assert(cfiber.resume(suspended(deep, i)))
      suspended(deep, i)
    end
    collectgarbage()
    if pid == 0 then
      cfiber.wrap(function() os.exit(7, true) end)()
    end
    print("parent " .. value .. " " .. cfiber.status(other) .. " " .. outside.wait(pid))
  ]]))

  it("in a finalizer in a nested fiber does, too", prints("7\n", [[
    local pid
    cfiber.wrap(function()
      cfiber.wrap(function()
        setmetatable({}, {__gc = function() pid = pid or outside.fork() end})
        collectgarbage()
      end)()
      assert(cfiber.resume(suspended(deep)))
    end)()
    if pid == 0 then os.exit(7, true) end
    print(outside.wait(pid))
  ]]))
end)

describe("The library", function()
  local inner = [==[
    cfiber = require "cfiber"
    co = cfiber.create(function() return (string.gsub("x", "x", cfiber.yield)) end)
    assert(cfiber.resume(co))
    return cfiber.status(co)
  ]==]

  it("stays for one Lua state when another that uses it closes", prints("suspended\tsuspended\ny\nz\n", [[
    package.loaded.cfiber = nil
    local a, b = outside.open(), outside.open()
    local inner = ]] .. ("%q"):format(inner) .. [[
    local mine = suspended(deep)
    print(outside.run(a, inner), outside.run(b, inner))
    outside.run(b, "package.loaded.cfiber = nil collectgarbage()")
    outside.close(b)
    print(outside.run(a, "return select(2, cfiber.resume(co, 'y'))"))
    outside.close(a)
    print(select(2, cfiber.resume(mine, "z")))
  ]]))

  it("is unloaded with the last one and loaded again", function()
    local r = child.bare(([[
      local outside = require "outside"
      local function loaded()
        for line in io.lines "/proc/self/maps" do
          if line:find "/cfiber%%.so" then return true end
        end
        return false
      end
      local inner = %q
      for _ = 1, 3 do
        local a, b = outside.open(), outside.open()
        assert(outside.run(a, inner) == "suspended" and outside.run(b, inner) == "suspended")
        outside.close(a)
        assert(loaded())
        outside.close(b)
        print(loaded())
      end
    ]]):format(inner))
    if r.errors:find "No such file" then
      pending "there is no list of mappings"
      return
    end
    assert.same({"false\nfalse\nfalse\n", ""}, {r.output, r.errors})
  end)
end)

describe("A storm of signals", function()
  it("disturbs no switch", prints("ok\n", [[
    local function body(n)
      local sum = 0.0
      for i = 1, 1e9 do
        sum = sum + (i % 3 == 0 and #deep("z") or cfiber.yield(sum, n))
      end
    end
    local all = {}
    for i = 1, 20 do
      all[i] = cfiber.create(body)
      cfiber.resume(all[i], i)
    end
    outside.storm(100)
    local rounds = 0
    while outside.signals() < 200 do
      rounds = rounds + 1
      for i = 1, 20 do
        assert(cfiber.resume(all[i], 0.5))
      end
      local fresh = suspended(deep, rounds)
      assert(cfiber.close(fresh))
      if rounds % 50 == 0 then collectgarbage() end
    end
    outside.storm(0)
    print "ok"
  ]]))
end)

describe("The panic function of a host", function()
  local function panics(expected, script, after)
    return prints(expected, ([=[
      local state = outside.open()
      outside.run(state, "cfiber, control = require 'cfiber', require 'control' string = require 'string'")
      print((outside.panics(state, %q):gsub(".*%%]:%%d+: ", "panic: ")))
      print(outside.run(state, %q))
      outside.close(state)
      print(select(2, assert(cfiber.resume(suspended(deep), "mine"))))
    ]=]):format(script, after))
  end

  local after = [[
    local s = cfiber.stats()
    return (string.gsub("x", "x", cfiber.wrap(function() return "y" end))) .. s.mounted
  ]]

  it("gets an error that leaves a fiber", panics("panic: away\ny0\nmine\n", [[
    cfiber.wrap(function() string.gsub("x", "x", function() error "away" end) end)()
  ]], after))

  it("gets an error that is raised outside of the fiber that runs", panics("panic: away\ny0\nmine\n", [[
    cfiber.wrap(function()
      cfiber.wrap(function() control.raise(nil, "away") end)()
    end)()
  ]], after))

  it("may have fibers suspended meanwhile", panics("panic: away\ny1\nmine\n", [[
    keep = cfiber.create(function() string.gsub("x", "x", cfiber.yield) end)
    cfiber.resume(keep)
    error "away"
  ]], after))
end)
