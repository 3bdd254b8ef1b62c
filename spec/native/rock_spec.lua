-- rock_spec.lua: the rockspec, in a copy of the sources, in child processes

local building = require "building"
local child = require "child"
local helper = require "helper"

if helper.mode ~= "plain" then
  return  -- LuaRocks builds the same in every mode
end

local quote = child.quote
local rockspec = "rockspec/cfiber-scm-1.rockspec"

-- Runs commands of the shell: whether they succeed, and all their output.
local function run(commands, ...)
  local r = child.shell("exec 2>&1\n" .. commands:format(...))
  return r.status == 0, r.output
end

local function check(commands, ...)
  local ok, text = run(commands, ...)
  assert(ok, text)
  return text
end

-- Does this LuaRocks build for a Lua with addresses as wide as here?
local function isours(command)
  local ok, width = run([[$(%s config variables.LUA) -e 'print(string.packsize "T")']], command)
  return ok and tonumber(width) == string.packsize "T"
end

-- The command of the system's LuaRocks for this Lua, or nil.
local function findluarocks()
  for _, command in ipairs {"luarocks-5.4", "luarocks --lua-version 5.4"} do
    if isours(command) then
      return command
    end
  end
end

local luarocks = findluarocks()

-- Defines a test that is skipped where LuaRocks is not installed.
local function case(name, body)
  it(name, luarocks and body or function()
    pending "LuaRocks for this Lua is not installed"
  end)
end

-- The file names that a pattern of the shell stands for.
local function glob(pattern)
  local names = {}
  for name in check("ls %s", pattern):gmatch "[^\n]+" do
    names[#names + 1] = name
  end
  return names
end

describe("The rockspec", function()
  local top, copy, tree

  -- Runs LuaRocks in the copy, where no 'make' around it has a say.
  local function rocks(...)
    return check("cd %s && unset MAKEFLAGS MAKELEVEL && HOME=%s %s %s", quote(copy), quote(top), luarocks,
      table.concat({...}, " "))
  end

  -- The tree is named relative to the copy: Debian's luarocks-5.4 splits its
  -- arguments at spaces.
  lazy_setup(function()
    top = os.tmpname()
    os.remove(top)
    top = top .. " the user's"
    copy, tree = top .. "/copy", top .. "/tree"
    check("mkdir -p %s && cp -R Makefile LICENSE csrc doc lua rockspec %s", quote(copy), quote(copy))
    check("mkdir %s && cp -R spec/run.lua spec/helper.lua spec/c %s", quote(copy .. "/spec"), quote(copy .. "/spec"))
  end)

  lazy_teardown(function()
    check("rm -r %s", quote(top))
  end)

  local installed = false
  local function install()
    if not installed then
      rocks("make", rockspec, "--tree ../tree")
      installed = true
    end
  end

  it("lists all sources and all Lua modules", function()
    local fields = {}
    assert(loadfile(rockspec, "t", fields))()
    local modules = {}
    for name, source in pairs(fields.build.modules) do
      if type(source) == "string" then
        assert.equal(name, (source:match "^lua/(.*)%.lua$":gsub("/", ".")))
        modules[#modules + 1] = source
      end
    end
    table.sort(modules)
    assert.same(glob "csrc/*.c", fields.build.modules.cfiber.sources)
    assert.same(glob "lua/cfiber/*.lua lua/cfiber/*/*.lua", modules)
  end)

  case("is found valid by LuaRocks", function()
    rocks("lint", rockspec)
  end)

  case("installs a module that runs, below a path with spaces", function()
    install()
    local program = [[
      local cfiber = require "cfiber.global" and require "cfiber"
      print(package.searchpath("cfiber", package.cpath))
      print(coroutine.wrap(function()
        return ("abc"):gsub("b", coroutine.yield)
      end)())
      print(coroutine.yield ~= cfiber.yield)]]
    local output = check("cd / && LUA_PATH=%s LUA_CPATH=%s $LUA -e %s", quote(tree .. "/share/lua/5.4/?.lua"),
      quote(tree .. "/lib/lua/5.4/?.so"), quote(program))
    assert.equal(tree .. "/lib/lua/5.4/cfiber.so\nb\ntrue\n", output)
  end)

  case("installs the commands for gdb", function()
    install()
    check("test -f %s/lib/luarocks/rocks-5.4/cfiber/scm-1/doc/cfiber-gdb.py", quote(tree))
  end)

  case("installs all headers", function()
    install()
    assert.same(check "ls csrc/include", check("ls %s/lib/luarocks/rocks-5.4/cfiber/scm-1/csrc/include", quote(tree)))
  end)

  case("installs the header where the README says", function()
    install()
    local readme <close> = assert(io.open "README.md")
    local flags = readme:read "a":match '%-I"$%(luarocks %-%-lua%-version 5%.4 show .-%)[^"\n`]*"'
    flags = flags:gsub("luarocks %-%-lua%-version 5%.4", '%0 --tree "$TREE"')
    building.trymodule("C89", ("TREE=%s\nFLAGS=%s"):format(quote(tree), quote(flags)), {"luarocks"})
  end)

  case("exports nothing but the opening function", function()
    install()
    local symbols = check("nm -D --defined-only %s", quote(tree .. "/lib/lua/5.4/cfiber.so"))
    assert.match("^%x+ T luaopen_cfiber\n$", symbols)
  end)

  case("runs the specs once, from a copy that 'make' was not run in", function()
    local spec <close> = assert(io.open(copy .. "/spec/only_spec.lua", "w"))
    spec:write [[
      it("runs", function()
        assert.is_table(require("helper").cfiber.stats())
        assert.is_table(require "boundary")
      end)]]
    spec:flush()
    assert.match("\n1 success ", rocks("test", rockspec))
  end)

  case("makes the tests fail when a spec fails", function()
    local spec <close> = assert(io.open(copy .. "/spec/only_spec.lua", "w"))
    spec:write "it('fails', function() error 'on purpose' end)"
    spec:flush()
    local ok, problem = pcall(rocks, "test", rockspec)
    assert.is_false(ok)
    assert.match("tests failed", problem, 1, true)
  end)
end)
