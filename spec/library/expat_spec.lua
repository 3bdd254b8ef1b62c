-- expat_spec.lua: fibers that yield inside the callbacks of LuaExpat

local helper = require "helper"
local lxp = require "library".modules "lxp"

if not lxp then
  return
end

local cfiber, stock = helper.cfiber, helper.stock

-- An iterator over the names of the elements of a text.
local function names(co, text)
  return co.wrap(function()
    local parser = lxp.new {
      StartElement = function(_, name)
        co.yield(name)
      end,
    }
    assert(parser:parse(text))
    assert(parser:parse())
  end)
end

-- What an iterator returns until its first nil, in one string.
local function drain(iterator)
  local list = {}
  for value in iterator do
    list[#list + 1] = value
  end
  return table.concat(list, " ")
end

describe("LuaExpat in a fiber", function()
  it("yields each element from inside the parser", function()
    helper.leakless(function()
      assert.equal("a b c d", drain(names(cfiber, "<a><b/><c>text<d/></c></a>")))
    end)
  end)

  it("is refused its yields by stock coroutines", function()
    local ok, message = pcall(names(stock, "<a/>"))
    assert.is_false(ok)
    assert.equal("attempt to yield across a C-call boundary", message)
  end)

  it("passes the arguments of resume into the callback", function()
    local seen = {}
    local co = cfiber.create(function()
      local parser = lxp.new {
        StartElement = function(_, name)
          seen[#seen + 1] = name .. "=" .. tostring(cfiber.yield())
        end,
      }
      return parser:parse "<a><b/></a>" ~= nil
    end)
    cfiber.resume(co)
    cfiber.resume(co, 1)
    assert.same({true, true}, {cfiber.resume(co, 2)})
    assert.same({"a=1", "b=2"}, seen)
  end)

  it("yields from every kind of callback in document order", function()
    local function event(kind)
      return function(_, value)
        cfiber.yield(kind .. ":" .. value)
      end
    end
    local iterator = cfiber.wrap(function()
      local parser = lxp.new {
        StartElement = event "start",
        EndElement = event "end",
        CharacterData = event "text",
        Comment = event "comment",
        ProcessingInstruction = event "instruction",
      }
      assert(parser:parse "<a>one<!--two--><?three?></a>")
      assert(parser:parse())
    end)
    assert.equal("start:a text:one comment:two instruction:three end:a", drain(iterator))
  end)

  it("keeps two parsers apart that stand in their callbacks at once", function()
    local first = names(cfiber, "<a><b/><c/></a>")
    local second = names(cfiber, "<x><y/></x>")
    local seen = {}
    for i = 1, 3 do
      seen[2 * i - 1], seen[2 * i] = first(), i < 3 and second() or nil
    end
    assert.same({"a", "x", "b", "y", "c"}, seen)
    assert.is_nil(second())
    assert.is_nil(first())
  end)

  it("yields through a parser that was started in the callback of another", function()
    local function parse(text, inner)
      local parser = lxp.new {
        StartElement = function(_, name)
          cfiber.yield(name)
          if inner then
            parse(inner)
          end
        end,
      }
      assert(parser:parse(text))
      assert(parser:parse())
    end
    local iterator = cfiber.wrap(function()
      parse("<a><b/></a>", "<x/>")
    end)
    assert.equal("a x b x", drain(iterator))
  end)

  it("goes on with the next chunk after yields in the one before", function()
    local iterator = cfiber.wrap(function()
      local parser = lxp.new {
        StartElement = function(_, name)
          cfiber.yield(name)
        end,
      }
      for chunk in ("<first><second/></first>"):gmatch ".." do
        assert(parser:parse(chunk))
      end
      assert(parser:parse())
    end)
    assert.equal("first second", drain(iterator))
  end)

  it("raises the error of a callback that has yielded", function()
    local co = cfiber.create(function()
      local parser = lxp.new {
        StartElement = function(_, name)
          cfiber.yield(name)
          error({name})
        end,
      }
      parser:parse "<a/>"
    end)
    assert.same({true, "a"}, {cfiber.resume(co)})
    assert.same({false, {"a"}}, {cfiber.resume(co)})
    assert.equal("dead", cfiber.status(co))
  end)

  it("reports malformed text after a yield with its line", function()
    local co = cfiber.create(function()
      local parser = lxp.new {StartElement = cfiber.yield}
      return select(2, parser:parse "<a>\n</b>")
    end)
    cfiber.resume(co)
    assert.same({true, "mismatched tag", 2, 3, 7}, {cfiber.resume(co)})
  end)

  it("is collected in the middle of a document", function()
    helper.leakless(function()
      local parsers = setmetatable({}, {__mode = "k"})
      for _ = 1, 20 do
        local co = cfiber.create(function()
          local parser = lxp.new {StartElement = cfiber.yield}
          parsers[parser] = true
          parser:parse "<a><b/></a>"
        end)
        cfiber.resume(co)
      end
      for _ = 1, 4 do  -- the stacks go in the second cycle, what they held after it
        collectgarbage()
      end
      assert.is_nil(next(parsers))
    end)
  end)

  it("is closed in the middle of a document, to-be-closed variables included", function()
    helper.leakless(function()
      local closed = 0
      local co = cfiber.create(function()
        local parser = lxp.new {
          StartElement = function()
            local _ <close> = setmetatable({}, {__close = function()
              closed = closed + 1
            end})
            cfiber.yield()
          end,
        }
        parser:parse "<a/>"
      end)
      cfiber.resume(co)
      assert.is_true(cfiber.close(co))
      assert.equal(1, closed)
    end)
  end)

  it("finds in a long document what a pattern finds", function()
    local text = "<list>" .. ("<item/><other>x</other>"):rep(5000) .. "</list>"
    local _, expected = text:gsub("<%a", "")
    local count = 0
    for _ in names(cfiber, text) do
      count = count + 1
    end
    assert.equal(expected, count)
  end)
end)

describe("an unmodified program with LuaExpat", function()
  local tests = require("library").tests("lxp")

  tests.lifted("pulls elements out of the parser", "a\nb\n", [[
    for name in coroutine.wrap(function()
      local parser = require "lxp".new {StartElement = function(_, name) coroutine.yield(name) end}
      parser:parse "<a><b/></a>"
      parser:parse()
      parser:close()
    end) do
      print(name)
    end
  ]])
end)
