-- cpp_leaving_spec.lua: C++ exceptions that nobody on a fiber's stack catches,
-- through spec/cpp/leaving.cpp

local child = require "child"
local kinds = require "kinds"

local common = [[
local cxx = require "leaving"
local function show(...)
  local r = table.pack(...)
  for i = 1, r.n do
    r[i] = tostring(r[i])
  end
  print(table.concat(r, " "))
end
local function ends(f, ...)  -- how a fiber that runs f ends
  local co = cfiber.create(f)
  local ok, message = cfiber.resume(co, ...)
  assert(cfiber.status(co) == "dead")
  assert(select(2, cfiber.resume(co)) == "cannot resume dead coroutine")
  return ok, message
end
local function closing(text, f)
  return setmetatable({}, {__close = function()
    io.write(text, cxx.told(), " ")
    return f and f()
  end})
end
]]

-- Tests that a script, run after 'common', prints what is expected, in both
-- kinds of Lua; 'other' is what it prints in the second.
local function case(name, expected, script, other, test)
  for i, kind in ipairs(kinds "leaving") do
    (test or it)(name .. kind.suffix, function()
      if kind.missing then
        pending(kind.missing)
        return
      end
      assert.equal((i == 2 and other or expected) .. "\n", kind.output(common .. script))
    end)
  end
end

local handler_it = require "since"("5.4.3", "calls a handler again that did not return")
local unknown = "unknown C++ exception"

