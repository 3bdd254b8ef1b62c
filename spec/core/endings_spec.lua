-- endings_spec.lua: the end of a program that has fibers

local child = require "child"

-- What the scripts share. In one line.
local shared = [[
  local function deep(...) local a = {...} ; ("x"):gsub("x", function() cfiber.yield(table.unpack(a)) end) end
  local function suspended(f, ...) local co = cfiber.create(f) assert(cfiber.resume(co, ...)) return co end
]]

local function run(script, ...)
  return child.run(shared:gsub("\n", " ") .. script, ...)
end

-- The script ends with a status, silent, and has printed what is expected.
local function ends(script, status, output)
  local r = run(script)
  assert.is_nil(r.signal)
  assert.equal("", r.errors)
  assert.equal(status, r.status)
  assert.equal(output or "", r.output)
end

describe("a universe that begins in a finalizer", function()
  local body = [[
      local c = require "cfiber"
      local co = c.create(function() string.gsub("x", "x", c.yield) end)
      io.write(tostring(c.resume(co)), c.status(co), c.wrap(function() c.yield(1) end)())
  ]]

  it("is like stock Lua while the program ends", function()
    assert.equal("falsedead1", child.bare("setmetatable({}, {__gc = function() " .. body .. " end})").output)
  end)

  it("is like any other afterwards", function()
    assert.equal("falsedead1truesuspended1", child.bare("do setmetatable({}, {__gc = function() " .. body .. " end}) end "
      .. "collectgarbage() collectgarbage() " .. body).output)
  end)
end)

describe("the end of a universe", function()
  it("with 1,000 natively suspended fibers is quiet", function()
    ends([[
      local all = {}
      for i = 1, 1000 do
        all[i] = suspended(deep, i)
      end
      keep = all
      assert(cfiber.stats().suspended == 1000)
    ]], 0)
  end)

  it("with fibers suspended inside suspended fibers is quiet", function()
    ends([[
      local function body(n)
        local inner = n > 0 and suspended(body, n - 1)
        deep()
        return inner
      end
      keep = suspended(body, 100)
    ]], 0)
  end)

  it("with fibers reachable only from each other is quiet", function()
    ends([[
      local a, b
      local function body(other)
        deep()
        return other
      end
      a = cfiber.create(function() deep() return b end)
      b = suspended(body, a)
      cfiber.resume(a)
      a, b = nil, nil
    ]], 0)
  end)

  it("does not run the <close> variables of suspended fibers, failing or not", function()
    ends([[
      for i = 1, 10 do
        _G["keep" .. i] = suspended(function()
          local _ <close> = setmetatable({}, {__close = function() print "closed" error "failed" end})
          deep()
        end)
      end
    ]], 0)
  end)

  it("runs <close> variables of the main chunk that close fibers whose own fail", function()
    ends([[
      local co = suspended(function()
        local _ <close> = setmetatable({}, {__close = function() error("first", 0) end})
        local _ <close> = setmetatable({}, {__close = function() print "second" end})
        deep()
      end)
      local _ <close> = setmetatable({}, {__close = function() print(cfiber.close(co)) end})
    ]], 0, "second\nfalse\tfirst\n")
  end)

  it("after the module's own registry entries were collected is quiet", function()
    ends([[
      keep = suspended(deep)
      package.loaded.cfiber = nil
      for k in pairs(debug.getregistry()) do
        if type(k) == "userdata" then
          debug.getregistry()[k] = nil
        end
      end
      collectgarbage()
      collectgarbage()
    ]], 0)
  end)
end)

