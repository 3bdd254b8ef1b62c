-- Functions of cfiber.h that were called on a thread inside a suspended fiber,
-- or on one in the middle of no call, raised their error there: it went on in
-- the middle of another stack, or left all fibers and finalizers that ran.

local child = require "child"

local common = [[
local capi = require "capi"
local OUTSIDE = "attempt to yield from outside a coroutine"
local NOTRUNNING = "cfiber_resume: the state does not run"
local function fails(message, f, ...)
  local ok, err = pcall(f, ...)
  assert(not ok and err == message, err)
end
local function refused(state)
  fails(OUTSIDE, capi.yieldon, state)
  fails(NOTRUNNING, capi.resumeon, state, cfiber.create(print))
end
]]

local function case(name, script)
  it(name, function()
    assert.equal("done\n", child.output(common .. script .. "\nprint 'done'"))
  end)
end

describe("A state that cannot run is refused where the call stands", function()
  case("when it is inside a suspended fiber", [[
    local inner
    local outer = cfiber.create(function()
      inner = cfiber.create(function(outer) return cfiber.suspend(outer) end)
      return cfiber.resume(inner, cfiber.running())
    end)
    assert(cfiber.resume(outer))
    refused(inner)
    assert(cfiber.resume(cfiber.create(refused), inner))
    local _, _, x = cfiber.resume(outer, "x")
    assert(x == "x")]])

  case("when it has ended or not begun", [[
    local ended = cfiber.create(type)
    cfiber.resume(ended, 1)
    for _, state in ipairs {ended, cfiber.create(print)} do
      assert(cfiber.resume(cfiber.create(refused), state))
    end]])

  case("in a finalizer, which goes on", [[
    local went
    assert(cfiber.resume(cfiber.create(function()
      setmetatable({}, {__gc = function() refused(cfiber.create(print)) went = true end})
      collectgarbage()
    end)))
    assert(went and collectgarbage "isrunning")]])
end)
