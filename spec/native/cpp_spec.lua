-- cpp_spec.lua: C++ on fibers, through spec/cpp/cxx.cpp

local kinds = require "kinds"

local common = [[
local cxx = require "cxx"
local function below(...)  -- a fiber suspended below nested C++ functions
  local co = cfiber.create(function(...)
    cxx.hold("a", function(...)
      pcall(cxx.hold, "b", string.gsub, "x", "x", ...)
    end, ...)
  end)
  assert(cfiber.resume(co, ...))
  return co
end
local function suspended(f, ...)
  local co = cfiber.create(f)
  assert(cfiber.resume(co, ...))
  return co
end
]]

-- Tests that a script, run after 'common', prints what is expected, in both
-- kinds of Lua; 'other' is what it prints in the second.
local function case(name, expected, script, other)
  for i, kind in ipairs(kinds "cxx") do
    it(name .. kind.suffix, function()
      if kind.missing then
        pending(kind.missing)
        return
      end
      assert.equal((i == 2 and other or expected) .. "\n", kind.output(common .. script))
    end)
  end
end

describe("Destructors of objects on a fiber's stack", function()
  case("run innermost first when it is closed", "ba", [[
    cfiber.close(below(cfiber.yield))
    print(cxx.told())]])

  case("run once and not before", "  cba ", [[
    local co = cfiber.create(function() cxx.hold("a", cxx.hold, "b", cxx.plainyield, "c") end)
    cfiber.resume(co)
    print(" " .. cxx.told() .. " " .. (cfiber.close(co) and cxx.told()) .. " " .. cxx.told())]])

  case("run on exit, whose values arrive", "true 1 2 ba", [[
    local co = cfiber.create(function() cxx.hold("a", pcall, cxx.hold, "b", cfiber.exit, 1, 2) end)
    local ok, a, b = cfiber.resume(co)
    print(("%s %d %d %s"):format(ok, a, b, cxx.told()))]])

  if _VERSION ~= "Lua 5.4" then
    case("run when it closes itself, before to-be-closed variables", "true ba!", [[
      local text
      local co = cfiber.create(function()
        local _ <close> = setmetatable({}, {__close = function() text = cxx.told() .. "!" end})
        cxx.hold("a", pcall, cxx.hold, "b", cfiber.close)
      end)
      local ok = cfiber.resume(co)
      print(("%s %s"):format(ok, text))]])
  end

  case("run when the fiber is collected", "ba", [[
    below(cfiber.yield)
    collectgarbage()
    collectgarbage()
    print(cxx.told())
    assert(cfiber.stats().mounted == 0)]])

  case("run before objects that were made earlier are finalized, which find a dead fiber",
    "ba cannot resume dead coroutine", [[
    local result
    local mt = {__gc = function(t) result = cxx.told() .. " " .. select(2, cfiber.resume(t[1])) end}
    local holder = setmetatable({}, mt)
    holder[1] = below(cfiber.yield)
    holder = nil
    collectgarbage()
    print(result)
    collectgarbage()
    assert(cxx.told() == "" and cfiber.stats().mounted == 0)]])

  case("which there are none of leave a fiber to finalizers", "1 2 3 0", [[
    local result = {}
    local mt = {__gc = function(t) result[#result + 1] = tostring(select(2, cfiber.resume(table.unpack(t)))) end}
    local function hold(f, ...)
      local holder = setmetatable({}, mt)
      holder[1] = suspended(f)
      for i = 1, select("#", ...) do
        holder[i + 1] = select(i, ...)
      end
    end
    hold(function() return (("x"):gsub("x", function() return cfiber.yield() end)) end, 1)
    hold(function() return (("x"):gsub("x", function() return cfiber.suspend(cfiber.running()) end)) end, 2)
    hold(function() ("x"):gsub("x", function() cfiber.yield(cfiber.yield()) end) end, 3)
    collectgarbage()
    table.sort(result)
    collectgarbage()
    collectgarbage()
    print(table.concat(result, " ") .. " " .. cfiber.stats().mounted)]],
    "cannot resume dead coroutine cannot resume dead coroutine cannot resume dead coroutine 0")

  case("run before to-be-closed variables", "ba!", [[
    local text
    local co = suspended(function()
      local _ <close> = setmetatable({}, {__close = function() text = cxx.told() .. "!" end})
      cxx.hold("a", cxx.hold, "b", cfiber.yield)
    end)
    assert(cfiber.close(co))
    print(text)]])

  case("run at the end of the Lua state", "before\nab", [[
    local stop = setmetatable({}, {__gc = function() print(cxx.told()) end})
    KEEP, STOP = suspended(function() cxx.hold("b", cfiber.yield) end), stop
    KEEP2 = suspended(function() cxx.hold("a", cfiber.yield) end)
    print "before"]])

  case("run in all that was suspended inside, innermost first", "cba", [[
    local a
    a = cfiber.create(function()
      local b = cfiber.create(function()
        local c = cfiber.create(function() cxx.hold("c", cfiber.suspend, a) end)
        cxx.hold("b", cfiber.resume, c)
      end)
      cxx.hold("a", cfiber.resume, b)
    end)
    assert(cfiber.resume(a))
    assert(cfiber.close(a))
    assert(cfiber.stats().mounted == 0 and cfiber.stats().suspended == 0)
    print(cxx.told())]])

  case("run past a catch (...) that catches all", "(...sa", [[
    local co = suspended(function() cxx.hold("a", cxx.swallow, "s", cfiber.yield) end)
    assert(cfiber.close(co))
    print(cxx.told())]])

  case("may call Lua and resume other fibers, and cannot yield", "false 2 true a", [[
    function destructor()
      ok = pcall(cfiber.yield)
      local f = cfiber.wrap(function() cfiber.yield(1) return 2 end)
      f()
      n = f()
      collectgarbage()
    end
    local co = suspended(function() cxx.calls("a", cfiber.yield) end)
    local closed = cfiber.close(co)
    print(("%s %s %s %s"):format(ok, n, closed, cxx.told()))]])

  case("may raise a Lua error, which a pcall outside catches", "destructor b", [[
    local co = suspended(function()
      cxx.hold("b", function() _, message = pcall(cxx.raise, "a", cfiber.yield) end)
    end)
    assert(cfiber.close(co))
    assert(cfiber.status(co) == "dead" and cfiber.stats().mounted == 0)
    print(tostring(message) .. " " .. cxx.told())]], "nil ")

  for name, destroyed in ("noexceptional i, throwing ie"):gmatch "(%a+) (%a+)" do
    case("end at C++ code that ends the process elsewhere: " .. name, destroyed .. " true dead 0", ([[
      local co = suspended(function()
        cxx.hold("o", cxx.%s, "n", cxx.hold, "i", cfiber.yield)
      end)
      local closed = cfiber.close(co)
      print(("%%s %%s %%s %%d"):format(cxx.told(), closed, cfiber.status(co), cfiber.stats().mounted))]]):format(name))
  end
end)

describe("The state of C++ exceptions", function()
  case("belongs to the fiber", "A B", [[
    local function body(text) return cxx.within(text, cfiber.yield) end
    local a, b = suspended(body, "A"), suspended(body, "B")
    local _, x = cfiber.resume(a)
    local _, y = cfiber.resume(b)
    print(x .. " " .. y)]])

  case("goes with a transfer and a suspend", "A B M", [[
    print(table.concat({cxx.within("M", function()
      local b = suspended(function() return cxx.within("B", cfiber.yield) end)
      local a = cfiber.create(function() return cxx.within("A", cfiber.transfer, b) end)
      local _, y = cfiber.resume(a)
      local _, x = cfiber.resume(a)
      io.write(x, " ", y, " ")
    end)}))]])

  case("is that of the others when a fiber is closed in a catch block", "AB", [[
    local function body(text) return cxx.within(text, cfiber.yield) end
    local a, b = suspended(body, "A"), suspended(body, "B")
    cfiber.close(a)
    local _, y = cfiber.resume(b)
    print(cxx.told():sub(1, 1) .. y)]])
end)

describe("cfiber.hpp", function()
  case("yields typed values and returns typed ones", "true 1.5 s string view nil nil 7 first|5 x!", [[
    local co = cfiber.create(cxx.typed)
    local r = table.pack(select(2, cfiber.resume(co, "first")))
    for i = 1, r.n do r[i] = tostring(r[i]) end
    local _, i, s = cfiber.resume(co, 4, "x")
    print(table.concat(r, " ") .. "|" .. i .. " " .. s)]])

  case("names value and type in a mismatch, and destroys", "bad value passed to yield #2 (string expected, got no value) t", [[
    local co = suspended(cxx.typed)
    local _, message = cfiber.resume(co, 1)
    print(message .. " " .. cxx.told())]])

  case("throws what is thrown in as an error with its value", "true in", [[
    local co = suspended(cxx.catching)
    local err = {}
    local _, value = cfiber.throw(co, err)
    print(tostring(value == err) .. " " .. cxx.told())]])

  case("makes Lua errors of exceptions that leave", "standard|unknown C++ exception|true|eeee", [[
    local _, a = pcall(cxx.escaping, "std")
    local _, b = pcall(cxx.escaping, "other")
    local co = suspended(cxx.escaping, "yield")
    local err = {}
    local _, c = cfiber.throw(co, err)
    local _, d = pcall(cxx.escaping)
    assert(d == "bad argument #1 (string expected, got no value)")
    print(("%s|%s|%s|%s"):format(a, b, c == err, cxx.told()))]])

  case("makes Lua errors of exceptions that leave a C function", "text|bad argument #1 (string expected, got nil)|ee", [[
    local _, a = pcall(cxx.escape, "text")
    local _, b = pcall(cxx.escape, nil)
    print(("%s|%s|%s"):format(a, b, cxx.told()))]])

  case("resumes with typed values", "42 r", [[
    local co = cfiber.create(function(n) return n + 1 end)
    print(cxx.resume(co, 40) .. " " .. cxx.told())]])

  case("throws the error of the resumed one, with its value", "true r", [[
    local err = {}
    local _, e = pcall(cxx.resume, cfiber.create(function() error(err) end), 1)
    print(tostring(e == err) .. " " .. cxx.told())]])

  case("destroys a callable when it is collected", "o", [[
    cxx.owner "o"
    collectgarbage()
    print(cxx.told())]])

  case("destroys a callable after the frames that use it", "ho", [[
    suspended(function() cfiber.create(print) cxx.hold("h", cxx.owner "o") end)
    collectgarbage()
    collectgarbage()
    print(cxx.told())]])

  case("destroys a callable that a Lua error left", "o", [[
    local co = suspended(cxx.owner "o")
    assert(not cfiber.resume(co, 1))
    local f = cxx.owner "o2"
    co = nil
    collectgarbage()
    collectgarbage()
    collectgarbage()
    print(cxx.told())]])
end)
