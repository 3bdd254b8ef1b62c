-- penlight_spec.lua: fibers that yield in functions handed to Penlight

local helper = require "helper"
local List = require "pl.List"
local OrderedMap = require "pl.OrderedMap"
local class = require "pl.class"
local permute = require "pl.permute"
local pretty = require "pl.pretty"
local seq = require "pl.seq"
local stringx = require "pl.stringx"
local tablex = require "pl.tablex"

local cfiber, stock = helper.cfiber, helper.stock

if not permute.order_iter then
  pending "Penlight is older than 1.13"
  return
end

-- What body(co) yields in a thread of the library `co`; the last element is
-- what it returns, or its error.
local function outcome(co, body)
  local list = {}
  local thread = co.create(body)
  local ok, value = co.resume(thread, co)
  while ok and co.status(thread) ~= "dead" do
    list[#list + 1] = value
    ok, value = co.resume(thread)
  end
  list[#list + 1] = value
  return list
end

-- The scenario has the same outcome in both libraries, which is `expected`.
local function same(expected, body)
  assert.same(expected, outcome(stock, body))
  assert.same(expected, outcome(cfiber, body))
end

-- Stock coroutines are refused what fibers do.
local function lifted(expected, body)
  local list = outcome(stock, body)
  assert.match("attempt to yield across a C-call boundary", list[#list], 1, true)
  helper.leakless(function()
    assert.same(expected, outcome(cfiber, body))
  end)
end

-- A comparator whose first call yields.
local function less(co)
  local compared = false
  return function(a, b)
    if not compared then
      compared = true
      co.yield "compares"
    end
    return a < b
  end
end

describe("Penlight in a fiber", function()
  it("sorts a List with a comparator that yields", function()
    lifted({"compares", "a b c"}, function(co)
      return List {"b", "a", "c"}:sort(less(co)):concat " "
    end)
  end)

  it("iterates over a table by values that are compared with yields", function()
    lifted({"compares", "a b c"}, function(co)
      local keys = List()
      for key in tablex.sortv({c = 3, a = 1, b = 2}, less(co)) do
        keys:append(key)
      end
      return keys:concat " "
    end)
  end)

  it("sorts a sequence with a comparator that yields", function()
    lifted({"compares", "1 2 3"}, function(co)
      return seq.copy(seq.sort(List {3, 1, 2}, less(co))):concat " "
    end)
  end)

  it("fills a template from a table whose __index yields", function()
    lifted({"where", "who", "WHO is at WHERE"}, function(co)
      return stringx.Template("$who is at ${where}"):substitute(setmetatable({}, {
        __index = function(_, name)
          co.yield(name)
          return name:upper()
        end,
      }))
    end)
  end)

  it("prints a List with an object whose __tostring yields", function()
    lifted({"asked", "{a point}"}, function(co)
      local Point = class()
      function Point.__tostring()
        co.yield "asked"
        return "a point"
      end
      return tostring(List {Point()})
    end)
  end)

  it("pretty-prints a table that yields while its keys are sorted", function()
    lifted({"compares", '{["one key"]=1,["other key"]=2}'}, function(co)
      local lt = less(co)
      local Key = {__tostring = function(key)
        lt(0, 1)
        return key.name .. " key"
      end}
      return pretty.write({
        [setmetatable({name = "other"}, Key)] = 2,
        [setmetatable({name = "one"}, Key)] = 1,
      }, "")
    end)
  end)

  it("pretty-prints a list whose elements come from yields", function()
    same({1, 1, 2, 2, 3, "{10,20}"}, function(co)  -- it reads each twice
      return pretty.write(setmetatable({}, {__index = function(_, i)
        co.yield(i)
        return i < 3 and 10 * i or nil
      end}), "")
    end)
  end)

  it("maps, filters and reduces a List with functions that yield", function()
    same({1, 2, 3, 2, 4, 6, 6, 10}, function(co)
      local function seen(value)
        co.yield(value)
        return value
      end
      return List {1, 2, 3}
        :map(function(x) return 2 * seen(x) end)
        :filter(function(x) return seen(x) > 2 end)
        :reduce(function(a, b) return seen(b) + a end)
    end)
  end)

  it("maps and folds plain tables with functions that yield", function()
    same({1, 2, "a", 3}, function(co)
      local sizes = tablex.map(function(value)
        co.yield(value)
        return value
      end, {1, 2})
      tablex.foreach({a = 1}, function(_, key)
        co.yield(key)
      end)
      return tablex.reduce(function(a, b) return a + b end, sizes)
    end)
  end)

  it("pulls a lazy sequence out of a generator", function()
    same({1, 4, 9, "done"}, function(co)
      local numbers = co.wrap(function()
        for i = 1, 3 do
          co.yield(i)
        end
      end)
      for square in seq.map(function(x) return x * x end, numbers) do
        co.yield(square)
      end
      return "done"
    end)
  end)

  it("iterates over permutations from inside a generator", function()
    same({"abc", "acb", "bac", "bca", "cab", "cba", 6}, function(co)
      local all = List()
      for list in permute.order_iter {"a", "b", "c"} do
        all:append(table.concat(list))
      end
      all:sort():foreach(co.yield)
      return #all
    end)
  end)

  it("keeps the order of an OrderedMap while its iteration yields", function()
    same({"z", "y", "x"}, function(co)
      local map = OrderedMap():set("z", 1):set("y", 2):set("x", 3)
      local last
      for key in map:iter() do
        if last then
          co.yield(last)
        end
        last = key
      end
      return last
    end)
  end)

  it("sorts in two fibers at once", function()
    local function sorter(list)
      return cfiber.wrap(function()
        List(list):sort(function(a, b)
          cfiber.yield()
          return a < b
        end)
        return true
      end)
    end
    local first, second = {5, 3, 8, 1}, {"q", "c", "x", "a"}
    local one, two = sorter(first), sorter(second)
    local doneone, donetwo
    while not (doneone and donetwo) do
      doneone = doneone or one()
      donetwo = donetwo or two()
    end
    assert.same({1, 3, 5, 8}, first)
    assert.same({"a", "c", "q", "x"}, second)
  end)
end)

describe("an unmodified program with Penlight", function()
  local tests = require("library").tests("pl.List")

  tests.same("iterates over permutations in coroutines", "ab ba\n", [[
    local permute = require "pl.permute"
    local list = {}
    for p in permute.order_iter {"a", "b"} do list[#list + 1] = table.concat(p) end
    table.sort(list)
    print(coroutine.wrap(function() coroutine.yield(table.concat(list, " ")) end)())
  ]])

  tests.lifted("sorts a List by a comparator that yields", "1 2 3\n", [[
    local List = require "pl.List"
    local sort = coroutine.wrap(function()
      return List {3, 1, 2}:sort(function(a, b)
        coroutine.yield()
        return a < b
      end):concat " "
    end)
    local sorted
    repeat sorted = sort() until sorted
    print(sorted)
  ]])
end)
