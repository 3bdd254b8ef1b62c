-- close_spec.lua: close, and the variables that it closes

local helper = require "helper"
local same = helper.same

local handler_it = require "since"("5.4.3", "refuses a yield there, or overwrites its own stack")

-- A to-be-closed value that tells when it is closed, and may fail then.
local function closable(log, name, err)
  return setmetatable({}, {__close = function(_, e)
    log("close", name, e)
    if err ~= nil then
      error(err, 0)
    end
  end})
end

describe("close", function()
  it("of a fresh coroutine kills it", same(function(co, log)
    local c = co.create(function() log "never" end)
    log(co.close(c))
    log(co.status(c))
    log(co.resume(c))
    log(co.close(c))
  end))

  it("of a suspended one kills it", same(function(co, log)
    local c = co.create(function() co.yield() log "never" end)
    co.resume(c)
    log(co.close(c))
    log(co.status(c))
    log(co.resume(c))
    log(debug.traceback(c))
  end))

  it("of one that ended does nothing", same(function(co, log)
    local c = co.create(function() return 1 end)
    co.resume(c)
    log(co.close(c))
    log(co.close(c))
    log(co.status(c))
  end))

  it("of one that failed returns its error once", same(function(co, log)
    for _, e in ipairs {"text", 5, false, {}} do
      local c = co.create(error)
      co.resume(c, e)
      log(co.close(c))
      log(co.close(c))
      log(co.status(c))
    end
    local c = co.create(error)
    co.resume(c)
    log(co.close(c))
  end))

  it("of the running one is refused", same(function(co, log)
    local c
    c = co.create(function()
      log(pcall(co.close, c))
      log(co.status(c))
      co.yield "still here"
      return co.close(c)
    end)
    log(co.resume(c))
    log(co.resume(c))
    log(co.status(c))
  end))

  it("of a resumer is refused", same(function(co, log)
    local outer
    outer = co.create(function()
      local _ <close> = closable(log, "outer")
      co.wrap(function()
        log(pcall(co.close, outer))
        log(pcall(function() return (co.close(outer)) end))
      end)()
      return "end"
    end)
    log(co.resume(outer))
  end))

  it("of the main thread is refused", same(function(co, log)
    local main = co.running()
    log(pcall(co.close, main))
    co.wrap(function() log(pcall(co.close, main)) end)()
  end))
end)

describe("close runs", function()
  it("to-be-closed variables, the last one first", same(function(co, log)
    local c = co.create(function()
      local _ <close> = closable(log, "first")
      local _ <close> = closable(log, "second")
      do
        local _ <close> = closable(log, "done before")
      end
      local _ <close> = closable(log, "third")
      co.yield()
      log "never"
    end)
    co.resume(c)
    log(co.close(c))
    log(co.status(c))
  end))

  it("those of all frames", same(function(co, log)
    local function down(n)
      local _ <close> = closable(log, n)
      if n == 0 then
        co.yield()
      end
      down(n - 1)
      log "never"
    end
    local c = co.create(down)
    co.resume(c, 4)
    log(co.close(c))
  end))

  it("those below pcall, without it catching anything", same(function(co, log)
    local c = co.create(function()
      local _ <close> = closable(log, "outside")
      log("caught", pcall(function()
        local _ <close> = closable(log, "inside", "failed")
        co.yield()
      end))
      log "never"
    end)
    co.resume(c)
    log(co.close(c))
    log(co.status(c))
  end))

  it("the closing value of a for loop", same(function(co, log)
    local c = co.create(function()
      for k in next, {1, 2}, nil, closable(log, "loop") do
        co.yield(k)
      end
    end)
    log(co.resume(c))
    log(co.close(c))
  end))

  it("nil and false are nothing to close", same(function(co, log)
    local c = co.create(function()
      local a <close> = nil
      local b <close> = false
      local _ <close> = closable(log, "c")
      co.yield(a, b)
    end)
    co.resume(c)
    log(co.close(c))
  end))

  handler_it("variables that look at their coroutine", same(function(co, log)
    local c
    c = co.create(function()
      local _ <close> = setmetatable({}, {__close = function()
        log(co.status(c), co.running())
        log(co.isyieldable(), co.isyieldable(c))
        log(co.resume(c))
        log(pcall(co.close, c))
        log(debug.traceback())
      end})
      co.yield()
    end)
    log(c, co.resume(c))
    log(co.close(c))
  end))

  it("nothing twice", same(function(co, log)
    local c = co.create(function()
      local _ <close> = closable(log, "once", "failed")
      co.yield()
    end)
    co.resume(c)
    log(co.close(c))
    log(co.close(c))
    log(co.resume(c))
  end))
end)

