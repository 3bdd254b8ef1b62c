-- examples_permutations_spec.lua: a C function that yields from a loop

local example = require "example"
local helper = require "helper"
local cfiber, stock = helper.cfiber, helper.stock

local permutations, case = example.open "permutations"

local function orders(list)
  local all = {}
  for p in cfiber.wrap(permutations), list do
    all[#all + 1] = table.concat(p)
  end
  return all
end

describe("The example permutations", function()
  case("yields every order once, and leaves the first one", function()
    local list = {"a", "b", "c"}
    local all = orders(list)
    assert.equal("abc", table.concat(list))
    table.sort(all)
    assert.same({"abc", "acb", "bac", "bca", "cab", "cba"}, all)
  end)

  case("yields a list of one and of none once", function()
    assert.same({"a"}, orders {"a"})
    assert.same({""}, orders {})
  end)

  case("yields as many as there are", function()
    assert.equal(5040, #orders {1, 2, 3, 4, 5, 6, 7})
  end)

  case("keeps two apart that take turns", function()
    local first, second = cfiber.wrap(permutations), cfiber.wrap(permutations)
    local expected, a, b = orders {1, 2, 3}, {}, {}
    for i = 1, 6 do
      a[i] = table.concat(first {1, 2, 3})
      b[i] = table.concat(second {1, 2, 3})
    end
    assert.same(expected, a)
    assert.same(expected, b)
  end)

  case("is refused by stock coroutines", function()
    local ok, message = stock.resume(stock.create(permutations), {1})
    assert.is_false(ok)
    assert.equal("attempt to yield from C code in a coroutine that is not a fiber", message)
  end)

  case("says what is no list, and what is too long", function()
    local _, message = cfiber.resume(cfiber.create(permutations), 1)
    assert.match("table expected, got number", message)
    _, message = cfiber.resume(cfiber.create(permutations), table.move({}, 1, 21, 1, setmetatable({}, {__len = function()
      return 21
    end})))
    assert.match("more than 20 items", message)
  end)

  case("comes with a program that shows it", function()
    assert.equal("b c a\nc b a\nc a b\na c b\nb a c\na b c\n3 2 4 5 6 7 8 9 10 1\n", example.output "permutations")
  end)
end)
