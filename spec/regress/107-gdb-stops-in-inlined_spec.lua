-- Where gdb stopped in a function that is inlined in another, 'cfiber bt' of
-- another stack began with the one around it.

local child = require "child"
local helper = require "helper"

if helper.mode ~= "plain" then
  return  -- gdb sees the same in every mode
end

local script = [[
package.path, package.cpath = ...
local cfiber = require "cfiber"
cfiber.resume(cfiber.create(function()
  string.gsub("x", "x", function() cfiber.yield() end)
end))
cfiber.wrap(function() require "overrun".fault() end)()]]

describe("gdb's 'cfiber bt', stopped in an inlined function", function()
  it("shows nothing of the stack that runs", os.execute "gdb --version >/dev/null 2>&1" and function()
    local said = child.shell(("gdb -q -batch -nx -ex run -ex 'source doc/cfiber-gdb.py' -ex 'cfiber bt 2' "
      .. "--args $LUA $SCRIPT %s %s 2>&1"):format(child.quote(package.path), child.quote(package.cpath)), script).output
    if said:find "ptrace: Operation not permitted" then
      pending "gdb may not trace a process here"
    end
    local stack = assert(said:match "\nfiber 2: thread 0x%x+  suspended [^\n]*\n(.*)", said)
    assert.match("fiber_yieldnatively", stack)
    assert.not_match("fault", stack)
  end or function()
    pending "gdb is not installed"
  end)
end)
