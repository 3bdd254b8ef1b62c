-- manual_spec.lua: the manual knows all names and messages, its links lead
-- somewhere; HTML where pandoc is installed

local building = require "building"
local child = require "child"
local helper = require "helper"
local messages = require "messages"
local pages = require "pages"

local annotations = dofile "doc/manual/annotations.lua"
local build = dofile "doc/manual/build.lua"
local cfiber = helper.cfiber

if helper.mode ~= "plain" or cfiber.stats().switch == "ucontext" then
  return  -- it is the same in every mode
end

local function files(pattern)
  local names = {}
  for name in io.popen("ls " .. pattern):lines() do
    names[#names + 1] = name
  end
  return names
end

-- The matches of a pattern in a text, sorted, each once.
local function all(text, pattern)
  local names, seen = {}, {}
  for name in text:gmatch(pattern) do
    if not seen[name] then
      names[#names + 1], seen[name] = name, true
    end
  end
  table.sort(names)
  return names
end

describe("lua/cfiber/types.lua", function()
  it("has the functions of the module", function()
    local names = {}
    for name, value in pairs(cfiber) do
      names[#names + 1] = type(value) == "function" and name or nil
    end
    table.sort(names)
    assert.same({cfiber = names}, annotations.names "lua/cfiber/types.lua")
  end)

  it("has the limits, the counts, and what info tells", function()
    local fields = {}
    for _, item in ipairs(annotations.read "lua/cfiber/types.lua") do
      for _, field in ipairs(item.fields or {}) do
        fields[item.class .. "." .. field.name:gsub("%?", "")] = true
      end
    end
    local there = {["cfiber._VERSION"] = true}
    local co = cfiber.create(function() cfiber.yield(cfiber.info(cfiber.running())) end)
    local _, info = cfiber.resume(co)
    for class, t in pairs {stacklimits = cfiber.config(), counts = cfiber.stats(), state = info} do
      for name in pairs(t) do
        there[("cfiber.%s.%s"):format(class, name)] = true
      end
    end
    assert.same(there, fields)
  end)
end)

describe("Types for editors", function()
  for _, path in ipairs {"lua/cfiber/types.lua", "lua/cfiber/task/types.lua"} do
    it("describe each function and its parameters: " .. path, function()
      for _, item in ipairs(annotations.read(path)) do
        if item.name then
          local names = {}
          for i, p in ipairs(item.params) do
            names[i] = p.name:gsub("%?", "")
          end
          assert.equal(item.arguments, ("(%s)"):format(table.concat(names, ", ")), item.name)
          assert.truthy(item.doc[1] or #item.results > 0 and item.results[1].about ~= "", item.name)
        end
      end
    end)
  end
end)

describe("Declarations for Teal", function()
  for path, text in pairs(build.declarations()) do
    it("are what the types for editors say: " .. path, function()
      assert.equal(text, pages.read(path))
    end)
  end
end)

describe("cfiber.h", function()
  local text = pages.read "csrc/include/cfiber.h"
  local described = all(pages.read "doc/manual/c.md", "\n### ([^\n]*)")

  it("describes each function that it declares", function()
    local declared = all(text, "\n#define (cfiber_%l+)%(")
    table.move(all(text, "\nCFIBER_API [^\n(]-([%w_]+) %("), 1, 1, #declared + 1, declared)
    declared[#declared + 1] = "cfiber_import"
    table.sort(declared)
    assert.same(declared, described)
  end)

  it("has a name for each entry of its table", function()
    local names = {raise = "throw", imported = "import"}
    local entries = {"luaopen_cfiber"}
    for name in text:match "struct cfiber_api {.-\n}":gmatch "%(%*(%l+)%)" do
      entries[#entries + 1] = "cfiber_" .. (names[name] or name)
    end
    table.sort(entries)
    assert.same(entries, described)
  end)
end)

describe("The manual", function()
  local guides = files "doc/manual/*.md"

  for name, text in pairs(build.reference()) do
    it("has the reference as the sources have it: " .. name, function()
      assert.equal(text, pages.read("doc/manual/" .. name))
    end)
  end

  local anchors = {}
  for _, path in ipairs(guides) do
    local seen = {}
    for heading in pages.read(path):gmatch "\n##+ ([^\n]*)" do
      local anchor = pages.anchor(heading)
      assert(not seen[anchor], path .. ": two headings " .. heading)
      seen[anchor] = true
    end
    anchors[path:match "[^/]*$"] = seen
  end

  for _, path in ipairs(guides) do
    it("has links that lead somewhere in " .. path, function()
      for target in pages.read(path):gmatch "%]%(([^)]*)%)" do
        local name, anchor = target:match "^([^#:]*)#?([^:]*)$"
        if name then
          name = name ~= "" and name or path:match "[^/]*$"
          assert.truthy(io.open("doc/manual/" .. name), target)
          assert.truthy(anchor == "" or anchors[name][anchor], target)
        else
          assert.match("^https://www%.lua%.org/manual/5%.[45]/manual%.html#", target)
        end
      end
    end)
  end

  it("is listed whole on its first page", function()
    for _, path in ipairs(guides) do
      local name = path:match "[^/]*$"
      assert.truthy(name == "index.md" or pages.read "doc/manual/index.md":find(("(%s)"):format(name), 1, true), name)
    end
  end)
end)

describe("doc/manual/troubleshooting.md", function()
  local page = pages.read "doc/manual/troubleshooting.md"
  local c = messages.c(files "csrc/*.[ch] csrc/switch/*.h csrc/include/*")
  local known = table.move(messages.lua(files "lua/cfiber/*.lua lua/cfiber/*/*.lua"), 1, 1000, #c + 1, c)

  local examples = {}
  for row in page:gmatch "\n| (`[^|]*`) |" do
    for example in row:gmatch "`([^`]*)`" do
      examples[#examples + 1] = example
    end
  end

  -- Can the format give the example, or its beginning or end?
  local function gives(format, example)
    local pattern = format:gsub("[%^$()%[%]*+?.-]", "%%%0"):gsub("%%[sdI]", ".*")
    return example:find("^" .. pattern) or example:find(pattern .. "$")
  end

  it("has each message", function()
    assert.is_true(#known > 120, #known .. " messages")
    local missing = {}
    for _, message in ipairs(known) do
      local found = false
      for _, example in ipairs(examples) do
        found = found or gives(message.text, example)
      end
      missing[#missing + 1] = not found and ("%s: %s"):format(message.path, message.text) or nil
    end
    assert.same({}, missing)
  end)

  local sources = building.check({}, "cat csrc/*.[ch] lua/cfiber/task/*.lua")
  local function isthere(example)
    for _, message in ipairs(known) do
      if gives(message.text, example) then
        return true
      end
    end
    return sources:find('"' .. example:match "^[%w_ ]+", 1, true)
  end

  it("has no message that there is not", function()
    for _, example in ipairs(examples) do
      assert.truthy(isthere(example), example)
    end
  end)

  it("has the messages that the reference quotes", function()
    local n = 0
    for name in pairs(build.reference()) do
      local text = pages.read("doc/manual/" .. name):gsub("```.-```", ""):gsub("`[^`\n]*`", "")
      for quoted in text:gsub("\n *", " "):gmatch '"([^"]*)"' do
        if quoted:find " [^ ]+ " then
          assert.truthy(isthere(quoted), quoted)
          n = n + 1
        end
      end
    end
    assert.is_true(n > 50, n .. " messages")
  end)
end)

describe("The manual in HTML", function()
  local directory

  lazy_setup(function()
    directory = building.directory()
  end)

  lazy_teardown(function()
    building.check({}, "rm -r " .. child.quote(directory))
  end)

  local built
  local function make()
    if not built then
      building.check({"pandoc"}, "$LUA doc/manual/build.lua " .. child.quote(directory))
      built = true
    end
  end

  it("has the places that its links name", function()
    make()
    for _, path in ipairs(files "doc/manual/*.md") do
      local text = pages.read(("%s/%s.html"):format(directory, path:match "(%w+)%.md$"))
      for name, id in text:gmatch 'href="(%w*)[.html]*#([^"]+)"' do
        local other = name == "" and text or pages.read(("%s/%s.html"):format(directory, name))
        assert.truthy(other:find(('id="%s"'):format(id), 1, true), path .. ": " .. id)
      end
    end
  end)

  it("has man pages that say what they are", function()
    make()
    for _, name in ipairs {"cfiber", "cfiber.task", "cfiber.h", "cfiber.hpp"} do
      local output = building.check({"lexgrog"}, "lexgrog " .. child.quote(("%s/%s.3"):format(directory, name)))
      assert.truthy(output:find(('"%s - '):format(name), 1, true), output)
    end
  end)

  -- Each page goes into a frame of that width; the title says how wide it is.
  local script = [[
    <title>none</title>
    <script>
      onload = () => document.title = Array.from(document.querySelectorAll("iframe"),
        f => f.name + " " + f.contentDocument.documentElement.scrollWidth).join()
    </script>
  ]]
  local browse = [[chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --allow-file-access-from-files \
    --virtual-time-budget=5000 --dump-dom]]

  it("does not scroll sideways on a phone", function()
    make()
    local frames, expected = {}, {}
    for i, path in ipairs(files "doc/manual/*.md") do
      local name = path:match "(%w+)%.md$"
      frames[i] = ('<iframe name="%s" src="%s.html" width=360 height=640></iframe>\n'):format(name, name)
      expected[i] = name .. " 360"
    end
    building.write(directory .. "/frames.html", script .. table.concat(frames))
    local output = building.check({"chromium"}, ("%s %s 2>/dev/null"):format(browse,
      child.quote("file://" .. directory .. "/frames.html")))
    assert.equal(table.concat(expected, ","), output:match "<title>(.-)</title>")
  end)
end)