describe("a failing variable", function()
  it("makes close return its error", same(function(co, log)
    for _, e in ipairs {"text", 5, {}} do
      local c = co.create(function()
        local _ <close> = closable(log, "it", e)
        co.yield()
      end)
      co.resume(c)
      log(co.close(c))
      log(co.status(c))
    end
  end))

  it("gives its error to the next; the last one wins", same(function(co, log)
    local c = co.create(function()
      local _ <close> = closable(log, 1)
      local _ <close> = closable(log, 2, "second")
      local _ <close> = closable(log, 3)
      local _ <close> = closable(log, 4, "fourth")
      co.yield()
    end)
    co.resume(c)
    log(co.close(c))
  end))

  it("has a position in its message", same(function(co, log)
    local c = co.create(function()
      local _ <close> = setmetatable({}, {__close = function() error "here" end})
      local _ <close> = setmetatable({}, {__close = function() return nil + 1 end})
      co.yield()
    end)
    co.resume(c)
    log(co.close(c))
  end))

  it("replaces the error that killed the body", same(function(co, log)
    local c = co.create(function()
      local _ <close> = closable(log, "a", "closing")
      error("body", 0)
    end)
    log(co.resume(c))
    log(co.close(c))
    log(co.close(c))
  end))

  it("without a __close at the time is an error", same(function(co, log)
    local c = co.create(function()
      local mt = {__close = function() end}
      local v <close> = setmetatable({}, mt)
      mt.__close = nil
      co.yield(v)
    end)
    co.resume(c)
    log(co.close(c))
  end))

  it("catches what it raises itself", same(function(co, log)
    local c = co.create(function()
      local _ <close> = setmetatable({}, {__close = function()
        log(pcall(error, "inner"))
      end})
      co.yield()
    end)
    co.resume(c)
    log(co.close(c))
  end))
end)

describe("a yielding variable", function()
  it("is refused while close runs it", same(function(co, log)
    local c = co.create(function()
      local _ <close> = closable(log, "outer")
      local _ <close> = setmetatable({}, {__close = function()
        log(co.isyieldable())
        log(pcall(co.yield, "out"))
        co.yield "uncaught"
      end})
      co.yield()
    end)
    co.resume(c)
    log(co.close(c))
    log(co.status(c))
  end))

  handler_it("suspends the body when the block ends by itself", same(function(co, log)
    local c = co.create(function()
      do
        local _ <close> = setmetatable({}, {__close = function()
          log("got", co.yield "closing")
        end})
      end
      return "end"
    end)
    log(co.resume(c))
    log(co.resume(c, "a value"))
    log(co.resume(c))
  end))

  it("suspends the body when an error unwinds it", same(function(co, log)
    local c = co.create(function()
      local _ <close> = setmetatable({}, {__close = function(_, e)
        log("got", e, co.yield "unwinding")
      end})
      error("e", 0)
    end)
    log(co.resume(c))
    log(co.status(c))
    log(co.resume(c, "a value"))
    log(co.status(c))
    log(co.close(c))
  end))

  it("is closed itself when it is suspended", same(function(co, log)
    local c = co.create(function()
      local _ <close> = closable(log, "outer")
      local _ <close> = setmetatable({}, {__close = function()
        local _ <close> = closable(log, "within the handler")
        co.yield "closing"
        log "never"
      end})
      error("e", 0)
    end)
    log(co.resume(c))
    log(co.close(c))
    log(co.status(c))
  end))

  handler_it("below pcall lets the body go on", same(function(co, log)
    local c = co.wrap(function()
      log(pcall(function()
        local _ <close> = setmetatable({}, {__close = function(_, e)
          co.yield(e)
        end})
        error("e", 0)
      end))
      return "end"
    end)
    log(c())
    log(c())
  end))
end)

