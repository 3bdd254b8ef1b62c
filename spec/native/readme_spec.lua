-- readme_spec.lua: the program that README.md begins with

local child = require "child"

local function program()
  local file <close> = assert(io.open "README.md")
  return assert(file:read("a"):match "```lua\n(.-)```")
end

describe("The first program of the README", function()
  it("prints what it says", function()
    assert.equal("1\tfibers\n2\tyield\n3\tfrom\n4\tanywhere\n", child.bare(program()).output)
  end)

  it("fails without cfiber as it says", function()
    local stock, changes = program():gsub('= require "cfiber"', "= coroutine")
    assert.equal(1, changes)
    local r = child.bare(stock)
    assert.equal(1, r.status)
    assert.match("attempt to yield across a C-call boundary", r.errors, 1, true)
  end)
end)
