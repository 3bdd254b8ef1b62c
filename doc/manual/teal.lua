-- teal.lua: the files of types for editors as declarations for Teal
--
-- A class is a record, in that of its module, named with a capital: the module
-- has functions of the same names. Words that a string is one of are strings.

local annotations = require "annotations"

local teal = {}

-- Types that LuaLS has, and what Teal calls them.
local plain = {
  any = "any", boolean = "boolean", integer = "integer", number = "number", string = "string", thread = "thread",
  ["nil"] = "nil", ["true"] = "boolean", ["false"] = "boolean", table = "{any: any}",
}

-- Classes whose objects stand in 'local x <close>', which LuaLS has no word for.
local closable = {Group = true, Mutex = true}

-- ---------------------------------------------------------------------------
-- Types

local one, union

-- The parameters of "fun(...)": names with types.
local function parameters(names, text)
  local list, rest = {}, text:sub(2, -2)
  while rest ~= "" do
    local name, stop = rest:match "^%s*([%w_.]+%??)%s*:?%s*()"
    local kind
    if name == "..." then
      kind, rest = "any", rest:sub(stop)
    else
      kind, rest = union(names, rest:sub(stop))
    end
    list[#list + 1] = ("%s: %s"):format(name, kind)
    rest = rest:match "^%s*,(.*)" or rest
  end
  return table.concat(list, ", ")
end

-- A function whose results are not said may have any.
local function callable(names, text)
  local list, rest = text:match "^fun(%b())(.*)"
  local result, after = "any...", rest:match "^:%s*(.*)"
  if after and after:find "^%.%.%." then
    rest = after:sub(4)
  elseif after then
    result, rest = union(names, after)
  end
  return ("function(%s): (%s)"):format(parameters(names, list), result), rest
end

-- One alternative at the beginning of a text, and what is behind it.
function one(names, text)
  local literal, rest = text:match '^("[^"]*")%??(.*)'
  if literal then
    return "string", rest
  elseif text:find "^fun%(" then
    return callable(names, text)
  end
  local name, array
  name, array, rest = text:match "^([%w_.]+)([%[%]]*)%??(.*)"
  local kind = assert(names[name] or plain[name], "unknown type: " .. text)
  return array == "[]" and ("{%s}"):format(kind) or kind, rest
end

-- Alternatives, each once, a function last: what follows it could be its result.
-- Every type has nil.
function union(names, text)
  local kinds, last, seen, rest = {}, {}, {["nil"] = true}, text
  repeat
    local kind
    kind, rest = one(names, rest)
    if not seen[kind] then
      table.insert(kind:find "^function" and last or kinds, kind)
      seen[kind] = true
    end
    local more = rest:match "^%s*|%s*(.*)"
    rest = more or rest
  until not more
  table.move(last, 1, #last, #kinds + 1, kinds)
  return seen.any and "any" or #kinds == 0 and "nil" or table.concat(kinds, " | "), rest
end

local function whole(names, text)
  local kind, rest = union(names, text)
  assert(not rest:find "%S", "a type and more: " .. text)
  return kind
end

-- ---------------------------------------------------------------------------
-- Functions and fields

local function results(names, item)
  local list = {}
  for i, r in ipairs(item.results) do
    list[i] = whole(names, r.type) .. (r.name == "..." and "..." or "")
  end
  return #list > 0 and (": (%s)"):format(table.concat(list, ", ")) or ""
end

local function method(names, item, owner)
  local list = {item.mark == ":" and "self: " .. owner or nil}
  for _, p in ipairs(item.params) do
    list[#list + 1] = ("%s: %s"):format(p.name, whole(names, p.type))
  end
  return ("%s: function%s(%s)%s"):format(item.name, item.generic and ("<%s>"):format(item.generic) or "",
    table.concat(list, ", "), results(names, item))
end

local function add(lines, format, ...)
  lines[#lines + 1] = format:format(...)
end

-- A function or method in the record of its owner.
local function addmethod(lines, names, item, owner)
  if item.generic then
    names = setmetatable({[item.generic] = item.generic}, {__index = names})
  end
  add(lines, "%s", method(names, item, owner))
  for _, overload in ipairs(item.overloads) do
    add(lines, "%s: %s", item.name, whole(names, overload))
  end
end

local function addclass(lines, names, item, name)
  for _, f in ipairs(item.fields) do
    add(lines, "%s: %s", f.name:gsub("%?", ""), whole(names, f.type))
  end
  for _, o in ipairs(item.operators) do
    local operator, result = o:match "^(%l+): (.*)"
    add(lines, "metamethod __%s: function(%s): (%s)", operator, name, whole(names, result))
  end
  if closable[name] then
    add(lines, "metamethod __close: function(%s, any)", name)
  end
end

-- ---------------------------------------------------------------------------
-- Modules

-- The names of classes and aliases, that of the module's own class 'module'.
local function classnames(items, module)
  local names = {}
  for _, item in ipairs(items) do
    if item.class then
      names[item.class] = item.class:match "[^.]*$":gsub("^%l", string.upper)
    end
  end
  names[items[1].class] = module
  return names
end

-- The lines of each record, by its owner in the file, and of the aliases.
local function bodies(items, names, module)
  local owners, lines, order, aliases = {}, {}, {}, {}
  for _, item in ipairs(items) do
    local name = names[item.class]
    if item.alias then
      add(aliases, "type %s = %s", name, whole(names, item.alias))
    elseif name then
      owners[item.owner or name], lines[name] = name, {}
      table.insert(order, name)
      addclass(lines[name], names, item, name)
    end
  end
  for _, item in ipairs(items) do
    if item.name then
      local name = assert(owners[item.owner], item.owner)
      addmethod(lines[name], names, item, name)
    end
  end
  assert(order[1] == module)
  return lines, order, aliases
end

--- The declarations of a module, from its file of types.
function teal.declarations(module, path)
  local items, short = annotations.read(path), module:match "%l+$"
  local lines, order, aliases = bodies(items, classnames(items, short), short)
  local text = {("-- %s.d.tl: types for Teal, from %s by doc/manual/build.lua\n\nlocal record %s"):format(short, path,
    short)}
  for _, line in ipairs(aliases) do
    add(text, "  %s\n", line)
  end
  for i = #order, 2, -1 do  -- a connection before the signal that returns it
    add(text, "  record %s\n    %s\n  end\n", order[i], table.concat(lines[order[i]], "\n    "))
  end
  add(text, "  %s\nend\n\nreturn %s\n", table.concat(lines[short], "\n  "), short)
  return table.concat(text, "\n")
end

return teal
