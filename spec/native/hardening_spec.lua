-- hardening_spec.lua: what the linker made of cfiber.so, and a build with the
-- flags that distributions harden programs with

local building = require "building"
local child = require "child"
local helper = require "helper"

if helper.mode ~= "plain" then
  return  -- the same file in every mode
end

local module = assert(package.searchpath("cfiber", package.cpath))
local elf = child.shell("readelf -h " .. child.quote(module)).status == 0
local machine = string.packsize "T" > 4 and child.shell("uname -m").output or "of 32 bits"

-- Defines a test that is skipped where there is no readelf, or another
-- machine than the one in 'only'.
local function case(name, only, body)
  it(name, function()
    if not elf or (only and only ~= machine:match "%S+") then
      pending(elf and "this is another machine" or "readelf is not installed, or this is no ELF file")
      return
    end
    body()
  end)
end

local function readelf(flags, file)
  return building.check({}, ("readelf -W %s %s"):format(flags, child.quote(file or module)))
end

local function read(name)
  local file <close> = assert(io.open(name, "rb"))
  return file:read "a"
end

describe("The built module", function()
  case("wants no executable stack", nil, function()
    assert.match("GNU_STACK[^\n]* RW ", readelf "-l")
  end)

  case("is not changed where its code is", nil, function()
    assert.not_match("TEXTREL", readelf "-d")
  end)

  case("has its addresses of functions read-only, and looked up when it is loaded", nil, function()
    assert.match("GNU_RELRO", readelf "-l")
    assert.match("BIND_NOW", readelf "-d")
  end)

  -- The instruction that asks is changed to one that answers.
  case("refuses to load where the process has a shadow stack", "x86_64", function()
    local directory = building.directory()
    local asks, answers = "\xF3\x48\x0F\x1E\xC8", "\x48\x83\xC8\x01\x90"  -- rdsspq %rax; or $1, %rax and nop
    local text, n = read(module):gsub(asks, answers)
    assert.equal(1, n)
    building.write(directory .. "/cfiber.so", text)
    local output = building.check({}, ([[
      LUA_CPATH=%s'/?.so' $LUA -e 'print(pcall(require, "cfiber"))'
      rm -r %s]]):format(child.quote(directory), child.quote(directory)))
    assert.equal("false\tcfiber cannot switch the shadow stack that this process has "
      .. "(GLIBC_TUNABLES=glibc.cpu.x86_shstk=off turns it off)\n", output)
  end)
end)

-- In one file, which is quick to compile. Leaves the object beside the module.
local hardened = [[
cd %s
MAKE=${MAKE:-make}
$MAKE -s --no-print-directory -C "$OLDPWD" amalgamation >/dev/null
FLAGS="-D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fcf-protection"
${CC:-cc} -std=c99 -fPIC -fexceptions -O1 $FLAGS -I"$INC" -c -o cfiber.o "$OLDPWD/build/amalgamation/cfiber.c"
${CC:-cc} -shared -Wl,-z,relro,-z,now -o cfiber.so cfiber.o
LUA_CPATH='./?.so' $LUA - <<'END'
local cfiber = require "cfiber"
local co = cfiber.wrap(function() ("ab"):gsub("%%a", cfiber.yield) end)
print(co(), co(), co())
END
]]

describe("With stack protectors and control flow protection", function()
  if helper.cfiber.stats().switch == "ucontext" then
    return  -- the file is compiled for this machine's switch
  end
  local directory, output
  setup(function()
    if elf and machine:find "^x86_64" then
      directory = building.directory()
      output = building.check({}, hardened:format(child.quote(directory)))
    end
  end)
  teardown(function()
    if directory then
      building.check({}, "rm -r " .. child.quote(directory))
    end
  end)

  case("fibers run", "x86_64", function()
    assert.equal("a\tb\n", output)
  end)

  case("every switch lands where an indirect jump may", "x86_64", function()
    local code = building.check({}, "objdump -d --no-show-raw-insn " .. child.quote(directory .. "/cfiber.o"))
    -- a swap is followed by the instruction that is never executed, and the landing
    local _, swaps = code:gsub("jmpq? +%*%%rdx\n[^\n]+\tnop\n", "")
    local _, landings = code:gsub("jmpq? +%*%%rdx\n[^\n]+\tnop\n[^\n]+\tendbr64", "")
    assert.is_true(swaps > 0)
    assert.equal(swaps, landings)
    assert.match("<fiber_entry>:\n[^\n]+\tendbr64", code)
  end)

  case("no object asks for an executable stack", "x86_64", function()
    assert.match("%.note%.GNU%-stack +PROGBITS +0+ %x+ 0+ 00 +0", readelf("-S", directory .. "/cfiber.o"))
  end)
end)
