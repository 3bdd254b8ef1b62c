-- capi_import_spec.lua: how C modules find cfiber, in which version

local child = require "child"
local helper = require "helper"
local capi = require "capi"
local cfiber, leakless = helper.cfiber, helper.leakless

local YIELD = 1

local function suspended(f)
  local co = cfiber.create(f)
  assert(cfiber.resume(co))
  return co
end

describe("cfiber_import", function()
  it("says which versions do not fit", function()
    local message = "cfiber has version %d.1 of its C API, the module was built for version 1.1"
    assert.equal(message:format(2), capi.importfake(2, 0))
    assert.equal(message:format(0), capi.importfake(0, 0))
    assert.equal(message:format(1), capi.importfake(1, -8))
  end)

  it("takes a table that has grown", function()
    assert.equal("imported", capi.importfake(1, 8))
  end)

  it("requires the module itself", function()
    local r = child.bare [[
      local f = require "capi".yield
      print(package.loaded.cfiber ~= nil, require("cfiber").wrap(f)(1))]]
    assert.equal("true\t1\n", r.output)
  end)

  it("fails where the module is not found", function()
    local r = child.bare [[
      local found = package.searchpath("capi", package.cpath)
      package.cpath = found
      package.searchers[3] = function(name) return name == "capi" and package.loadlib(found, "luaopen_capi") end
      print(select(2, pcall(require, "capi")):match "[^\n]*")]]
    assert.equal("module 'cfiber' not found:\n", r.output)
  end)

  it("fails where there is no 'require' either", function()
    local r = child.bare [[
      local open = package.loadlib(package.searchpath("capi", package.cpath), "luaopen_capi")
      require = nil
      print(pcall(open))]]
    assert.equal("false\tcfiber is not loaded, and there is no 'require'\n", r.output)
  end)

  it("fails where another module has the name", function()
    local r = child.bare [[
      package.loaded.cfiber = {}
      print(pcall(require, "capi"))]]
    assert.equal("false\tthe module 'cfiber' that is loaded has no C API\n", r.output)
  end)

  it("needs no look at the loaded modules once there is a table", function()
    assert.equal("false\n", child.output "package.loaded.cfiber = {} print(require 'capi'.isyieldable())")
  end)

  it("serves several Lua states in one process", function()
    assert.equal("3 1 1\n3\n", child.output [=[
      local capi = require "capi"
      local co = cfiber.create(capi.produce)
      cfiber.resume(co, 2)
      local script = [[
        local capi, cfiber = require "capi", require "cfiber"
        local co = cfiber.create(function() capi.yield(1) capi.yield(2) end)
        local all = {capi.collect(co), (capi.resume(cfiber.create(capi.yield))), cfiber.stats().mounted}
        return table.concat(all, " ")]]
      print(capi.inother(script, package.cpath))
      cfiber.resume(co, "a")
      print((select(3, cfiber.resume(co, "b"))))]=])
  end)

  it("serves a module that was built for the first version", function()
    local first = require "capi_first"
    leakless(function()
      local relay = cfiber.wrap(first.relay)
      assert.equal(1, relay(cfiber.create(function()
        capi.yield(1)
        capi.yield(2)
      end)))
      assert.equal(2, relay())
      assert.is_true(relay())
      local leave = cfiber.wrap(first.interrupt)
      leave(suspended(function()
        capi.yield(select(2, pcall(capi.yield)))
      end), "x")
      assert.same({YIELD, "x"}, {leave()})
    end)
  end)
end)
