-- overflow_report_spec.lua: native recursion past the end of a stack says so

local child = require "child"
local helper = require "helper"
local overrun = require "overrun"
local cfiber = helper.cfiber

local SEGV = 11

-- What the scripts share. In one line.
local shared = ([[
  local overrun = require "overrun"
  local function start(f, ...) local co = cfiber.create(f) print(co) return cfiber.resume(co, ...) end
]]):gsub("\n", " ")

local function run(script, ...)
  return child.run(shared .. script, ...)
end

-- The lines of the report, as patterns: of the fiber that the child printed
-- (the last one), with the place and the size that are expected.
local function line(r, place, kb)
  local fiber
  for address in r.output:gmatch "thread: (0x%x+)" do
    fiber = address
  end
  return ("cfiber: C stack overflow in fiber %s%s: its stack has %d KB, cfiber.config{stack_size=...} raises it\n")
    :format(fiber, place and " at " .. place or "", kb or cfiber.config().stack_size >> 10)
end

-- The child reports one overflow and nothing else, and dies of it.
local function dies(r, place, kb)
  assert.equal(line(r, place, kb), r.errors)
  assert.equal(SEGV, r.signal)
end

describe("An overflow of a fiber's C stack", function()
  it("is reported in one line and kills by the signal", function()
    dies(run [[
      start(function()
        overrun.overflow()
      end)
      print "not reached"
    ]], "SCRIPT:2")
  end)

  it("names the size of the stack", function()
    dies(run [[cfiber.config {stack_size = 128 << 10} start(overrun.overflow)]], nil, 128)
  end)

  it("is that of the innermost fiber", function()
    dies(run [[
      cfiber.wrap(function()
        start(function()
          return (("x"):gsub("x", function()
            overrun.overflow()
          end))
        end)
      end)()
    ]], "SCRIPT:4")
  end)

  it("is found in a fiber that was suspended natively", function()
    dies(run [[
      local co = cfiber.create(function()
        table.sort({2, 1}, function() cfiber.yield() end)
        overrun.overflow()
      end)
      print(co, cfiber.resume(co))
      cfiber.resume(co)
    ]], "SCRIPT:3")
  end)

  it("is found in one that runs on after an inner one ended", function()
    dies(run [[
      start(function()
        cfiber.wrap(math.abs)(1)
        overrun.overflow()
      end)
    ]], "SCRIPT:3")
  end)

  it("is found in one after C code jumped back to it, past those inside", function()
    dies(run [[
      start(function()
        overrun.escape(function()
          local f = cfiber.wrap(function()
            cfiber.wrap(overrun.jump)()
          end)
          f()
        end)
      end)
    ]], "SCRIPT:6")
  end)

  it("in a child process made by fork is reported, in a fiber that the parent had suspended", function()
    local r = run [[
      local co = cfiber.create(function()
        table.sort({2, 1}, function() cfiber.yield() end)
        overrun.overflow()
      end)
      print(co, cfiber.resume(co))
      print(overrun.fork(function() cfiber.resume(co) end))
    ]]
    assert.match("\n11\n", r.output)
    assert.same({line(r, "SCRIPT:3"), 0}, {r.errors, r.status})
  end)

  it("in a stock coroutine is that of the fiber it runs on", function()
    dies(run [[
      start(function()
        local f = stock.wrap(function()
          overrun.overflow()
        end)
        f()
      end)
    ]], "SCRIPT:5")
  end)

  it("in a finalizer is reported", function()
    dies(run [[
      start(function()
        setmetatable({}, {__gc = function()
          overrun.overflow()
        end})
        collectgarbage()
      end)
    ]], "SCRIPT:3")
  end)

  it("in a variable's closing is reported", function()
    dies(run [[
      local co = cfiber.create(function()
        local _ <close> = setmetatable({}, {__close = function()
          overrun.overflow()
        end})
        cfiber.yield()
      end)
      print(co, cfiber.resume(co))
      cfiber.close(co)
    ]], "SCRIPT:3")
  end)

  it("by frames of 8.3 KB hits the guard at each of 40 alignments", function()
    for i = 0, 39 do
      dies(run("start(overrun.overflow, " .. i * 208 .. ")"))
    end
  end)

  it("by Lua's own recursion on a small stack is reported", function()
    dies(run [[
      cfiber.config {stack_size = 64 << 10}
      start(function()
        local f
        function f(s)
          return (s:gsub(".", f))
        end
        f "x"
      end)
    ]], "SCRIPT:5", 64)
  end)

  it("has no place where the list of calls cannot be read", function()
    dies(run [[start(function() overrun.muddle() end)]])
  end)

  it("is one line whatever the chunk's name", function()
    local r = run [[start(assert(load("require'overrun'.overflow()", "=a\nb\27c")))]]
    dies(r, "a?b?c:1")
  end)

  it("is reported whatever stderr is", function()
    local r = run [[io.stderr:close() start(overrun.overflow)]]
    assert.equal(SEGV, r.signal)
  end)
end)

