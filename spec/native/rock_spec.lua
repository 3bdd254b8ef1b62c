-- rock_spec.lua: the rockspecs, in a copy of the sources, in child processes

local building = require "building"
local child = require "child"
local helper = require "helper"
local pages = require "pages"

if helper.mode ~= "plain" then
  return  -- LuaRocks builds the same in every mode
end

local quote = child.quote
local rockspec = "rockspec/cfiber-scm-1.rockspec"
local version = helper.cfiber._VERSION:match "%S+$"

-- Where a tree has what is for this Lua
local SHARE, LIB = "/share/lua/" .. child.version, "/lib/lua/" .. child.version
local ROCKS = "lib/luarocks/rocks-" .. child.version

local release = ("cfiber-%s-1"):format(version)

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

-- Is this the LuaRocks of a Lua 5.1?
local function isolder(command)
  local ok, text = run([[$(%s config variables.LUA) -e 'print(_VERSION)']], command)
  return ok and text == "Lua 5.1\n"
end

-- The command of the system's LuaRocks for a Lua, or nil.
local function findluarocks(lua, accept)
  for _, command in ipairs {"luarocks-" .. lua, "luarocks --lua-version " .. lua} do
    if accept(command) then
      return command
    end
  end
end

local luarocks = findluarocks(child.version, isours)
local older = findluarocks("5.1", isolder)

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

  -- Runs a LuaRocks in the copy, where no 'make' around it has a say.
  local function with(command, ...)
    return check("cd %s && unset MAKEFLAGS MAKELEVEL && HOME=%s %s %s", quote(copy), quote(top), command,
      table.concat({...}, " "))
  end

  local function rocks(...)
    return with(luarocks, ...)
  end

  -- The tree is named relative to the copy: Debian's luarocks-5.4 splits its
  -- arguments at spaces.
  lazy_setup(function()
    top = os.tmpname()
    os.remove(top)
    top = top .. " the user's"
    copy, tree = top .. "/copy", top .. "/tree"
    check("mkdir -p %s && cp -R Makefile LICENSE csrc doc lua rockspec %s", quote(copy), quote(copy))
    check("mkdir %s && cd spec && cp -R run.lua helper.lua collector.lua c %s", quote(copy .. "/spec"),
      quote(copy .. "/spec"))
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

  it("of the release is that of the sources, with its version and its tag", function()
    local text = pages.read(rockspec):gsub('"scm%-1"', ('"%s-1"'):format(version))
      :gsub('branch = "main"', ('tag = "v%s"'):format(version))
    assert(text == pages.read(("rockspec/%s.rockspec"):format(release)), "'make rockspec' writes it")
  end)

  case("is found valid by LuaRocks", function()
    for _, name in ipairs(glob "rockspec/*") do
      rocks("lint", name)
    end
  end)

  -- Runs what is installed in a tree, after commands of the shell.
  local function try(at, commands)
    local program = [[
      local cfiber = require "cfiber.global" and require "cfiber"
      print(package.searchpath("cfiber", package.cpath))
      print(coroutine.wrap(function()
        return ("abc"):gsub("b", coroutine.yield)
      end)())
      print(coroutine.yield ~= cfiber.yield)]]
    local output = check("cd / && %s\nLUA_PATH=%s LUA_CPATH=%s $LUA -e %s", commands or ":",
      quote(at .. SHARE .. "/?.lua"), quote(at .. LIB .. "/?.so"), quote(program))
    assert.equal(at .. LIB .. "/cfiber.so\nb\ntrue\n", output)
  end

  case("installs a module that runs, below a path with spaces", function()
    install()
    try(tree)
  end)

  case("installs the commands for gdb, the manual, and types for editors", function()
    install()
    check([[set -e
      cd %s
      for name in cfiber-gdb.py manual/index.md manual/lua.md manual/native.svg; do
        cmp "$OLDPWD/doc/$name" "%s/cfiber/scm-1/doc/$name"
      done
      for name in cfiber.d.tl cfiber/types.lua cfiber/task.d.tl cfiber/task/types.lua; do
        cmp "$OLDPWD/lua/$name" ".%s/$name"
      done]], quote(tree), ROCKS, SHARE)
  end)

  case("installs all headers", function()
    install()
    assert.same(check "ls csrc/include", check("ls %s/%s/cfiber/scm-1/csrc/include", quote(tree), ROCKS))
  end)

  case("installs the header where the README says", function()
    install()
    local readme <close> = assert(io.open "README.md")
    local flags = readme:read "a":match '%-I"$%(luarocks %-%-lua%-version 5%.4 show .-%)[^"\n`]*"'
    flags = flags:gsub("luarocks %-%-lua%-version 5%.4", ('luarocks --lua-version %s --tree "$TREE"'):format(child.version))
    building.trymodule("C89", ("TREE=%s\nFLAGS=%s"):format(quote(tree), quote(flags)), {"luarocks"})
  end)

  case("exports nothing but the opening function", function()
    install()
    local symbols = check("nm -D --defined-only %s", quote(tree .. LIB .. "/cfiber.so"))
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

  -- The release: its rockspec, with a repository on this machine in the place of
  -- the public one, and both kinds of rocks that it makes
  local packed
  local function pack()
    if packed then
      return
    end
    building.check({"git", "zip", "unzip"}, "")
    check([[set -e
      mkdir -p %s/origin %s/rocks
      cp -R Makefile LICENSE csrc doc lua rockspec %s/origin
      cd %s/origin
      git init -q && git add . && git -c user.name=spec -c user.email=spec@localhost commit -q -m sources
      git tag v%s]], quote(top), quote(top), quote(top), quote(top), version)
    local text, n = pages.read(("rockspec/%s.rockspec"):format(release)):gsub('"git%+https://[^"]*"',
      ("%q"):format("git+file://" .. top .. "/origin"))
    assert.equal(1, n)
    building.write(("%s/rocks/%s.rockspec"):format(top, release), text)
    rocks(("pack ../rocks/%s.rockspec"):format(release))
    rocks(("install %s.src.rock --tree ../packed"):format(release))
    rocks("pack cfiber --tree ../packed")
    packed = true
  end

  local function binary()
    return glob(("%s/%s.*-*.rock"):format(quote(copy), release))[1]:match "[^/]*$"
  end

  case("of the release makes a rock of sources that installs", function()
    pack()
    try(top .. "/packed")
  end)

  case("builds the same bytes in another place", function()
    install()
    pack()
    check("cmp %s %s", quote(tree .. LIB .. "/cfiber.so"), quote(top .. "/packed/lib/lua/5.4/cfiber.so"))
  end)

  -- All programs of the system but compilers, assemblers and linkers
  local uncompiled = [[
    mkdir -p %s/bin
    not='/[^/]*(cc|c\+\+|g\+\+|clang|c[89]9|cpp)[^/]*$|/([^/]*-)?(ld|as)[^/]*$'
    ls -d /usr/local/bin/* /bin/* /usr/bin/* | grep -Ev "$not" | xargs ln -sf -t %s/bin
    export PATH=%s/bin
    if command -v cc gcc clang c++ ld as; then exit 1; fi]]

  case("makes a binary rock that installs and runs where no compiler is", function()
    pack()
    try(top .. "/nocc", ("%s\n(cd %s && HOME=%s %s install %s --tree ../nocc) >/dev/null 2>&1"):format(
      uncompiled:format(quote(top), quote(top), quote(top)), quote(copy), quote(top), luarocks, binary()))
  end)

  case("is installed for one user, and removed without a trace", function()
    pack()
    rocks("install", binary(), "--local")
    try(top .. "/.luarocks")
    rocks("remove cfiber --local")
    assert.equal(("./%s/manifest\n"):format(ROCKS), check("cd %s/.luarocks && find . -type f", quote(top)))
  end)

  -- Defines a test that is skipped where there is no LuaRocks for Lua 5.1.
  local function oldercase(name, body)
    case(name, older and body or function()
      pending "LuaRocks for Lua 5.1 is not installed"
    end)
  end

  oldercase("is refused by another Lua's LuaRocks, which says what it needs", function()
    local ok, problem = pcall(with, older, "make", rockspec, "--tree ../older")
    assert.is_false(ok)
    assert.match("cfiber scm-1 depends on lua >= 5.4, < 5.6 (not installed)", problem, 1, true)
    assert.is_false((run("test -e %s/older", quote(top))))
  end)

  oldercase("leaves alone what another Lua has in the same tree", function()
    pack()
    building.write(top .. "/rocks/other-1-1.rockspec", [[
      package, version, source = "other", "1-1", {url = "."}
      build = {type = "builtin", modules = {["cfiber.other"] = "lua/cfiber/global.lua"}}]])
    local files = ("cd %s/both && find . -path '*5.1*' -type f -exec cksum {} +"):format(quote(top))
    with(older, "make ../rocks/other-1-1.rockspec --tree ../both")
    local before = check(files)
    assert.match("share/lua/5.1/cfiber/other.lua", before, 1, true)
    rocks("install", binary(), "--tree ../both")
    try(top .. "/both")
    rocks("remove cfiber --tree ../both")
    assert.equal(before, check(files))
  end)
end)
