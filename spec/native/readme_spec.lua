-- readme_spec.lua: the programs in README.md, the names in doc/testing.md

local child = require "child"

local function program(nth)
  local file <close> = assert(io.open "README.md")
  for text in file:read("a"):gmatch "```lua\n(.-)```" do
    nth = nth - 1
    if nth == 0 then
      return text
    end
  end
  error "there is none"
end

describe("The first program of the README", function()
  it("prints what it says", function()
    assert.equal("1\tfibers\n2\tyield\n3\tfrom\n4\tanywhere\n", child.bare(program(1)).output)
  end)

  it("fails without cfiber as it says", function()
    local stock, changes = program(1):gsub('= require "cfiber"', "= coroutine")
    assert.equal(1, changes)
    local r = child.bare(stock)
    assert.equal(1, r.status)
    assert.match("attempt to yield across a C-call boundary", r.errors, 1, true)
  end)
end)

describe("The second program of the README", function()
  it("prints what it says", function()
    local text = "local cfiber = require 'cfiber'\n" .. program(2)
    assert.equal("true\ta line\nread hello\n", child.bare(text).output)
  end)
end)

describe("The program of the README with tasks", function()
  it("prints what it says", function()
    local file <close> = assert(io.open "README.md")
    local text = file:read "a":match "```lua\n(local task = .-)```"
    assert.equal("true\tfigs\nserved soup\nthe bell rang 1 times\nserved fish\nserved figs\n", child.bare(text).output)
  end)
end)

describe("doc/testing.md", function()
  it("names specs and files that are there", function()
    local file <close> = assert(io.open "doc/testing.md")
    local n = 0
    for name in file:read("a"):gmatch "`([%w_/.-]+/[%w_/.-]+)`" do
      local path = name:match "^spec/" and name or ("spec/%s_spec.lua"):format(name)
      assert.truthy(io.open(path), path)
      n = n + 1
    end
    assert.is_true(n > 60, n .. " names")
  end)
end)