describe("A fault that is no overflow", function()
  local places = {
    ["outside of fibers"] = "overrun.%s()",
    ["in a fiber"] = "cfiber.wrap(function() overrun.%s() end)()",
    ["after a fiber"] = "cfiber.wrap(print)() overrun.%s()",
  }
  for place, script in pairs(places) do
    it(place .. " kills without a word", function()
      local r = run(script:format "fault")
      assert.same({"", SEGV}, {r.errors, r.signal})
    end)

    it(place .. ", sent by a process, kills without a word", function()
      local r = run(script:format "send")
      assert.same({"", SEGV}, {r.errors, r.signal})
    end)
  end

  it("goes on to the handler that was there", function()
    local r = child.bare [[
      local overrun = require "overrun"
      overrun.handler "info"
      require "cfiber".config {overflow_report = true}
      overrun.fault()
    ]]
    assert.same({output = "", errors = "host\n", status = 42}, r)
  end)

  it("is mended by the handler that was there", function()
    local r = child.bare [[
      local overrun = require "overrun"
      overrun.handler "mend"
      require "cfiber".config {overflow_report = true}
      overrun.fault()
      overrun.fault()
      print "on"
    ]]
    assert.same({output = "on\n", errors = "host\nhost\n", status = 0}, r)
  end)

  it("goes on only once to a handler for one time", function()
    local r = child.bare [[
      local overrun = require "overrun"
      overrun.handler "once"
      require "cfiber".config {overflow_report = true}
      overrun.fault()
      overrun.fault()
    ]]
    assert.same({"host\n", SEGV}, {r.errors, r.signal})
  end)

  it("kills where it was ignored, as without cfiber", function()
    local r = child.bare [[
      local overrun = require "overrun"
      overrun.handler "ignore"
      require "cfiber".config {overflow_report = true}
      overrun.send()
      print "on"
      overrun.fault()
    ]]
    assert.same({"", SEGV}, {r.errors, r.signal})
  end)
end)

-- A host that has a handler before it loads cfiber.
local function hosted(kind, script)
  return child.bare(('local overrun = require "overrun" overrun.handler %q local stock = coroutine '
    .. 'local cfiber = require "cfiber" '):format(kind) .. shared:gsub("local overrun = .-local", "local") .. script)
end

