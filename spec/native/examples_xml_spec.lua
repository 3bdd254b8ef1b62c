-- examples_xml_spec.lua: expat as an iterator

local example = require "example"
local helper = require "helper"
local cfiber, stock = helper.cfiber, helper.stock

local xml, case = example.open("xml", "expat")

-- All events of a source, each as text.
local function all(source)
  local list = {}
  for kind, value, attributes in xml.events(source) do
    list[#list + 1] = kind .. ":" .. value .. (attributes and attributes.x or "")
  end
  return table.concat(list, " ")
end

-- A source that returns these pieces, then nil.
local function pieces(...)
  local list, i = {...}, 0
  return function()
    i = i + 1
    return list[i]
  end
end

local function fails(message, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  assert.match(message, err)
end

describe("The example xml", function()
  case("iterates over the events in the order of the document", function()
    assert.equal("start:a1 text:one start:b end:b text:< end:a", all "<a x='1'>one<b/>&lt;</a>")
  end)

  case("has a table of all attributes of an element", function()
    local _, _, attributes = xml.events "<a x='1' y='&#228;' z=''/>" ()
    assert.same({x = "1", y = "ä", z = ""}, attributes)
  end)

  case("reads pieces that end anywhere", function()
    assert.equal("start:a1 text:one start:b end:b end:a", all(pieces("<", "a x='", "1'>one", "", "<b/", "></a>")))
  end)

  case("passes the body of the loop the same iterator", function()
    local events, _, _, _ <close> = xml.events "<a><b>in</b><c/></a>"
    local texts = {}
    for kind, name in events do
      if kind == "start" and name == "b" then
        texts[#texts + 1] = select(2, events())
      end
    end
    assert.same({"in"}, texts)
  end)

  case("works in the main thread and in stock coroutines", function()
    assert.same({true, "start:a end:a"}, {stock.resume(stock.create(all), "<a/>")})
  end)

  case("lets the reader yield between two pieces", function()
    local feed = cfiber.wrap(all)
    feed(cfiber.yield)
    feed "<a><b"
    feed "/></a"
    feed ">"
    assert.equal("start:a start:b end:b end:a", feed(nil))
  end)

  case("lets the body of the loop yield", function()
    local iterator = cfiber.wrap(function()
      for kind, name in xml.events "<a><b/></a>" do
        cfiber.yield(kind .. name)
      end
    end)
    assert.same({"starta", "startb", "endb", "enda"}, {iterator(), iterator(), iterator(), iterator()})
    assert.is_nil(iterator())
  end)

  case("keeps two documents apart", function()
    local first, second = xml.events "<a><b/></a>", xml.events "<x>text</x>"
    local seen = {}
    for i = 1, 3 do
      seen[i] = select(2, first()) .. select(2, second())
    end
    assert.same({"ax", "btext", "bx"}, seen)
    assert.same({"end", "a"}, {first()})
    assert.same({}, {first()})
    assert.same({}, {second()})
    assert.same({}, {second()})
  end)

  case("frees the parser where the loop is left", function()
    local before = cfiber.stats().mounted
    for kind in xml.events "<a/>" do
      if kind == "start" then
        break
      end
    end
    pcall(function()
      for _ in xml.events "<a/>" do
        error()
      end
    end)
    assert.equal(before, cfiber.stats().mounted)
  end)

  case("tells of nothing after the loop was left", function()
    local events, _, _, guard = xml.events "<a><b/></a>"
    events()
    events()
    getmetatable(guard).__close(guard)
    assert.same({}, {events()})
  end)

  case("is closed and collected in the middle", function()
    local function begun()
      local co = cfiber.create(function()
        for kind in xml.events "<a/>" do
          cfiber.yield(kind)
        end
      end)
      assert.same({true, "start"}, {cfiber.resume(co)})
      return co
    end
    assert.is_true(cfiber.close(begun()))
    for _ = 1, 10 do
      begun()
    end
  end)

  case("ends with its Lua state in the middle", function()
    assert.equal("start\ta\n", require "child".output [[
      events = require "xml".events "<a/>"
      local kind, name = events()
      print(kind, name)]])
  end)

  case("raises what is wrong with the document, with its line", function()
    fails("^line 2: mismatched tag$", all, "<a>\n</b>")
    fails("^line 1: no element found$", all, "")
    fails("^line 1: not well%-formed %(invalid token%)$", all, "<a>\xFF</a>")
    fails("^line 1: unclosed token$", all, "\0")
  end)

  case("raises the error of the reader, with all before it seen", function()
    local seen, err = {}, {}
    local ok, raised = pcall(function()
      local n = 0
      for kind, name in xml.events(function()
        n = n + 1
        return n == 1 and "<a><b>" or error(err)
      end) do
        seen[#seen + 1] = kind .. name
      end
    end)
    assert.is_false(ok)
    assert.equal(err, raised)
    assert.same({"starta", "startb"}, seen)
  end)

  case("finds as many elements as there are", function()
    local n = 0
    for kind in xml.events("<a>" .. ("<b/>"):rep(20000) .. "</a>") do
      n = n + (kind == "start" and 1 or 0)
    end
    assert.equal(20001, n)
  end)

  case("says what is wrong with its arguments", function()
    fails("string or function expected, got no value", xml.events)
    fails("string or function expected, got table", xml.events, {})
    fails("the reader returned a table, not a string", all, pieces({}))
  end)

  case("comes with a program that shows it", function()
    local text = example.output "xml"
    assert.match("^start\tshelf\tnil\nstart\tbook\t978%-8590379867\n", text)
    assert.match("\nthe first book\tProgramming in Lua\npiece\tstart\ta\n.*\npiece\tend\ta\n$", text)
  end)
end)
