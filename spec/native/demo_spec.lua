-- demo_spec.lua: the example that 'make demo' runs, in child processes

local child = require "child"
local helper = require "helper"
local library = require "library"

if helper.mode ~= "plain" then
  return  -- the demo runs the same in every mode
end

if not library.modules("lxp", "lpeg") then
  return
end

local quote = child.quote
local demo = "$LUA spec/examples/demo.lua "

local function writeall(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

-- Runs commands of the shell: exit status, output and errors.
local function run(commands)
  local r = child.shell(commands)
  return r.status, r.output, r.errors
end

describe("The demo", function()
  local directory

  setup(function()
    directory = os.tmpname()
    os.remove(directory)
    assert(os.execute("mkdir " .. directory))
  end)

  teardown(function()
    os.execute("rm -r " .. directory)
  end)

  -- Runs the demo on a text in a file of this name.
  local function on(text, name)
    local path = directory .. "/" .. (name or "document.xml")
    writeall(path, text)
    local status, out, err = run(demo .. quote(path))
    return status, out, (err:gsub("^" .. directory:gsub("%p", "%%%0") .. "/", ""))
  end

  -- The demo ends with this message for a text.
  local function fails(message, text, name)
    assert.same({1, "", message .. "\n"}, {on(text, name)})
  end

  -- The demo counts so many elements, and its check agrees in these words.
  local function counts(elements, check, text)
    local status, out, err = on(text)
    assert.same({0, ""}, {status, err})
    assert.match(("cfiber     %d elements in "):format(elements), out, 1, true)
    assert.match("check      " .. check .. "\n", out, 1, true)
  end

  it("reads the system's document and shows that stock coroutines cannot", function()
    local status, out, err = run(demo)
    assert.same({0, ""}, {status, err})
    local total = tonumber(out:match "^/usr/share/mime/packages/freedesktop.org.xml\n.* (%d+) elements in ")
    assert.is_true(total > 10000)
    assert.match(("LPeg finds %d start tags in the text, the same\n"):format(total), out, 1, true)
    assert.match("\n  coroutine  attempt to yield across a C%-call boundary\n$", out)
  end)

  it("reads the same document for an empty argument", function()
    local _, named = run(demo .. "/usr/share/mime/packages/freedesktop.org.xml")
    local _, unnamed = run(demo .. "''")
    assert.equal((named:gsub("%d%.%d%d s", "")), (unnamed:gsub("%d%.%d%d s", "")))
  end)

  it("names what occurs most, most first, equals in alphabetical order", function()
    local _, out = on "<a><d/><c/><b/><b/><d/><e/></a>"
    assert.match("the most   b (2), d (2), a (1)\n", out, 1, true)
  end)

  it("counts no tags in comments, sections, instructions and declarations", function()
    counts(3, "LPeg finds 3 start tags in the text, the same", [==[
<?xml version="1.0"?>
<!DOCTYPE a PUBLIC "-//a" "[<a>" [
  <!ELEMENT a ANY>
  <!ENTITY one "<a>[</a>">
  <!ENTITY two '<a>"</a>'>
  <!-- > <a> ' " -->
  <?pi <a> ' ?>
]>
<a x='>"'><!----><!-->--><b y="'/>"
/><![CDATA[<a>]]]]><c>]] &gt; "</c></a>
<!-- > <a> -->]==])
  end)

  it("says so when entities hold elements", function()
    counts(3, "LPeg finds 2 start tags in the text, the other elements come from entities",
      "<!DOCTYPE a [<!ENTITY e '<b/>'>]><a>&e;<c/></a>")
  end)

  it("reads UTF-16 and says that its check does not", function()
    counts(2, "not made: the document is in UTF-16", "\xFE\xFF" .. ("<a><b/></a>"):gsub(".", "\0%0"))
  end)

  it("reads Latin-1 that says so", function()
    counts(1, "LPeg finds 1 start tags in the text, the same", "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE4</a>")
  end)

  it("reads a pipe", function()
    local status, out = run("echo '<a><b/></a>' | " .. demo .. "/dev/stdin")
    assert.equal(0, status)
    assert.match("LPeg finds 2 start tags in the text, the same", out, 1, true)
  end)

  it("takes a name with spaces and quotes", function()
    fails("it's \"my\" $(file).xml:1: no element found", "", "it's \"my\" $(file).xml")
  end)

  it("ends with expat's message and the line of an error", function()
    fails("document.xml:3: mismatched tag", "<a>\n\n</b>\n")
  end)

  it("finds the line of an error that is far below", function()
    fails("document.xml:30002: mismatched tag", "<a>\n" .. ("<b/>\n"):rep(30000) .. "</b>")
  end)

  it("ends with a message for a truncated document", function()
    fails("document.xml:2: no element found", "<a>\n<b/>")
    fails("document.xml:2: unclosed token", "<a>\n<b")
  end)

  it("ends with a message for an empty file", function()
    fails("document.xml:1: no element found", "")
  end)

  it("ends with a message for bytes that are not UTF-8", function()
    fails("document.xml:1: not well-formed (invalid token)", "<a>\xFF</a>")
  end)

  it("ends with a message for what is no XML", function()
    fails("document.xml:1: not well-formed (invalid token)", "\x7FELF\2\1\1\0\0")
  end)

  it("ends with the system's message for a missing file", function()
    local path = directory .. "/missing.xml"
    assert.same({1, "", path .. ": No such file or directory\n"}, {run(demo .. path)})
  end)

  it("ends with the system's message for a directory", function()
    assert.same({1, "", directory .. ": Is a directory\n"}, {run(demo .. directory)})
  end)

  it("shows its progress on a terminal, on one line, and removes it", function()
    if run "script -qec true /dev/null </dev/null" ~= 0 then
      return pending "there is no command 'script', or no terminal for it"
    end
    writeall(directory .. "/long.xml", "<a>" .. ("<b/>"):rep(600000) .. "</a>")
    local status, out = run(("script -qec %s /dev/null </dev/null"):format(quote(demo .. directory .. "/long.xml")))
    assert.equal(0, status)
    local expected = "\r\27[K1 MB\r\27[K2 MB\r\27[K" .. directory
    assert.equal(expected, out:sub(1, #expected))
  end)

  it("shows no progress where the output is no terminal", function()
    local _, out = on("<a>" .. ("<b/>"):rep(600000) .. "</a>")
    assert.is_nil(out:find "%c[^ ]")
  end)
end)