describe("The handler of a host", function()
  it("that came first keeps the signal for itself", function()
    local r = hosted("info", [[
      print(cfiber.config().overflow_report, overrun.disposition())
      start(overrun.overflow)
    ]])
    assert.match("^false\tinfo\n", r.output)
    assert.same({"", SEGV}, {r.errors, r.signal})  -- there is no stack to run it on
  end)

  it("that came first gets the signal on the alternate stack of the host, without a report", function()
    local r = hosted("info", "overrun.alternate(1 << 16) start(overrun.overflow)")
    assert.same({"host\n", 42}, {r.errors, r.status})
  end)

  local function reported(kind, status)
    local r = hosted(kind, "cfiber.config {overflow_report = true} start(overrun.overflow)")
    assert.same({line(r) .. "host\n", status}, {r.errors, r.status})
  end

  it("that came first gets the signal after the report that was asked for, with its arguments", function()
    reported("info", 42)
  end)

  it("that takes no information gets it with its own mask", function()
    reported("plain", 43)
  end)

  it("that came later has the signal", function()
    local r = run [[overrun.handler "info" start(overrun.overflow)]]
    assert.same({"host\n", 42}, {r.errors, r.status})
  end)

  it("that came later and goes on causes the report", function()
    local r = run [[overrun.handler "chain" start(overrun.overflow)]]
    assert.same({"host\n" .. line(r), SEGV}, {r.errors, r.signal})
  end)

  it("that came later and goes on is not called twice when the report is turned off and on", function()
    local r = run [[
      overrun.handler "chain"
      cfiber.config {overflow_report = false}
      cfiber.config {overflow_report = true}
      start(overrun.overflow)
    ]]
    assert.same({"host\n" .. line(r), SEGV}, {r.errors, r.signal})
  end)

  it("that came later stays when the report is turned off", function()
    local r = run [[
      overrun.handler "info"
      cfiber.config {overflow_report = false}
      print(overrun.disposition())
    ]]
    assert.same({"info\n", ""}, {r.output, r.errors})
  end)

  it("may leave by a jump, any number of times", function()
    local r = hosted("jump", [[
      cfiber.config {overflow_report = true}
      print(start(function()
        for _ = 1, 3 do
          overrun.survive()
        end
        return (overrun.survive())
      end))
      print(cfiber.wrap(function() return cfiber.stats().mounted end)())
    ]])
    assert.match("true\t4\n1\n$", r.output)
    assert.equal(line(r, "SCRIPT:4"):rep(3) .. line(r, "SCRIPT:6"), r.errors)
    assert.equal(0, r.status)
  end)
end)

describe("overflow_report", function()
  it("is on where nobody handles the signal", function()
    assert.equal("true\tother\tother\n", child.output [[
      local overrun = require "overrun"
      print(cfiber.config().overflow_report, overrun.disposition(), overrun.disposition "BUS")
    ]])
  end)

  it("leaves SIGBUS to whoever handles it, unless asked for", function()
    local r = child.bare [[
      local overrun = require "overrun"
      overrun.handler("info", "BUS")
      local cfiber = require "cfiber"
      print(cfiber.config().overflow_report, overrun.disposition(), overrun.disposition "BUS")
      cfiber.config {overflow_report = false}
      print(overrun.disposition(), overrun.disposition "BUS")
      cfiber.config {overflow_report = true}
      print(overrun.disposition(), overrun.disposition "BUS")
      cfiber.config {overflow_report = false}
      print(overrun.disposition(), overrun.disposition "BUS")
    ]]
    assert.same({"true\tother\tinfo\ndefault\tinfo\nother\tother\ndefault\tinfo\n", ""}, {r.output, r.errors})
  end)

  it("turned off leaves the default and says nothing", function()
    local r = run [[
      print(cfiber.config {overflow_report = false}.overflow_report, overrun.disposition())
      start(overrun.overflow)
    ]]
    assert.match("^false\tdefault\n", r.output)
    assert.same({"", SEGV}, {r.errors, r.signal})
  end)

  it("may be turned off and on twice", function()
    local r = run [[
      for _ = 1, 2 do
        for _, on in ipairs {false, false, true, true} do
          print(cfiber.config {overflow_report = on}.overflow_report, overrun.disposition())
        end
      end
      start(overrun.overflow)
    ]]
    assert.match("^" .. ("false\tdefault\n"):rep(2) .. ("true\tother\n"):rep(2), r.output)
    dies(r)
  end)

  it("turned on inside a fiber holds for it", function()
    local r = run [[
      cfiber.config {overflow_report = false}
      start(function()
        cfiber.config {overflow_report = true}
        overrun.overflow()
      end)
    ]]
    dies(r, "SCRIPT:4")
  end)

  it("brings back the handler that was there when it is turned off", function()
    local r = hosted("plain", [[
      cfiber.config {overflow_report = true}
      print(overrun.disposition())
      cfiber.config {overflow_report = false}
      print(overrun.disposition())
    ]])
    assert.equal("other\nplain\n", r.output)
  end)

  it("is a boolean", function()
    helper.withconfig({}, function()
      for _, bad in ipairs {1, 0, "true", {}} do
        local ok, message = pcall(function() cfiber.config {overflow_report = bad} end)
        assert.is_false(ok)
        assert.equal(("bad argument #1 to 'config' (overflow_report: boolean expected, got %s)"):format(type(bad)),
          (message:gsub("^.-:%d+: ", "")))
      end
    end)
  end)

  it("leaves alone the alternate stack that a host has", function()
    local r = run [[
      overrun.alternate(1 << 16)
      local before = overrun.alternate()
      cfiber.wrap(print)()
      assert(overrun.alternate() == before)
      start(overrun.overflow)
    ]]
    dies(r)
  end)

  it("needs no alternate stack before the first fiber runs", function()
    assert.equal("true\tfalse\n", child.output [[
      local overrun = require "overrun"
      local before = overrun.alternate()
      cfiber.wrap(print)
      io.write(tostring(overrun.alternate() == before), "\t")
      cfiber.wrap(function() end)()
      print(overrun.alternate() == nil)
    ]])
  end)
end)