describe("os.exit", function()
  local places = {
    ["in a fiber"] = "cfiber.resume(cfiber.create(function() os.exit(%s) end))",
    ["in a nested fiber"] = [[
      cfiber.wrap(function()
        cfiber.wrap(function()
          cfiber.wrap(function() os.exit(%s) end)()
        end)()
      end)()
    ]],
    ["inside gsub in a fiber"] = [[
      cfiber.wrap(function()
        ("x"):gsub("x", function() os.exit(%s) end)
      end)()
    ]],
    ["in a fiber that was suspended natively"] = [[
      local f = cfiber.wrap(function()
        deep()
        os.exit(%s)
      end)
      f()
      f()
    ]],
    ["in a stock coroutine in a fiber"] = [[
      cfiber.wrap(function()
        stock.wrap(function() os.exit(%s) end)()
      end)()
    ]],
    ["in a <close> handler of a fiber that is closed"] = [[
      local co = suspended(function()
        local _ <close> = setmetatable({}, {__close = function() os.exit(%s) end})
        deep()
      end)
      cfiber.close(co)
    ]],
  }
  local codes = {["0"] = 0, ["0, true"] = 0, ["7"] = 7, ["7, true"] = 7, ["false, true"] = 1}

  for place, script in pairs(places) do
    for arguments, status in pairs(codes) do
      it(("(%s) %s gives the exit status %d"):format(arguments, place, status), function()
        ends("keep = {suspended(deep), suspended(deep)} " .. script:format(arguments) .. " print 'not reached'", status)
      end)
    end
  end

  it("(0, true) in a fiber runs the finalizers of all objects", function()
    ends([[
      global = setmetatable({}, {__gc = function() print "global" end})
      cfiber.wrap(function()
        local _ = setmetatable({}, {__gc = function() print "local" end})
        local co = suspended(function(o)
          deep()
          return o
        end, setmetatable({}, {__gc = function() print "suspended" end}))
        os.exit(0, true)
        return co
      end)()
    ]], 0, "suspended\nlocal\nglobal\n")
  end)
end)

describe("a finalizer during the end", function()
  -- Every way to end, with an object whose finalizer does the work.
  local finishes = {
    ["of the main chunk"] = "",
    ["by os.exit"] = "os.exit(0, true)",
    ["by os.exit in a fiber"] = "cfiber.wrap(function() os.exit(0, true) end)()",
    ["by os.exit inside gsub in a fiber"] = [[
      cfiber.wrap(function() ("x"):gsub("x", function() os.exit(0, true) end) end)()]],
  }
  local works = {
    ["may run a fiber to its end"] = {[[
      print(cfiber.resume(cfiber.create(function(...) return ... end), 1, 2))
    ]], "true\t1\t2\n"},
    ["may use wrap"] = {[[
      print(cfiber.wrap(function() return "wrapped" end)())
    ]], "wrapped\n"},
    ["may resume a fiber that yields"] = {[[
      local co = cfiber.create(function(a) return cfiber.yield(a) end)
      print(cfiber.resume(co, "yielded"))
      print(cfiber.resume(co, "end"))
    ]], "true\tyielded\ntrue\tend\n"},
    ["may close a fiber"] = {[[
      local co = cfiber.create(function()
        local _ <close> = setmetatable({}, {__close = function() print "closed" end})
        cfiber.yield()
      end)
      cfiber.resume(co)
      print(cfiber.close(co))
    ]], "closed\ntrue\n"},
    ["may ask for the status"] = {[[
      print(cfiber.status(cfiber.create(print)), cfiber.isyieldable(), (select(2, cfiber.running())) ~= nil)
      cfiber.stats()
      cfiber.config {}
    ]], "suspended\tfalse\ttrue\n"},
  }

  for work, case in pairs(works) do
    for finish, script in pairs(finishes) do
      it(work .. " at the end " .. finish, function()
        ends([[
          local all = {}
          for i = 1, 20 do
            all[i] = suspended(deep, i)
          end
          keep = setmetatable(all, {__gc = function() ]] .. case[1] .. [[ end})
        ]] .. script, 0, case[2])
      end)
    end
  end

  for finish, script in pairs(finishes) do
    -- Whether it can yield depends on who is finalized first.
    it("may leave a natively suspended fiber behind at the end " .. finish, function()
      local r = run([[
        for i = 1, 20 do
          _G["keep" .. i] = setmetatable({}, {__gc = function()
            _G["left" .. i] = cfiber.create(deep)
            cfiber.resume(_G["left" .. i], i)
          end})
          if i % 2 == 0 then
            suspended(deep)
          end
        end
      ]] .. script)
      assert.same({output = "", errors = "", status = 0}, r)
    end)

    it("may resume, close and drop what was suspended before at the end " .. finish, function()
      local r = run([[
        local all = {}
        keep = setmetatable(all, {__gc = function()
          for i = 1, 30 do
            local co = all[i]
            if i % 3 == 0 then
              cfiber.resume(co)
            elseif i % 3 == 1 then
              cfiber.close(co)
            else
              all[i] = nil
            end
            cfiber.status(co)
          end
        end})
        for i = 1, 30 do
          all[i] = suspended(deep)
        end
        keep2 = setmetatable({}, getmetatable(all))
      ]] .. script)
      assert.same({output = "", errors = "", status = 0}, r)
    end)

    it("may yield where no fiber carries it away at the end " .. finish, function()
      local r = run([[
        keep = setmetatable({}, {__gc = function() cfiber.yield() end})
        keep2 = setmetatable({}, {__gc = cfiber.yield})
        keep3 = setmetatable({}, {__gc = function()
          ("x"):gsub("x", function() pcall(cfiber.yield) end)
        end})
      ]] .. script)
      assert.same({output = "", errors = "", status = 0}, r)
    end)
  end
end)

