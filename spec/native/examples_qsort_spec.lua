-- examples_qsort_spec.lua: C's qsort with comparators that yield

local example = require "example"
local helper = require "helper"
local cfiber = helper.cfiber

local qsort, case = example.open "qsort"

-- n numbers in no order, each once.
local function shuffled(n)
  local list = {}
  for i = 1, n do
    list[i] = i * 7919 % 10007
  end
  return list
end

local function sorted(list)
  local copy = table.move(list, 1, #list, 1, {})
  table.sort(copy)
  return copy
end

local function difference(a, b)
  return a - b
end

-- A fiber that is in the middle of sorting the list.
local function begun(list)
  local co = cfiber.create(qsort)
  assert(cfiber.resume(co, list, cfiber.yield))
  return co
end

-- Answers the questions of fibers that sort, in turn, until all have ended.
local function serve(sorts)
  local questions = 0
  while #sorts > 0 do
    local sort = table.remove(sorts, 1)
    local _, a, b = assert(cfiber.resume(sort.co, table.unpack(sort, 1, 2)))
    sort[1], sort[2] = a and a - b, nil
    if cfiber.status(sort.co) == "suspended" then
      sorts[#sorts + 1] = sort
      questions = questions + 1
    end
  end
  return questions
end

local function fails(message, ...)
  local ok, err = pcall(qsort, ...)
  assert.is_false(ok)
  assert.match(message, err)
end

describe("The example qsort", function()
  case("sorts outside of fibers", function()
    local list = shuffled(3000)
    local expected = sorted(list)
    qsort(list, difference)
    assert.same(expected, list)
  end)

  case("sorts lists of one and of none", function()
    local one, none = {1}, {}
    qsort(one, error)
    qsort(none, error)
    assert.same({{1}, {}}, {one, none})
  end)

  case("sorts values of any type by a comparator of any size of answers", function()
    local a, b, c = {key = 2}, {key = 1.5}, {key = -1}
    local list = {a, b, c}
    qsort(list, function(x, y)
      return (x.key - y.key) / 1000
    end)
    assert.equal(c, list[1])
    assert.equal(b, list[2])
    assert.equal(a, list[3])
  end)

  case("lets the comparator yield, thousands of times", function()
    local list = shuffled(1000)
    local expected = sorted(list)
    assert(serve {{co = cfiber.create(qsort), list, cfiber.yield}} > 1000)
    assert.same(expected, list)
  end)

  case("sorts in two fibers at once", function()
    local first, second = shuffled(300), shuffled(200)
    local expected = {sorted(first), sorted(second)}
    serve {{co = cfiber.create(qsort), first, cfiber.yield}, {co = cfiber.create(qsort), second, cfiber.yield}}
    assert.same(expected, {first, second})
  end)

  case("sorts in the comparator of a sort", function()
    local list = shuffled(20)
    local expected = sorted(list)
    qsort(list, function(a, b)
      local pair = {a, b}
      qsort(pair, difference)
      return a == b and 0 or pair[1] == a and -1 or 1
    end)
    assert.same(expected, list)
  end)

  case("raises the error of the comparator and leaves the list as it was", function()
    local list, err, n = shuffled(100), {}, 0
    local ok, raised = pcall(qsort, list, function(a, b)
      n = n + 1
      if n == 50 then
        error(err)
      end
      return a - b
    end)
    assert.is_false(ok)
    assert.equal(err, raised)
    assert.equal(50, n)
    assert.same(shuffled(100), list)
  end)

  case("raises what is thrown into the comparator", function()
    local co = begun(shuffled(100))
    assert.same({false, "thrown"}, {cfiber.throw(co, "thrown")})
  end)

  case("is closed in the middle", function()
    local list = shuffled(1000)
    local co = begun(list)
    assert.is_true(cfiber.close(co))
    assert.same(shuffled(1000), list)
  end)

  case("is left by exit in the comparator", function()
    local co = cfiber.create(qsort)
    local _, a, b = assert(cfiber.resume(co, shuffled(1000), cfiber.exit))
    assert(a ~= b and b, "the question of the comparator is not there")
    assert.equal("dead", cfiber.status(co))
  end)

  case("is collected in the middle", function()
    for _ = 1, 10 do
      begun(shuffled(200))
    end
  end)

  case("is suspended and closed with the fiber around it", function()
    local co
    co = cfiber.create(function()
      cfiber.wrap(qsort)(shuffled(200), function(...)
        return cfiber.suspend(co, ...)
      end)
    end)
    assert.equal(3, select("#", assert(cfiber.resume(co))))
    assert.equal(3, select("#", assert(cfiber.resume(co, 1))))
    assert.is_true(cfiber.close(co))
  end)

  case("gives back what qsort has allocated, wherever it is left", function()
    local function pages()
      collectgarbage()
      local statm <close> = io.open "/proc/self/statm"
      return statm and statm:read "n" or pending "there is no /proc/self/statm"
    end
    local list, before = shuffled(100000), nil
    for i = 1, 40 do
      cfiber.close(begun(list))
      before = i == 10 and pages() or before
    end
    local buffers = 30 * 100000 * 16 // 4096
    assert(pages() - before < buffers / 2, "the process has grown")
  end)

  case("does not mind a comparator that changes the list", function()
    local list = {3, 1, 2}
    qsort(list, function(a, b)
      list[1], list[2], list[3], list[4] = nil, nil, nil, nil
      return a - b
    end)
    assert.same({1, 2, 3}, list)
  end)

  case("survives a comparator that contradicts itself", function()
    local list, n = shuffled(500), 0
    qsort(list, function()
      n = n + 1
      return n % 3 - 1
    end)
    assert.same(sorted(shuffled(500)), sorted(list))
  end)

  case("takes only numbers from the comparator, not NaN for an order", function()
    fails("the comparator returned a boolean, not a number", {1, 2}, rawequal)
    fails("the comparator returned a nil, not a number", {1, 2}, function() end)
    qsort({1, 2, 3}, function()
      return 0 / 0
    end)
  end)

  case("says what is wrong with its arguments", function()
    fails("bad argument #1 to '.-' %(table expected, got no value%)")
    fails("bad argument #2 to '.-' %(value expected%)", {})
    fails("bad argument #1 to '.-' %(too many items%)", setmetatable({}, {__len = function()
      return math.maxinteger
    end}), error)
    fails("bad argument #1 to '.-' %(too many items%)", setmetatable({}, {__len = function()
      return -1
    end}), error)
    fails("attempt to call a number value", {1, 2}, 1)
  end)

  case("ends with its Lua state", function()
    local child = require "child"
    assert.equal("true\n", child.output [[
      local qsort = require "qsort"
      sorting = cfiber.create(qsort)
      print((cfiber.resume(sorting, {3, 1, 2}, cfiber.yield)))]])
  end)

  case("comes with a program that shows it", function()
    local text = example.output "qsort"
    assert.match("^which is first%?\tpear\tfig\nwhich is first%?\t30\t1\n", text)
    assert.match("\nfig pear apple banana\n1 4 30 200\n$", text)
  end)
end)
