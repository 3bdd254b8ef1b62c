-- boundary_spec.lua: yields below the C functions of a module

local boundary = require "boundary"
local place = require "place"
local helper = require "helper"
local cfiber, stock = helper.cfiber, helper.stock
local beyond, REFUSED = place.beyond, place.REFUSED

describe("C functions of a module", function()
  beyond("from a C loop with locals", function(ask)
    return boundary.loop(ask, 20)
  end)

  beyond("while a buffer is on the C stack", function(ask)
    return boundary.buffer(function(i) return tostring(ask(i)) end, 5, 3)
  end)

  beyond("while a buffer is boxed and grows", function(ask)
    return boundary.buffer(function(i) return tostring(ask(i)) end, 12, 5000)
  end)

  beyond("while C holds a reference in the registry", function(ask)
    return boundary.reference(function() return ask(1) end, "kept")
  end)

  beyond("below 50 nested calls from C", function(ask)
    return boundary.nest(ask, 50)
  end)

  beyond("called by lua_call itself", function(ask)
    return boundary.call(ask, "x")
  end)

  beyond("called by lua_pcall", function(ask)
    local how, status, result = boundary.pcall(ask, "x")
    return how, status == 0 and result or error(result, 0)
  end)

  beyond("below lua_pcall in a callback that fails afterwards", function(ask)
    local how, status, message = boundary.pcall(function()
      error(ask "failed", 0)
    end)
    return how, status, message == "FAILED" and message or error(message, 0)
  end)

  -- How the call ended is left out: lua_callk returns after a native yield and
  -- continues with another status after a compact one.
  local function with_continuation(lib, call, body)
    local co = lib.create(function(...)
      return select(3, call(...))
    end)
    return {{lib.resume(co, body, 7)}, {lib.resume(co, 8)}, lib.status(co)}
  end

  for _, name in ipairs {"callk", "pcallk"} do
    it("with a continuation give what they give in stock Lua: lua_" .. name, function()
      local outcomes = {}
      for i, lib in ipairs {stock, cfiber} do
        outcomes[i] = with_continuation(lib, boundary[name], function(a)
          return lib.yield(a), "last"
        end)
      end
      assert.same(outcomes[1], outcomes[2])
      assert.same({true, 8, "last"}, outcomes[2][2])
    end)
  end

  it("return from lua_callk itself after a native yield and continue after a compact one", function()
    local before = cfiber.config().native_limit
    for limit, how in pairs {[0] = "continued", [10000] = "returned"} do
      cfiber.config {native_limit = limit}
      local co = cfiber.create(function()
        cfiber.yield()  -- compact: only a fiber that comes back yields natively
        return boundary.callk(cfiber.yield, 7)
      end)
      cfiber.resume(co)
      assert.same({true, 7}, {cfiber.resume(co)})
      local r = {cfiber.resume(co, 8)}
      cfiber.config {native_limit = before}
      assert.equal(how, r[2])
      assert.equal(8, r[4])
    end
  end)

  it("catch an error by lua_pcallk after a yield", function()
    helper.leakless(function()
      local co = cfiber.create(function()
        return boundary.pcallk(function()
          error(cfiber.yield(), 0)
        end)
      end)
      cfiber.resume(co)
      local r = {cfiber.resume(co, "message")}
      assert.equal(2, r[3])  -- LUA_ERRRUN
      assert.equal("message", r[4])
    end)
  end)

  it("that yield by lua_yieldk suspend the fiber that runs them", function()
    helper.leakless(function()
      local co = cfiber.create(boundary.yieldk)
      assert.same({true, 1, 2}, {cfiber.resume(co, 1, 2)})
      assert.equal("suspended", cfiber.status(co))
      assert.same({true, "continued", 1, 3}, {cfiber.resume(co, 3)})
    end)
  end)

  it("that yield by lua_yieldk below another C function are refused", function()
    helper.leakless(function()
      local co = cfiber.create(boundary.call)
      local ok, message = cfiber.resume(co, boundary.yieldk)
      assert.is_false(ok)
      assert.match(REFUSED, message)
    end)
  end)
end)
