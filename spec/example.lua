-- example.lua: for specs of the C examples, which are built here

local building = require "building"
local busted = require "busted"
local child = require "child"
local helper = require "helper"

local example = {}

-- Where the Makefile builds what belongs to the cfiber that runs.
local ucontext = package.searchpath("cfiber", package.cpath):match "build/ucontext/cfiber%.so$" ~= nil
local directory = (ucontext and "build/ucontext" or "build") .. "/examples/"

package.cpath = "./" .. directory .. "?.so;" .. package.cpath

-- The first line of a compiler's or linker's message that names what is not
-- installed.
local function missing(errors, library)
  for line in errors:gmatch "[^\n]+" do
    if line:find(library, 1, true) and (line:find "fatal error" or line:find "find") then
      return line
    end
  end
end

--- Builds an example, a file below the build directory.
-- Returns its path; or nil and the reason, where the library that it needs, or
-- make, is not installed.
function example.build(name, library)
  local path = directory .. name
  local absent = building.missing {"${MAKE:-make}"}
  if absent then
    return nil, absent
  end
  local r = child.shell(("${MAKE:-make} -s --no-print-directory SWITCH=%s %s"):format(ucontext and "ucontext"
    or "native", path))
  local reason = r.status ~= 0 and library and missing(r.errors, library)
  if reason then
    return nil, reason
  end
  assert(r.status == 0, r.errors)
  return path
end

--- Opens the module of an example. Returns the module, nil where it cannot be
-- built for lack of a library; and a function that defines a test which leaves
-- no fiber behind, or is pending there. It defines none where the modules do
-- the same: in all modes but one.
function example.open(name, library)
  if helper.mode ~= "plain" or ucontext then
    return nil, function() end
  end
  local path, reason = example.build(name .. ".so", library)
  if not path then
    return nil, function(what)
      busted.pending(what .. ": " .. reason)
    end
  end
  return require(name), function(what, body)
    busted.it(what, function()
      helper.leakless(body)
    end)
  end
end

--- What the Lua program of an example prints.
function example.output(name)
  local file <close> = assert(io.open("spec/examples/" .. name .. ".lua"))
  local r = child.bare(file:read "a")
  assert(r.status == 0 and r.errors == "", r.errors)
  return r.output
end

return example