describe("a finalizer that runs after the module's own", function()
  -- The object is older than the module, so it is finalized later.
  local function after(work, finish)
    local r = child.bare(([[
      local object = setmetatable({}, {__gc = function(o) o.work() end})
      local cfiber = require "helper".cfiber
      local function deep() ("x"):gsub("x", cfiber.yield) end
      local function suspended(f) local co = cfiber.create(f) assert(cfiber.resume(co)) return co end
      local waiting, started = suspended(deep), suspended(function() deep() return 1 end)
      function object.work()
        %s
      end
      %s
    ]]):format(work, finish))
    assert.is_nil(r.signal)
    assert.equal("", r.errors)
    assert.equal(0, r.status)
    return r.output
  end

  local finishes = {
    ["the main chunk"] = "",
    ["os.exit in a fiber"] = "cfiber.wrap(function() os.exit(0, true) end)()",
    ["os.exit inside gsub in a fiber"] = [[
      cfiber.wrap(function() ("x"):gsub("x", function() os.exit(0, true) end) end)()]],
  }

  for finish, script in pairs(finishes) do
    it("may still run coroutines after " .. finish, function()
      assert.equal("true\t1\ntrue\t2\ndead\n", after([[
        local co = cfiber.create(function(a) return cfiber.yield(a) end)
        print(cfiber.resume(co, 1))
        print(cfiber.resume(co, 2))
        print(cfiber.status(co))
      ]], script))
    end)

    it("may call everything on fibers that lost their stacks after " .. finish, function()
      assert.equal("false\tfalse\n", after([[
        local a, b = cfiber.resume(waiting), cfiber.resume(started)
        pcall(cfiber.close, waiting)
        cfiber.status(started)
        cfiber.isyieldable(started)
        pcall(cfiber.yield)
        cfiber.config {pool_limit = 10, stack_size = 1 << 20}
        cfiber.stats()
        cfiber.install({})
        debug.traceback(started)
        pcall(cfiber.wrap(deep))
        collectgarbage()
        print(a, b)
      ]], script))
    end)
  end
end)

