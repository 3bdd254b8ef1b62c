-- place.lua: for specs of where a yield works
--
-- A place is a function of 'ask', which passes a value out and returns the
-- answer to it. Run plainly, 'ask' computes the answer itself; run in a
-- fiber it yields the value and the resumer answers. Both must give the same.

local assert = require "luassert"
local busted = require "busted"
local helper = require "helper"
local cfiber, stock = helper.cfiber, helper.stock

local place = {}

place.REFUSED = "attempt to yield across a C%-call boundary"

local function answer(x)
  if type(x) == "number" then
    return -x
  end
  return type(x) == "string" and x:upper() or x
end

local function plainly(f)
  local asked = {}
  local results = table.pack(f(function(x)
    asked[#asked + 1] = x
    return answer(x)
  end))
  return asked, results
end

-- Resumes until the end; every yield is a question.
local function drive(lib, f)
  local asked = {}
  local co = lib.create(f)
  local r = table.pack(lib.resume(co, lib.yield))
  while lib.status(co) == "suspended" do
    asked[#asked + 1] = r[2]
    r = table.pack(lib.resume(co, answer(r[2])))
  end
  return asked, r
end

local function check(f)
  helper.leakless(function()
    local expected, results = plainly(f)
    local asked, r = drive(cfiber, f)
    assert(r[1], r[2])
    assert.same({table.unpack(results, 1, results.n)}, {table.unpack(r, 2, r.n)})
    assert.same(expected, asked)
    assert(#asked > 0, "nothing was asked")
  end)
end

local function refuses(f, message)
  local _, r = drive(stock, f)
  assert.is_false(r[1])
  assert.match(message or place.REFUSED, r[2])
end

local function checknative(f)
  local before = cfiber.stats().native_yields
  check(f)
  assert(cfiber.stats().native_yields > before)
end

-- A place that a fiber leaves natively.
function place.natively(name, f)
  busted.it("lets a fiber yield natively " .. name, function()
    checknative(f)
  end)
end

-- A place where stock coroutines cannot yield.
function place.beyond(name, f, message)
  busted.it("lets a fiber yield " .. name, function()
    refuses(f, message)
    checknative(f)
  end)
end

-- A place where they can.
function place.as_stock(name, f)
  busted.it("lets a fiber yield " .. name .. ", as in stock Lua", function()
    assert.same({drive(stock, f)}, {drive(cfiber, f)})
    check(f)
  end)
end

return place
