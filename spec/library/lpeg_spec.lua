-- lpeg_spec.lua: fibers that yield inside the captures of LPeg

local helper = require "helper"
local lpeg = require "library".modules "lpeg"

if not lpeg then
  return
end

local P, R, S, V, C, Cf, Cg, Cmt, Ct =
  lpeg.P, lpeg.R, lpeg.S, lpeg.V, lpeg.C, lpeg.Cf, lpeg.Cg, lpeg.Cmt, lpeg.Ct
local cfiber, stock = helper.cfiber, helper.stock

-- A match-time capture of each word; the resumer decides whether it matches.
local function words(co)
  local word = Cmt(C(R "az" ^ 1), function(_, position, text)
    local accepted = co.yield(text)
    return accepted and position, text
  end)
  return Ct((word * S " " ^ 0) ^ 0)
end

-- An expression of sums and products; `show` sees every number and result.
local function calculator(show)
  local operations = {
    ["+"] = function(a, b) return a + b end,
    ["*"] = function(a, b) return a * b end,
  }
  local function fold(a, operator, b)
    return show(operations[operator](a, b))
  end
  local function list(item, operator)
    return Cf(item * Cg(C(operator) * item) ^ 0, fold)
  end
  return P {
    "sum",
    sum = list(V "product", P "+"),
    product = list(V "item", P "*"),
    item = R "09" ^ 1 / tonumber / show + "(" * V "sum" * ")",
  }
end

describe("LPeg in a fiber", function()
  it("yields in a match-time capture and takes the answer into the match", function()
    helper.leakless(function()
      local match = cfiber.wrap(function()
        return words(cfiber):match "one two three"
      end)
      assert.equal("one", match())
      assert.equal("two", match(true))
      assert.equal("three", match(true))
      assert.same({"one", "two"}, match(false))
    end)
  end)

  it("is refused a yield in a match-time capture by stock coroutines", function()
    local ok, message = pcall(stock.wrap(function()
      return words(stock):match "one"
    end))
    assert.is_false(ok)
    assert.equal("attempt to yield across a C-call boundary", message)
  end)

  it("yields in function captures, which become the captured values", function()
    local match = cfiber.wrap(function()
      return Ct((C(1) / cfiber.yield) ^ 0):match "abc"
    end)
    assert.equal("a", match())
    assert.equal("b", match "A")
    assert.equal("c", match "B")
    assert.same({"A", "B", "C"}, match "C")
  end)

  it("yields the query of a table capture's metamethod", function()
    local names = setmetatable({}, {__index = function(_, key)
      return cfiber.yield(key)
    end})
    local match = cfiber.wrap(function()
      return Ct((C(1) / names) ^ 0):match "xy"
    end)
    assert.equal("x", match())
    assert.equal("y", match(1))
    assert.same({1, 2}, match(2))
  end)

  it("yields in every step of a fold over a recursive grammar", function()
    local match = cfiber.wrap(function()
      return "is", calculator(function(value)
        cfiber.yield(value)
        return value
      end):match "2+3*(4+5)"
    end)
    local seen = {}
    local last, result
    repeat
      last, result = match()
      seen[#seen + 1] = last
    until result
    assert.same({2, 3, 4, 5, 9, 27, 29, "is"}, seen)
    assert.equal(29, result)
  end)

  it("lets fibers interleave in one grammar", function()
    local grammar = words(cfiber)
    local texts = {"a b c", "d e f", "g h i"}
    local matches, seen, results = {}, {}, {}
    for i, text in ipairs(texts) do
      matches[i] = cfiber.wrap(function(...)
        return grammar:match(text, ...)
      end)
    end
    for i = 1, 12 do
      local result = matches[(i - 1) % 3 + 1](i > 3 or nil)
      if type(result) == "table" then
        results[#results + 1] = table.concat(result, " ")
      else
        seen[i] = result
      end
    end
    assert.equal("adgbehcfi", table.concat(seen))
    assert.same(texts, results)
  end)

  it("yields in a match inside the capture of another match", function()
    local digits = (C(R "09") / cfiber.yield) ^ 1
    local number = Cmt(C(R "09" ^ 1), function(_, position, text)
      digits:match(text)
      return position
    end)
    local match = cfiber.wrap(function()
      return "end", (number * (P "," * number) ^ 0):match "12,3"
    end)
    assert.equal("1", match())
    assert.equal("2", match())
    assert.equal("3", match())
    assert.same({"end", 5}, {match()})
  end)

  it("raises the error of a capture that has yielded", function()
    local co = cfiber.create(function()
      return (C(1) / function(text)
        cfiber.yield(text)
        error "no capture"
      end):match "a"
    end)
    assert.same({true, "a"}, {cfiber.resume(co)})
    local ok, message = cfiber.resume(co)
    assert.is_false(ok)
    assert.match("no capture$", message)
  end)

  it("is collected in the middle of a match", function()
    helper.leakless(function()
      for _ = 1, 20 do
        cfiber.wrap(function()
          return words(cfiber):match "left alone"
        end)()
      end
    end)
  end)
end)

describe("an unmodified program with LPeg", function()
  local tests = require("library").tests("lpeg")

  tests.lifted("pulls the captures of a match", "to be\n", [[
    local lpeg = require "lpeg"
    local word = lpeg.Cmt(lpeg.C(lpeg.R "az" ^ 1), function(_, position, text)
      coroutine.yield(text)
      return position
    end)
    local next = coroutine.wrap(function() ((word * lpeg.P " " ^ 0) ^ 0):match "to be" end)
    print(next() .. " " .. next(), next())
  ]])
end)
