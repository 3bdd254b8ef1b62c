-- close_running_spec.lua: close of the coroutine that calls it, which Lua 5.4
-- refuses and later ones do

local boundary = require "boundary"
local helper = require "helper"
local cfiber, same, leakless = helper.cfiber, helper.same, helper.leakless

-- A to-be-closed value that logs its name and the error, then calls f.
local function closable(log, name, f)
  return setmetatable({}, {__close = function(_, e)
    log("close", name, e)
    if f then
      f()
    end
  end})
end

-- Ways to call a function that may not return.
local depths = {
  ["directly"] = function(f) f() end,
  ["below pcall"] = function(f) return pcall(f) end,
  ["below xpcall"] = function(f) return xpcall(f, debug.traceback) end,
  ["below gsub"] = function(f) return (("x"):gsub("x", function() f() end)) end,
  ["below sort, in a pcall"] = function(f) return pcall(table.sort, {2, 1, 3}, function() f() end) end,
  ["in a message handler"] = function(f) return xpcall(error, function() return pcall(f) end) end,
  ["below lua_callk from C"] = function(f) return boundary.callk(f) end,
  ["150 C calls deep"] = function(f) return boundary.nest(f, 150) end,
}

describe("close of the running coroutine is as in stock Lua", function()
  for name, depth in pairs(depths) do
    it(name, same(function(co, log)
      for _, arguments in ipairs {function() end, co.running} do
        local c
        c = co.create(function()
          local _ <close> = closable(log, "outer")
          log(pcall(depth, function()
            local _ <close> = closable(log, "inner")
            return co.close((arguments()))
          end))
          co.yield "refused"
        end)
        log(co.resume(c))
        log(co.status(c))
        log(debug.traceback(c))
        log(co.close(c))
        log(co.resume(c))
      end
    end))
  end

  it("without an argument, which is not nil", same(function(co, log)
    for _, arguments in ipairs {{n = 0}, {n = 1}} do
      local c = co.create(function()
        return co.close(table.unpack(arguments, 1, arguments.n))
      end)
      log(co.resume(c))
      log(co.status(c))
    end
  end))

  it("in a wrapped function", same(function(co, log)
    local f = co.wrap(function()
      local _ <close> = closable(log, "v", function() error "e" end)
      co.yield(1)
      co.close()
    end)
    log(f())
    log(pcall(f))
    log(pcall(f))
  end))

  it("with an error in a variable, which the others get", same(function(co, log)
    local c = co.create(function()
      local _ <close> = closable(log, "3")
      local _ <close> = closable(log, "2", function() error({}) end)
      local _ <close> = closable(log, "1", function() error "e" end)
      co.close()
    end)
    log(co.resume(c))
    log(co.status(c))
    log(co.close(c))
    log(co.close(c))
    log(co.resume(c))
  end))

  it("in a variable that is being closed", same(function(co, log)
    local c
    local function body()
      local _ <close> = closable(log, "outer")
      local _ <close> = closable(log, "inner", function()
        log(co.status(c))
        log(pcall(co.close, c))
        log "refused"
      end)
      co.yield()
      error "e"
    end
    c = co.create(body)
    co.resume(c)
    log(co.close(c))
    log(co.status(c))
    c = co.create(body)
    co.resume(c)
    log(co.resume(c))
    log(co.status(c))
  end))

  it("with variables that cannot yield", same(function(co, log)
    local c = co.create(function()
      local _ <close> = closable(log, "v", function()
        log(co.isyieldable())
        log(pcall(co.yield))
        log(pcall(string.gsub, "x", "x", co.yield))
      end)
      co.close((co.running()))
      return "refused"
    end)
    log(co.resume(c))
    log(co.status(c))
  end))

  it("in one that resumes it", same(function(co, log)
    local outer, inner
    outer = co.create(function()
      local _ <close> = closable(log, "outer")
      inner = co.create(function()
        local _ <close> = closable(log, "inner", function() log(co.status(outer), co.status(inner)) end)
        log(pcall(co.close, outer))
        co.close()
      end)
      log(co.resume(inner))
      log(co.status(inner))
      co.close()
    end)
    log(co.resume(outer))
    log(co.status(outer), co.status(inner))
  end))

  it("in the main thread", same(function(co, log)
    log(pcall(co.close))
    log(pcall(function() return co.close() end))
    log(pcall(co.close, (co.running())))
    local main = co.running()
    co.wrap(function() log(pcall(co.close, main)) end)()
  end))

  it("of a stock coroutine on a fiber", same(function(co, log)
    log(co.resume(co.create(function()
      local c = coroutine.create(function()
        local _ <close> = closable(log, "v")
        ;("x"):gsub("x", function() co.close() end)
      end)
      log(coroutine.resume(c))
      log(coroutine.status(c))
      return "end"
    end)))
  end))
end)

if _VERSION == "Lua 5.4" then
  return
end

describe("close of the running fiber", function()
  it("can be followed by an exit in its variables, which ends their handler", function()
    leakless(function()
      local log = {}
      local co = cfiber.create(function()
        local _ <close> = closable(function() end, "outer", function() log[#log + 1] = "outer" end)
        local _ <close> = closable(function() end, "inner", function() cfiber.exit(1) end)
        pcall(cfiber.close)
      end)
      assert.same({true, 1}, {cfiber.resume(co)})
      assert.same({"outer"}, log)
      assert.equal("dead", cfiber.status(co))
    end)
  end)

  it("does not leave a finalizer", function()
    leakless(function()
      local ok, message
      local co = cfiber.create(function()
        helper.finalize(function() ok, message = pcall(cfiber.close) end)
        return "end"
      end)
      assert.same({true, "end"}, {cfiber.resume(co)})
      assert.same({false, "attempt to yield from a finalizer"}, {ok, message})
      assert.is_true(collectgarbage "isrunning")
    end)
  end)

  it("does not leave a finalizer in a stock coroutine on it", function()
    leakless(function()
      local ok, message
      assert.is_true(cfiber.resume(cfiber.create(function()
        coroutine.wrap(function()
          helper.finalize(function() ok, message = pcall(cfiber.close) end)
        end)()
      end)))
      assert.same({false, "attempt to yield from a finalizer"}, {ok, message})
      assert.is_true(collectgarbage "isrunning")
    end)
  end)

  it("that a finalizer resumed ends it", function()
    leakless(function()
      local ok, status
      helper.finalize(function()
        local co = cfiber.create(function() ("x"):gsub("x", function() cfiber.close() end) end)
        ok, status = cfiber.resume(co), cfiber.status(co)
      end)
      assert.same({true, "dead"}, {ok, status})
      assert.is_true(collectgarbage "isrunning")
    end)
  end)
end)