describe("With several Lua states", function()
  -- A process that has not loaded cfiber; its states load it.
  local function states(script)
    return child.bare([[
      local overrun = require "overrun"
      local load = "cfiber = require 'cfiber' overrun = require 'overrun' "
        .. "local function start(f, ...) local co = cfiber.create(f) print(co) io.flush() cfiber.resume(co, ...) end "
    ]] .. script)
  end

  local function thread_it(name, body)
    it(name, overrun.threaded() and body or function()
      pending "glibc before 2.34 hides the threads that a module brings from others"
    end)
  end

  -- What begins with 'load' is called so.
  local inline = [=[[string "cfiber = require 'cfiber' overrun = require '..."]:1]=]

  local function printed(script)
    local r = states(script)
    assert.same({"", 0}, {r.errors, r.status})
    return r.output
  end

  it("an overflow in the second one is reported", function()
    dies(states [[
      local a, b = overrun.state(), overrun.state()
      a:run(load .. "cfiber.wrap(print)()")
      b:run(load .. "start(overrun.overflow)")
    ]])
  end)

  it("an overflow in the first one is reported while fibers run in both", function()
    dies(states [[
      local b = overrun.state()
      b:run(load)
      local cfiber = require "cfiber"
      local co = cfiber.create(function()
        b:run(load .. "cfiber.wrap(function() end)()")
        overrun.overflow()
      end)
      print(co)
      io.flush()
      cfiber.resume(co)
    ]], "SCRIPT:9")
  end)

  it("each decides for itself", function()
    local r = states [[
      local a, b = overrun.state(), overrun.state()
      a:run(load .. "cfiber.wrap(function() end)()")
      print(b:run(load .. "return cfiber.config {overflow_report = false}.overflow_report"), overrun.disposition())
      b:run(load .. "start(overrun.overflow)")
    ]]
    assert.match("^false\tother\n", r.output)
    assert.same({"", SEGV}, {r.errors, r.signal})
  end)

  it("an overflow in another OS thread is reported", function()
    dies(states [[overrun.state():run(load .. "start(overrun.overflow)", true)]])
  end)

  thread_it("an overflow is reported in the OS thread that a state came to", function()
    dies(states [[
      local a = overrun.state()
      a:run(load .. "cfiber.wrap(print)()")
      a:run(load .. "start(overrun.overflow)", true)
    ]])
  end)

  thread_it("an overflow is reported of a fiber that was suspended natively in another OS thread", function()
    dies(states [[
      local a = overrun.state()
      a:run(load .. "co = cfiber.create(function() table.sort({2, 1}, function() cfiber.yield() end) "
        .. "overrun.overflow() end) print(co) io.flush() cfiber.resume(co)")
      a:run("cfiber.resume(co)", true)
    ]], inline)
  end)

  thread_it("an overflow is reported of a fiber that is closed in the OS thread that a state came to", function()
    dies(states [[
      local a = overrun.state()
      a:run(load .. "co = cfiber.create(function() local _ <close> = setmetatable({}, {__close = function() "
        .. "overrun.overflow() end}) cfiber.yield() end) print(co) io.flush() cfiber.resume(co)")
      a:run("cfiber.close(co)", true)
    ]], inline)
  end)

  thread_it("an overflow is reported in the last of many OS threads that a state came to", function()
    dies(states [[
      local a = overrun.state()
      for _ = 1, 20 do
        a:run(load .. "co = co or cfiber.wrap(function() while true do "
          .. "table.sort({2, 1}, function() cfiber.yield() end) end end) co()", true)
      end
      a:run(load .. "start(overrun.overflow)", true)
    ]])
  end)

  it("each OS thread has an alternate stack, and the same one later", function()
    assert.equal("true\ttrue\n", printed [[
      local a = overrun.state()
      a:run(load .. "cfiber.wrap(function() end)()")
      local mine = overrun.alternate()
      local other = a:run(load .. "cfiber.wrap(function() end)() return overrun.alternate()", true)
      a:run(load .. "cfiber.wrap(function() end)()")
      print(mine ~= other, mine == overrun.alternate())
    ]])
  end)

  it("the last one that closes brings back what was there", function()
    assert.equal("other\tother\tdefault\ttrue\n", printed [[
      local before = overrun.alternate()
      local a, b = overrun.state(), overrun.state()
      a:run(load .. "cfiber.wrap(function() end)()")
      b:run(load .. "cfiber.wrap(function() end)()")
      local first = overrun.disposition()
      a:close()
      local second = overrun.disposition()
      b:close()
      print(first, second, overrun.disposition(), before == overrun.alternate())
    ]])
  end)

  it("the end on another OS thread leaves the first one's alternate stack, and no more with each time", function()
    assert.equal("default\ttrue\n", printed [[
      local kept = {}
      for i = 1, 3 do
        local a = overrun.state()
        a:run(load .. "cfiber.wrap(function() end)()")
        a:close(true)
        kept[i] = overrun.alternate()
      end
      print(overrun.disposition(), kept[1] ~= nil and kept[1] == kept[2] and kept[1] == kept[3])
    ]])
  end)

  thread_it("the module, loaded and closed 100 times, leaves neither handler nor memory nor itself", function()
    if not io.open "/proc/self/maps" then
      return
    end
    assert.equal("default\ttrue\ttrue\tnil\n", printed [[
      local function mapped()
        local bytes, loaded = 0, nil
        for line in io.lines "/proc/self/maps" do
          local from, to = line:match "^(%x+)-(%x+)"
          bytes = bytes + tonumber(to, 16) - tonumber(from, 16)
          loaded = loaded or line:match "cfiber%.so"
        end
        return bytes, loaded
      end
      local before, first = overrun.alternate(), nil
      for i = 1, 120 do
        if i == 20 then
          first = mapped()
        end
        local a, use = overrun.state(), load .. "cfiber.wrap(function() end)()"
        if i % 3 == 0 then
          a:run(use, true)
        end
        a:close(i % 3 == 1, use)
      end
      local bytes, loaded = mapped()
      print(overrun.disposition(), before == overrun.alternate(), bytes - first < 1 << 20, loaded)
    ]])
  end)

  it("lua_close leaves a handler that came later in place", function()
    assert.equal("info\n", printed [[
      local a = overrun.state()
      a:run(load)
      overrun.handler "info"
      a:close()
      print(overrun.disposition())
    ]])
  end)
end)
