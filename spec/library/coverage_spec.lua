-- coverage_spec.lua: a tool that hooks each coroutine, to count lines

local library = require "library"
local hooked_it = require "since"("5.4.3", "ends a handler at a hook, where a coroutine was suspended")

local programs = {"closing", "exit", "lexer", "matrix", "pipeline", "uncaught"}

-- The counts of lines by their numbers, as coverage.lua writes them
local function counts(result)
  local list = {}
  for line, count in result.errors:gmatch "(%d+):(%d+)\n" do
    list[tonumber(line)] = tonumber(count)
  end
  return list
end

describe("coverage by line hooks", function()
  for _, name in ipairs(programs) do
    local test = name == "closing" and hooked_it or it
    test("is on fibers what it is on coroutines, for " .. name, function()
      local program = ("-l coverage spec/native/programs/%s.lua"):format(name)
      local expected = library.run(program)
      assert.is_true(next(counts(expected)) ~= nil)
      assert.same(expected, library.run(library.fibers .. program))
    end)
  end

  local program = [[
    local co = coroutine.wrap(function()
      string.gsub("abc", ".", function(c)
        coroutine.yield(c)
      end)
    end)
    for _ = 1, 3 do co() end]]

  it("counts lines below C frames that yield", function()
    local lines = counts(library.run(library.fibers .. "-l coverage $SCRIPT", program))
    assert.equal(3, lines[3])
  end)

  it("misses coroutines where it is begun before fibers are installed", function()
    local lines = counts(library.run("-l coverage " .. library.fibers .. "$SCRIPT", program))
    assert.is_nil(lines[3])
    assert.is_number(lines[1])
  end)
end)