describe("close from", function()
  it("another coroutine", same(function(co, log)
    local c = co.create(function()
      local _ <close> = closable(log, "c")
      co.yield()
    end)
    co.resume(c)
    co.wrap(function()
      log(co.close(c))
      co.yield()
    end)()
    log(co.status(c))
  end))

  it("within a close", same(function(co, log)
    local function make(name, inner)
      local c = co.create(function()
        local _ <close> = setmetatable({}, {__close = function()
          log("closing", name)
          if inner then
            log(name, co.close(inner))
          end
          error(name, 0)
        end})
        co.yield()
      end)
      co.resume(c)
      return c
    end
    log(co.close(make("a", make("b", make("c")))))
  end))

  handler_it("within a close, of one that is being closed", same(function(co, log)
    local a, b
    local function make(name, other)
      local c = co.create(function()
        local _ <close> = setmetatable({}, {__close = function()
          log(name, co.status(other()))
          log(name, pcall(co.close, other()))
        end})
        co.yield()
      end)
      co.resume(c)
      return c
    end
    a = make("a", function() return b end)
    b = make("b", function() return a end)
    log(co.close(a))
    log(co.status(a), co.status(b))
  end))

  it("a variable of the closer itself", same(function(co, log)
    local c = co.create(function()
      local _ <close> = closable(log, "inner")
      co.yield()
    end)
    co.resume(c)
    local outer = co.create(function()
      local _ <close> = setmetatable({}, {__close = function()
        log(co.close(c))
      end})
      co.yield()
    end)
    co.resume(outer)
    log(co.close(outer))
  end))

  it("a finalizer", same(function(co, log)
    local c = co.create(function()
      local _ <close> = closable(log, "c", "failed")
      co.yield()
    end)
    co.resume(c)
    setmetatable({}, {__gc = function()
      log("in gc", co.status(c))
      log(co.close(c))
    end})
    collectgarbage()
    log(co.status(c))
  end, {collect = false}))

  it("pcall and xpcall", same(function(co, log)
    local function make()
      local c = co.create(function()
        local _ <close> = closable(log, "c", "failed")
        co.yield()
      end)
      co.resume(c)
      return c
    end
    log(pcall(co.close, make()))
    log(xpcall(co.close, debug.traceback, make()))
    log(co.resume(co.create(co.close), make()))
    log(pcall(co.wrap(co.close), make()))
  end))
end)

describe("a closing variable", function()
  it("resumes and makes others", same(function(co, log)
    local other = co.wrap(function() for i = 1, 5 do co.yield(i) end end)
    other()
    local c = co.create(function()
      local _ <close> = setmetatable({}, {__close = function()
        log(other())
        for i in co.wrap(function() co.yield "made" end) do
          log(i)
        end
      end})
      co.yield(other())
    end)
    log(co.resume(c))
    log(co.close(c))
    log(other())
  end))

  it("of many coroutines at once", same(function(co, log)
    local all = {}
    for i = 1, 50 do
      all[i] = co.create(function()
        local _ <close> = closable(log, i, i % 7 == 0 and "failed " .. i or nil)
        co.yield()
        if i % 3 == 0 then
          co.yield()
        end
      end)
      co.resume(all[i])
    end
    for i = 1, 50, 2 do
      log(co.resume(all[i]))
    end
    for i = 50, 1, -1 do
      log(i, co.close(all[i]))
    end
  end))

  it("does not run when the coroutine is collected", same(function(co, log)
    local function drop()
      local c = co.create(function()
        local _ <close> = closable(log, "never")
        co.yield()
      end)
      co.resume(c)
    end
    drop()
    collectgarbage()
    collectgarbage()
    log "collected"
  end))
end)

