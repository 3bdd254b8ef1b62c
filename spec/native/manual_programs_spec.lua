-- manual_programs_spec.lua: the programs of the manual do what they say

local building = require "building"
local child = require "child"
local helper = require "helper"
local pages = require "pages"

if helper.mode ~= "plain" or helper.cfiber.stats().switch == "ucontext" then
  return  -- they do the same in every mode
end

local quote = child.quote

local compile = [[${CC:-cc} -Wall -Wextra -Werror -Icsrc/include -I"$INC" -x c "$SCRIPT" -x none ]]
local library = compile .. "-shared -fPIC -o %s"
local host = building.libraries:gsub("%%", "%%%%") .. compile .. [[build/libcfiber.a $LUALIBS -Wl,-E -o "$DIR/host"
"$DIR/host"]]

for path in io.popen "ls doc/manual/*.md":lines() do
  describe(path, function()
    local directory

    lazy_setup(function()
      directory = building.directory()
      package.cpath = ("%s/?.so;"):format(directory) .. package.cpath
    end)

    lazy_teardown(function()
      package.cpath = package.cpath:gsub("^[^;]*;", "")
      building.check({}, "rm -r " .. quote(directory))
    end)

    local run = {}

    -- What a page says once is not repeated in its programs.
    local module = pages.read(path):match "\n    (local %l+ = require [^\n]*)\n" or ""

    local modules = {}  -- in C, by their names

    function run.lua(text)
      for name in text:gmatch '"(%w+)"' do
        building.need({}, modules[name] and "${CC:-cc} ${MAKE:-make}" or "")
      end
      local r = child.bare(module .. " " .. text)
      assert.equal("", r.errors)
      return r.output
    end

    -- A module, for the programs that follow, or a program.
    function run.c(text)
      local name = text:match "luaopen_(%w+) %(lua_State"
      if name and not text:find "int main" then
        modules[name] = true
        return building.check({}, library:format(quote(("%s/%s.so"):format(directory, name))), text)
      end
      return building.check({}, ("DIR=%s\n"):format(quote(directory)) .. host, text)
    end

    for _, program in ipairs(pages.programs(path)) do
      it(("holds a program in %s, line %d, that prints what it says"):format(program.language, program.line), function()
        assert.equal(pages.expected(program.text), pages.squeeze(run[program.language](program.text)))
      end)
    end
  end)
end