describe("A C++ exception that would leave a fiber", function()
  case("ends it with its what(), and destroys each object once", "false text sba", [[
    local ok, message = ends(cxx.hold, "a", cxx.hold, "b", cxx.standard, "text")
    show(ok, message, cxx.told())]], ("false %s sba"):format(unknown))

  for kind, text in ("inherited text!, rethrown text, incatch text"):gmatch "(%a+) ([^,]+)" do
    case("ends it with the text of a derived, rethrown, second one: " .. kind, "false " .. text, ([[
      local ok, message = ends(cxx.%s, "text")
      show(ok, message .. cxx.told())]]):format(kind), ("false %s%s"):format(unknown, text:sub(5)))
  end

  for _, kind in ipairs {"other", "pointer", "unreachable"} do
    case("ends it with a text of its own if it is no std::exception: " .. kind, "false " .. unknown,
      ("show(ends(cxx.%s))"):format(kind))
  end

  case("passes every pcall and C function of Lua", "false text nil", [[
    local ran
    local ok, message = ends(function()
      pcall(string.gsub, "x", "x", function() pcall(cxx.standard, "text") ran = 1 end)
      ran = ran or 2
    end)
    show(ok, message, ran)]], "true nil 1")

  case("is seen by C++ further out on the stack", "false text sagain", [[
    local ok, message = ends(cxx.again, "a", cxx.standard, "text")
    show(ok, message, (cxx.told():gsub("a", "", 1)))]], ("false %s sagain"):format(unknown))

  case("closes to-be-closed variables after that", "2:sa 1: false text", [[
    show(ends(function()
      local x <close> = closing "1:"
      local y <close> = closing "2:"
      cxx.hold("a", cxx.standard, "text")
    end))]], "2:sa 1: false " .. unknown)

  case("is outdone by an error of a to-be-closed variable", "2: 1: false of 2", [[
    show(ends(function()
      local x <close> = closing "1:"
      local y <close> = closing("2:", function() error("of 2", 0) end)
      cxx.other()
    end))]])

  case("leaves stacks, and a cfiber that goes on", "0 100 1 true", [[
    local failed = 0
    for i = 1, 100 do
      failed = failed + (ends(cxx.standard, "text") and 0 or 1)
    end
    local s = cfiber.stats()
    show(s.mounted, failed, s.created or s.pooled, cfiber.wrap(function() return cfiber.yield(true) end)())]])

  case("is raised by a function of wrap", "false text", [[
    show(pcall(cfiber.wrap(function() cxx.standard "text" end)))]], "false " .. unknown)

  case("ends a fiber that has yielded inside of C functions", "false text sa", [[
    local co = cfiber.create(function()
      cxx.hold("a", string.gsub, "x", "x", function() cfiber.yield() cxx.standard "text" end)
    end)
    cfiber.resume(co)
    local ok, message = cfiber.resume(co)
    assert(cfiber.status(co) == "dead" and cfiber.stats().mounted == 0)
    show(ok, message, cxx.told())]], ("false %s sa"):format(unknown))

  case("ends the innermost fiber alone", "false text 2 true", [[
    local outer = cfiber.create(function()
      local ok, message = ends(cxx.standard, "text")
      local more = cfiber.yield(ok, message)
      return more, cfiber.stats().mounted == 1
    end)
    local _, ok, message = cfiber.resume(outer)
    show(ok, message, select(2, cfiber.resume(outer, 2)))]], ("false %s 2 true"):format(unknown))

  case("ends a fiber that another has made way for", "false text true", [[
    local gone
    local co = cfiber.create(function()
      gone = cfiber.running()
      cfiber.transfer(cfiber.create(cxx.standard), "text")
    end)
    local ok, message = cfiber.resume(co)
    show(ok, message, cfiber.status(co) == "suspended" and cfiber.close(gone))]], ("false %s true"):format(unknown))

  case("ends a fiber that was suspended as a whole, with another inside", "1 true false text", [[
    local outer
    outer = cfiber.create(function()
      local inner = cfiber.wrap(function() cfiber.suspend(outer, 1) return ends(cxx.other) end)
      assert(inner() == false)
      cxx.standard "text"
    end)
    local _, one = cfiber.resume(outer)
    show(one, cfiber.status(outer) == "suspended", cfiber.resume(outer))]], "1 true false " .. unknown)

  case("ends a fiber into which an error was thrown", "false text", [[
    local co = cfiber.create(function()
      xpcall(cfiber.yield, function() cxx.standard "text" end)
    end)
    cfiber.resume(co)
    show(cfiber.throw(co, "x"))]], "false " .. unknown)

  case("ends a slice with its fiber", "false text true budget true", [[
    local function forever() while true do end end
    local co = cfiber.create(function()
      pcall(cfiber.slice, cfiber.create(forever), 1000)
      cxx.standard "text"
    end)
    local ok, message = cfiber.slice(co, 100000)
    local _, why = cfiber.slice(cfiber.create(forever), 1000)
    show(ok, message, cfiber.status(co) == "dead", why, debug.gethook() == nil)]],
    ("false %s true budget true"):format(unknown))

  case("in a to-be-closed variable of a fiber that is closed is its error", "3: 2: 1:sa false text dead 0", [[
    local co = cfiber.create(function()
      local x <close> = closing "1:"
      local y <close> = closing("2:", function() cxx.hold("a", cxx.standard, "text") end)
      local z <close> = closing "3:"
      cfiber.yield()
    end)
    cfiber.resume(co)
    local ok, message = cfiber.close(co)
    show(ok, message, cfiber.status(co), cfiber.stats().mounted)]], ("3: 2: 1:sa false %s dead 0"):format(unknown), handler_it)

  case("below stock coroutines ends the fiber around them", "2:s 1: false text dead", [[
    local inner
    local ok, message = ends(function()
      local x <close> = closing "1:"
      inner = coroutine.create(function()
        local y <close> = closing "2:"
        cxx.standard "text"
      end)
      coroutine.wrap(function() pcall(coroutine.resume, inner) end)()
    end)
    show(ok, message, coroutine.status(inner))]], "1:s true nil normal")

  case("closes no thread that was passed to the function it left", "3 false 1 2ssss ", [[
    local other = cfiber.create(function() string.gsub("x", "x", cfiber.yield) return 1 end)
    cfiber.resume(other)
    local main, n, outside = coroutine.running(), 0
    outside = coroutine.create(function()
      local x <close> = closing "2"
      coroutine.wrap(function()
        for _, t in ipairs {other, outside, main, (coroutine.running())} do
          n = n + (ends(cxx.standard, "text", t) and 1 or 0)
        end
        assert(coroutine.status(outside) == "normal" and cfiber.status(other) == "suspended")
        io.write("3 ", tostring(n > 0), " ", select(2, cfiber.resume(other)), " ")
      end)()
    end)
    assert(coroutine.resume(outside))
    print(cxx.told())]])

  case("is reported by a typed resume", "text", [[
    local _, message = pcall(require "cxx".resume, cfiber.create(cxx.standard), 7)
    show(message == "7" and "text" or message)]], unknown)

  case("ends no more than the destruction of a stack that is dropped", "true dead 0 ", [[
    local co = cfiber.create(function()
      cxx.hold("o", function()
        pcall(require "cxx".raise, "a", cfiber.yield)  -- its destructor raises an error
        cxx.standard "text"
      end)
    end)
    cfiber.resume(co)
    local closed = cfiber.close(co)
    show(closed, cfiber.status(co), cfiber.stats().mounted, cxx.told())]])

  case("ends a fiber that a finalizer resumed, and the collector goes on", "false text true", [[
    local ok, message
    setmetatable({}, {__gc = function() ok, message = ends(cxx.standard, "text") end})
    collectgarbage()
    show(ok, message, collectgarbage "isrunning")]], ("false %s true"):format(unknown))

  for where, script in pairs {
    ["outside of fibers"] = "cxx.other()",
    ["past a noexcept function"] = "ends(cxx.guarded, cxx.other)",
    ["out of a finalizer"] = [[ends(function()
      setmetatable({}, {__gc = cxx.other})
      collectgarbage()
    end)]],
  } do
    it("ends the process as in stock Lua " .. where, function()
      if not package.searchpath("leaving", package.cpath) then
        pending "there is no C++ compiler"
        return
      end
      assert.match("terminate called", child.run(common .. script).errors)
    end)
  end
end)

describe("The state of C++ exceptions, when one has ended a fiber,", function()
  for when, first in pairs {["is that of the resumer"] = "pcall(string.gsub, 'x', 'x', cfiber.yield)",
      ["is that of the resumer, where C++ was not seen before"] = ""} do
    case(when, "0 true 0 false A 0 false", ([[
      local co = cfiber.create(function() %s end)
      cfiber.resume(co)
      local r = {}
      local text = cxx.within("A", function()
        ends(cxx.incatch, "text")
        r[1], r[2] = cxx.state()
        cfiber.wrap(function() r[3], r[4] = cxx.state() end)()
      end)
      show(r[1], r[2], r[3], r[4], text, cxx.state())]]):format(first))
  end
end)