describe("a body", function()
  it("does not see its close", same(function(co, log)
    local c = co.create(function()
      log("caught", pcall(co.yield))
      log("caught", xpcall(co.yield, log))
      log "never"
    end)
    co.resume(c)
    log(co.close(c))
    log(co.status(c))
  end))

  it("that catches its error and goes on is closed later", same(function(co, log)
    local c = co.create(function()
      while true do
        local _ <close> = closable(log, "turn")
        log(pcall(function()
          error(co.yield "again", 0)
        end))
      end
    end)
    log(co.resume(c))
    log(co.resume(c, "one"))
    log(co.resume(c, "two"))
    log(co.close(c))
  end))

  it("holding a suspended inner one leaves it suspended", same(function(co, log)
    local inner = co.create(function()
      local _ <close> = closable(log, "inner")
      co.yield()
      return "inner end"
    end)
    local outer = co.create(function()
      local _ <close> = closable(log, "outer")
      co.resume(inner)
      co.yield()
    end)
    co.resume(outer)
    log(co.close(outer))
    log(co.status(inner))
    log(co.resume(inner))
  end))
end)

it("upvalues of a closed coroutine keep their values", same(function(co, log)
  local get
  local c = co.create(function()
    local v = 1
    get = function() v = v + 1 return v end
    local _ <close> = setmetatable({}, {__close = function() v = v + 10 end})
    co.yield()
  end)
  co.resume(c)
  log(get())
  log(co.close(c))
  log(get(), get())
end))

-- Stock Lua cannot suspend there, so these have no model to agree with.
describe("close of a fiber suspended below a C function", function()
  local cfiber = helper.cfiber

  local function suspendedbelow(records, call)
    local function log(...)
      records[#records + 1] = table.pack(...)
    end
    local c = cfiber.create(function()
      local _ <close> = closable(log, "outside")
      call(function()
        local _ <close> = closable(log, "below")
        cfiber.yield()
        log "never"
      end)
      log "never"
    end)
    assert.is_true(cfiber.resume(c))
    return c
  end

  local expected = {{"close", "below", n = 3}, {"close", "outside", n = 3}}

  for name, call in pairs {
    ["sort"] = function(f) table.sort({2, 1}, f) end,
    ["gsub"] = function(f) string.gsub("x", ".", f) end,
    ["a load reader"] = function(f) load(f) end,
    ["tostring"] = function(f) tostring(setmetatable({}, {__tostring = f})) end,
    ["a message handler"] = function(f) xpcall(error, f) end,
    ["pcall below sort"] = function(f) table.sort({2, 1}, function() pcall(f) end) end,
  } do
    it(name .. " closes the variables on both sides", function()
      helper.leakless(function()
        local records = {}
        local c = suspendedbelow(records, call)
        assert.same({true}, {cfiber.close(c)})
        assert.same(expected, records)
        assert.equal("dead", cfiber.status(c))
        assert.same({false, "cannot resume dead coroutine"}, {cfiber.resume(c)})
      end)
    end)
  end

  it("gives its stack back though a variable fails", function()
    helper.leakless(function()
      local c = cfiber.create(function()
        table.sort({2, 1}, function()
          local _ <close> = setmetatable({}, {__close = function() error("failed", 0) end})
          cfiber.yield()
        end)
      end)
      cfiber.resume(c)
      assert.same({false, "failed"}, {cfiber.close(c)})
      assert.same({true}, {cfiber.close(c)})
    end)
  end)
end)
