-- busted_spec.lua: busted in a coroutine, with tests that yield out of it

local library = require "library"

-- Runs the suite, resuming it with "answer" after each yield; a list of these
-- comes last.
local program = [[
  arg = {[0] = "busted", "--output=TAP", "spec/library/programs/suite.lua"}
  local run = coroutine.create(function()
    require "busted.runner" {standalone = false}
    return "end"
  end)
  local list = {}
  repeat
    local ok, word = coroutine.resume(run, "answer")
    assert(ok, word)
    list[#list + 1] = word
  until word == "end"
  print(table.concat(list, " "))
]]

-- The numbers of the tests that begin a line with these words
local function numbers(output, words)
  local list = {}
  for number in ("\n" .. output):gmatch("\n" .. words .. " (%d+) %-") do
    list[#list + 1] = number
  end
  return table.concat(list, " ")
end

describe("busted", function()
  it("runs a suite that yields anywhere", function()
    local result = library.run(library.fibers .. "$SCRIPT", program)
    assert.equal("", numbers(result.output, "not ok"), result.output)
    assert.equal("1 2 3 4 5 6 7 8 9", numbers(result.output, "ok"))
    assert.equal("file describe setup before test after before has_error after before spy after "
      .. "sort to be a module tostring message hook end", result.output:match "([^\n]*)\n$")
    assert.equal("", result.errors)
    assert.equal(0, result.status)
  end)

  it("reports where stock coroutines are refused that", function()
    local result = library.run("$SCRIPT", program)
    assert.equal("1 2 3", numbers(result.output, "ok"))
    assert.equal("4 5 6 7 8 9", numbers(result.output, "not ok"))
    assert.equal(6, select(2, result.output:gsub("attempt to yield across a C%-call boundary", "")))
    assert.equal(1, result.status)
  end)
end)
