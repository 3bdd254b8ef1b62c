-- amalgamate.lua: puts all C sources into one file, for hosts that compile
-- cfiber in. Beside it come the headers that others include.
--
-- What the sources share becomes static, and static names that mean something
-- else in another source get the name of their file behind them. Objects that
-- are shared stand in the sources before their users (csrc/lib*.c before
-- csrc/module.c), or they are no arrays and are defined in one line.
--
-- usage: lua amalgamate.lua DIRECTORY LICENSE csrc/*.c csrc/include/*

local function fail(message, ...)
  io.stderr:write("amalgamate.lua: ", message:format(...), "\n")
  os.exit(1)
end

local function read(name)
  local file, problem = io.open(name, "rb")
  if not file then
    fail("%s", problem)
  end
  local text = file:read "a"
  file:close()
  return text
end

local function write(name, text)
  local file, problem = io.open(name, "wb")
  if not (file and file:write(text) and file:close()) then
    fail("cannot write %s: %s", name, problem or "no space?")
  end
end

local function exists(name)
  local file = io.open(name)
  return file and file:close()
end

-- ---------------------------------------------------------------------------
-- Tokens

-- Calls f with each stretch of the text that is no comment, string or
-- character, and puts its result in the place.
local function mapcode(text, f)
  local parts, from = {}, 1
  while from <= #text do
    local first, char = text:match("()([\"'/])", from)
    local last
    if char == "/" then
      last = text:match("^/%*.-%*/()", first) or text:match("^//[^\n]*()", first)
    elseif char then
      last = first + 1
      while text:sub(last, last) ~= char do
        last = last + (text:sub(last, last) == "\\" and 2 or 1)
      end
      last = last + 1
    end
    local stop = first or #text + 1
    parts[#parts + 1] = f(text:sub(from, stop - 1))
    parts[#parts + 1] = text:sub(stop, (last or stop + 1) - 1)
    from = last or stop + 1
  end
  return table.concat(parts)
end

-- Renames identifiers that are no fields of a struct.
local function rename(text, names)
  return mapcode(text, function(code)
    return (code:gsub("([%.%->]*%s*)%f[%w_]([%a_][%w_]*)", function(before, name)
      if names[name] and not before:find "%." and not before:find "->" then
        return before .. names[name]
      end
    end))
  end)
end

-- The set of all identifiers.
local function identifiers(text)
  local set = {}
  mapcode(text, function(code)
    for name in code:gmatch "%f[%w_][%a_][%w_]*" do
      set[name] = true
    end
    return code
  end)
  return set
end

-- ---------------------------------------------------------------------------
-- Names

-- The static functions and objects and the structs of a source.
local function statics(text)
  local names = {}
  for line in text:gmatch "[^\n]+" do
    local name = line:match "^struct ([%w_]+) {"
    if line:find "^static " or line:find "^INLINE " then
      name = line:match "^[^%(=;]*":gsub("%[.*", ""):match "([%w_]+)%s*$"
    end
    names[#names + 1] = name
  end
  return names
end

-- Which of them some other source uses, with their new names.
local function clashes(file, files)
  local renamed = {}
  local suffix = "_" .. file.name:match "([^/]+)%.c$"
  for _, name in ipairs(file.statics) do
    for _, other in ipairs(files) do
      if other ~= file and other.identifiers[name] then
        renamed[name] = name .. suffix
      end
      if other.identifiers[name .. suffix] then
        fail("%s%s, the new name of %s in %s, is taken by %s", name, suffix, name, file.name, other.name)
      end
    end
  end
  return renamed
end

local function load(names)
  local files = {}
  for i, name in ipairs(names) do
    local text = read(name)
    files[i] = {name = name, text = text, statics = statics(text), identifiers = identifiers(text)}
  end
  for _, file in ipairs(files) do
    file.text = rename(file.text, clashes(file, files))
  end
  return files
end

-- ---------------------------------------------------------------------------
-- Linkage

-- Declarations of what sources share. Arrays are defined before they are used.
local function declaration(line)
  return line:gsub("^PRIVATE extern .*%[%];.*", "")
    :gsub("^PRIVATE extern (.-);", "DECLARED(%1)")
    :gsub("^PRIVATE ", "static ")
end

-- Collects the names of shared objects from declarations.
local function sharedobjects(text, set)
  for name in text:gmatch "\nPRIVATE extern [^;]-([%w_]+)[%[%]]*;" do
    set[name] = true
  end
end

-- The definition of an object.
local function definition(line, objects)
  local head = line:match "^[%a][%w_ %*]*%f[%w_][%w_]+[%[%]]* ="
  local name = head and head:match "([%w_]+)[%[%]]* =$"
  if not objects[name] or line:find "^static" then
    return line
  elseif head:find("[]", 1, true) then
    return "static " .. line
  end
  return line:gsub("^(.-);", "DEFINED(%1)")
end

local linkage = [[
#include "cfiber.h"  /* with lua.h */

#if defined(__cplusplus)
extern "C" {
#endif
#include <lauxlib.h>
#if defined(__cplusplus)
}
#endif

/* An object that is declared first and defined later. */
#if defined(__cplusplus)
#define DECLARED(object) namespace { extern object; }
#define DEFINED(object) namespace { object; }
#else
#define DECLARED(object) static object;
#define DEFINED(object) static object;
#endif

]]

-- ---------------------------------------------------------------------------
-- Files

local out = {}  -- what becomes cfiber.c
local objects = {}
local places = {}  -- header -> the conditionals around each of its places
local conditionals, conditions = {}, 0  -- around the present line

local function emit(text)
  out[#out + 1] = text
end

-- Keeps track of conditionals. The guard of a header is none: it stands for
-- what 'isthere' finds out.
local function track(line)
  local directive = line:match "^%s*#%s*(%l+)"
  if not directive then
    return
  end
  if directive:find "^el" or directive == "endif" then
    table.remove(conditionals)
  end
  if directive:find "^el" or directive:find "^if" then
    conditions = conditions + 1
    local isguard = line:find "^#ifndef [%w_]+_h$"
    conditionals[#conditionals + 1] = isguard and "" or conditions .. "/"
  end
end

-- Is the header already there, wherever the present line is compiled?
local function isthere(name)
  local here = table.concat(conditionals)
  for _, place in ipairs(places[name] or {}) do
    if here:sub(1, #place) == place then
      return true
    end
  end
  places[name] = places[name] or {}
  table.insert(places[name], here)
  return false
end

local function find(name, includer)
  local directory = includer:match "^(.*/)"
  for _, path in ipairs {directory .. name, directory:gsub("[^/]+/$", "") .. name} do
    if exists(path) then
      return path
    end
  end
  fail("%s includes %s, which is not there", includer, name)
end

local function put(name, text)
  emit("\n/* >>> " .. name .. " */\n\n")
  for line in text:gmatch "([^\n]*)\n" do
    local included = line:match '^%s*#%s*include%s*"(.-)"'
    local path = included and find(included, name)
    track(line)
    if not path then
      emit(definition(declaration(line), objects) .. "\n")
    elseif not path:find "/include/" and not isthere(path) then
      local header = read(path)
      sharedobjects(header, objects)
      put(path, header)
    end
  end
  emit("\n/* <<< " .. name .. " */\n\n")
end

-- What must be defined before the first header of the system, for whichever
-- source needs it.
local function putfeatures(files)
  local seen = {}
  for _, file in ipairs(files) do
    for name in file.text:gmatch "#define (_[%u_]+_SOURCE)%f[^%w_]" do
      if not seen[name] then
        seen[name] = true
        emit(("#if !defined(%s)\n#define %s\n#endif\n\n"):format(name, name))
      end
    end
  end
end

-- ---------------------------------------------------------------------------
-- The program

local directory, licensename = table.remove(arg, 1), table.remove(arg, 1)
local sources, headers = {}, {}
for _, name in ipairs(arg) do
  table.insert(name:find "%.c$" and sources or headers, name)
end
if #sources == 0 or #headers == 0 then
  fail "usage: lua amalgamate.lua DIRECTORY LICENSE csrc/*.c csrc/include/*"
end

local version
for _, name in ipairs(headers) do
  version = version or read(name):match '#define CFIBER_VERSION "cfiber (.-)"'
end
local license = read(licensename):gsub("%s+$", ""):gsub("[^\n]*", "** %0"):gsub(" \n", "\n")
local function top(name, role)
  return ("/*\n** %s: %s\n** cfiber %s\n**\n%s\n*/\n\n"):format(name, role, version, license)
end

local files = load(sources)
emit(top("cfiber.c", "all of cfiber, made of the files named below by 'make amalgamation'"))
putfeatures(files)
emit(linkage)
for _, file in ipairs(files) do
  put(file.name, file.text)
end
for _, name in ipairs(headers) do
  local base = name:match "[^/]+$"
  write(directory .. "/" .. base, top(base, "comes with cfiber.c") .. read(name))
end
write(directory .. "/cfiber.c", (table.concat(out):gsub("\n\n\n\n+", "\n\n\n")))
