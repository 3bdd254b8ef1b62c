-- A slice went on with the fiber that left its place by a transfer, and not
-- with the one that took it.

local helper = require "helper"

local cfiber = helper.cfiber
local create, resume, slice, transfer = cfiber.create, cfiber.resume, cfiber.slice, cfiber.transfer

local function loop()
  for _ = 1, 100000 do end
  return "loop ends"
end

-- A fiber that slices one which transfers; the third suspends the first.
local function leave()
  local first, outer
  local second = create(function() cfiber.suspend(outer) end)
  first = create(function()
    transfer(second)
    return loop()
  end)
  outer = create(function() slice(first, 1000) end)
  assert.same({true}, {resume(outer)})
  return first, outer
end

local function case(name, f)
  it(name, function()
    helper.leakless(f)
  end)
end

describe("After a transfer out of a slice", function()
  case("the one that left is not stopped where it is resumed", function()
    local first, outer = leave()
    assert.is_nil((debug.gethook(first)))
    assert.same({true, "loop ends"}, {resume(first)})
    cfiber.close(outer)
  end)

  case("it does not need the one that sliced it", function()
    local first, outer = leave()
    cfiber.close(outer)
    resume(create(loop))  -- on the stack of 'outer'
    assert.same({true, "loop ends"}, {resume(first)})
  end)

  case("the one in its place is stopped, with its hook given back", function()
    local hook = function() end
    local second = create(loop)
    debug.sethook(second, hook, "", 1000)
    local first = create(function() transfer(second) end)
    assert.same({true, "budget"}, {slice(first, 1000)})
    assert.same({hook, "", 1000}, {debug.gethook(second)})
    assert.same({true, "loop ends"}, {resume(second)})
    cfiber.close(first)
  end)

  case("two that take turns for ever are stopped", function()
    local n = 0
    local one, two
    local function other(co)
      while true do
        n = n + 1
        transfer(co())
      end
    end
    one = create(function() other(function() return two end) end)
    two = create(function() other(function() return one end) end)
    for i = 1, 20 do
      assert.same({true, "budget"}, {slice(one, 200)})
      assert.is_true(n <= 20 * i)
    end
    assert.is_true(n > 20)
    cfiber.close(one)
    cfiber.close(two)
  end)
end)
