-- readme_spec.lua: the programs in README.md, the names in doc/testing.md, links

local child = require "child"
local pages = require "pages"

local programs = {}
for _, program in ipairs(pages.programs "README.md") do
  if program.language == "lua" then
    programs[#programs + 1] = program.text
  end
end

describe("The first program of the README", function()
  it("prints what it says", function()
    assert.equal("1\tfibers\n2\tyield\n3\tfrom\n4\tanywhere\n", child.bare(programs[1]).output)
  end)

  it("fails without cfiber as it says", function()
    local stock, changes = programs[1]:gsub('= require "cfiber"', "= coroutine")
    assert.equal(1, changes)
    local r = child.bare(stock)
    assert.equal(1, r.status)
    assert.match("attempt to yield across a C-call boundary", r.errors, 1, true)
  end)
end)

describe("The second program of the README", function()
  it("prints what it says", function()
    local text = "local cfiber = require 'cfiber'\n" .. programs[2]
    assert.equal("true\ta line\nread hello\n", child.bare(text).output)
  end)
end)

describe("The program of the README with tasks", function()
  it("prints what it says", function()
    local text = programs[#programs]
    assert.equal("true\tfigs\nserved soup\nthe bell rang 1 times\nserved fish\nserved figs\n", child.bare(text).output)
  end)
end)

describe("doc/testing.md", function()
  it("names specs and files that are there", function()
    local n = 0
    for name in pages.read "doc/testing.md":gmatch "`([%w_/.-]+/[%w_/.-]+)`" do
      local path = name:match "^spec/" and name or ("spec/%s_spec.lua"):format(name)
      assert.truthy(io.open(path), path)
      n = n + 1
    end
    assert.is_true(n > 60, n .. " names")
  end)
end)

-- Has a page a heading with this anchor?
local function hasheading(path, anchor)
  for heading in pages.read(path):gmatch "\n##+ ([^\n]*)" do
    if pages.anchor(heading) == anchor then
      return true
    end
  end
end

describe("Links to what is in this project lead somewhere", function()
  for _, path in ipairs {"README.md", "doc/testing.md", "doc/contributing.md"} do
    it("in " .. path, function()
      local n = 0
      for target, anchor in pages.read(path):gmatch "%]%(([^)#:]*)#?([^):]*)%)" do
        local file = target == "" and path or path:match "^(.-)[^/]*$" .. target
        assert.truthy(io.open(file), file)
        assert.truthy(anchor == "" or hasheading(file, anchor), anchor)
        n = n + 1
      end
      assert.is_true(n > 0)
    end)
  end
end)

describe("doc/contributing.md", function()
  it("names files that are there", function()
    local n = 0
    for path in pages.read "doc/contributing.md":gmatch "`([clrsd][%w_]+/[%w_/.-]+)`" do
      assert.truthy(io.open(path), path)
      n = n + 1
    end
    assert.is_true(n > 6, n .. " names")
  end)
end)