describe("a <close> variable of the main chunk, during os.exit in a fiber,", function()
  local function closing(work, output)
    ends([[
      local waiting = suspended(deep)
      local running
      local _ <close> = setmetatable({}, {__close = function()
        ]] .. work .. [[
      end})
      cfiber.wrap(function()
        running = cfiber.running()
        ;("x"):gsub("x", function() os.exit(0, true) end)
      end)()
    ]], 0, output)
  end

  it("may resume a natively suspended fiber", function()
    closing("print(cfiber.resume(waiting))", "true\n")
  end)

  it("may close a natively suspended fiber", function()
    closing("print(cfiber.close(waiting))", "true\n")
  end)

  it("may run a new fiber that stays suspended", function()
    closing("keep = suspended(deep) print(cfiber.status(keep))", "suspended\n")
  end)

  it("is refused the fiber that ends the program", function()
    closing([[
      print(cfiber.status(running))
      print(cfiber.resume(running))
      print(pcall(cfiber.close, running))
    ]], "normal\nfalse\tcannot resume non-suspended coroutine\nfalse\tcannot close a normal coroutine\n")
  end)

  it("is refused a yield", function()
    closing("print(pcall(cfiber.yield))", "false\tattempt to yield from outside a coroutine\n")
  end)
end)

describe("an error that escapes the main chunk", function()
  local function fails(script, pattern)
    local r = run(script)
    assert.is_nil(r.signal)
    assert.equal(1, r.status)
    assert.match(pattern, r.errors)
    assert.equal("", r.output)
  end

  it("while fibers are suspended natively ends the program as ever", function()
    fails([[
      local all = {}
      for i = 1, 100 do
        all[i] = suspended(deep)
      end
      error "escaped"
    ]], "escaped\nstack traceback:")
  end)

  it("out of a fiber through wrap ends the program as ever", function()
    fails([[
      local other = suspended(deep)
      cfiber.wrap(function()
        ("x"):gsub("x", function() error "from within" end)
      end)()
      print(other)
    ]], "from within\nstack traceback:")
  end)
end)

describe("a universe that its host closes", function()
  -- Opens and closes universes in one process; the address space must not
  -- grow with them: each holds some 60 MB of stacks.
  local function leakless(body)
    local script = [[
      local boundary = require "boundary"
      local chunk = ("package.path, package.cpath = %q, %q "):format(package.path, package.cpath) .. [==[
        cfiber = require "helper".cfiber
        function deep() ("x"):gsub("x", cfiber.yield) end
        function suspended(f) local co = cfiber.create(f) assert(cfiber.resume(co)) return co end
        all = {}
      ]==] .. [==[ BODY ]==]
      local function size()
        for line in io.lines "/proc/self/status" do
          local kb = line:match "^VmSize:%s*(%d+) kB"
          if kb then
            return tonumber(kb)
          end
        end
      end
      local before = size()
      for _ = 1, 5 do
        assert(not boundary.universe(chunk), "failed")
      end
      print(size() - before < 50 * 1024 or size() - before)
    ]]
    assert.equal("true\n", child.output((script:gsub("BODY", function() return body end))))
  end

  it("gives back the stacks of suspended fibers", function()
    leakless [[
      for i = 1, 100 do
        all[i] = suspended(deep)
      end
    ]]
  end)

  it("gives back the stacks of fibers suspended inside each other", function()
    leakless [[
      local function body(n)
        local inner = n > 0 and cfiber.create(body)
        if inner then
          cfiber.resume(inner, n - 1)
        end
        deep()
        return inner
      end
      all[1] = cfiber.create(body)
      cfiber.resume(all[1], 99)
    ]]
  end)

  it("gives back the stacks of the pool", function()
    leakless [[
      for i = 1, 100 do
        all[i] = suspended(deep)
      end
      for i = 1, 100 do
        cfiber.close(all[i])
      end
    ]]
  end)

  it("gives back the stacks of fibers that finalizers leave suspended", function()
    leakless [[
      for i = 1, 100 do
        all[i] = setmetatable({}, {__gc = function() all[-i] = suspended(deep) end})
      end
    ]]
  end)

  it("gives back the stacks of fibers that an error has ended", function()
    leakless [[
      for i = 1, 100 do
        all[i] = suspended(function() deep() error "failed" end)
      end
      for i = 1, 100 do
        assert(not cfiber.resume(all[i]))
      end
    ]]
  end)
end)
