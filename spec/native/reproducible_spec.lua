-- reproducible_spec.lua: the same sources make the same files, wherever and
-- whenever they are built

local building = require "building"
local child = require "child"
local helper = require "helper"

if helper.mode ~= "plain" or helper.cfiber.stats().switch == "ucontext" then
  return  -- 'make' builds in the same way
end

local quote = child.quote

describe("'make'", function()
  local missing = building.missing {"${CC:-cc}", "${MAKE:-make}"}
  if missing then
    pending("builds the same files: " .. missing)
    return
  end
  local top

  lazy_setup(function()
    top = building.directory()
    -- one place has a longer name, and its files are of another year
    building.check({}, ([[
      for place in a "another place"; do
        mkdir %s/"$place" && cp -R Makefile csrc %s/"$place"
      done
      find %s/a -type f -exec touch -t 200101010101 {} +
      for place in a "another place"; do
        (cd %s/"$place" && ${MAKE:-make} -s >log 2>&1) || { cat %s/"$place"/log; exit 1; }
      done]]):format(quote(top), quote(top), quote(top), quote(top), quote(top)))
  end)

  lazy_teardown(function()
    building.check({}, "rm -r " .. quote(top))
  end)

  for _, name in ipairs {"cfiber.so", "libcfiber.a"} do
    it("builds the same " .. name .. ", with what debuggers need", function()
      building.check({}, ([[
        cd %s
        cmp a/build/%s "another place/build/%s"
        grep -q csrc/fiber.c a/build/%s]]):format(quote(top), name, name, name))
    end)
  end
end)
