-- annotations.lua: the files of types for editors as pages of the manual
--
-- What is read: sections (a rule and a title), classes with fields, functions
-- with descriptions, parameters, results and overloads, as LuaLS has them.

local annotations = {}

-- ---------------------------------------------------------------------------
-- Reading

local parsetype

-- One alternative of a type at 'at'; returns where it ends.
local function atom(text, at)
  local stop = text:match('^"[^"]*"%??()', at)
  if stop then
    return stop
  end
  stop = text:match("^fun%b()()", at)
  if stop then
    local result = text:match("^:%s*()", stop)
    return result and (text:match("^%.%.%.()", result) or parsetype(text, result)) or stop
  end
  return text:match("^[%w_.]+[%[%]]*%??()", at)
end

function parsetype(text, at)
  local stop = assert(atom(text, at), text)
  local more = text:match("^%s*|%s*()", stop)
  return more and parsetype(text, more) or stop
end

-- "type name description" as three words; the last two may be empty.
local function typed(text)
  local stop = parsetype(text, 1)
  return text:sub(1, stop - 1), text:match("^%s*(.*)", stop)
end

local tags = {}

function tags.param(item, text)
  local name, rest = text:match "^(%S+)%s+(.*)"
  local kind, about = typed(rest)
  table.insert(item.params, {name = name, type = kind, about = about})
end

tags["return"] = function(item, text)
  local kind, rest = typed(text)
  local name, about = rest:match "^(%S+)%s*(.*)"
  table.insert(item.results, {name = name or "", type = kind, about = about or ""})
end

function tags.overload(item, text)
  table.insert(item.overloads, text)
end

function tags.generic(item, text)
  item.generic = text
end

function tags.operator(item, text)
  table.insert(item.operators, text)
end

function tags.meta() end

function tags.class(item, text)
  item.class = text
end

function tags.alias(item, text)
  item.class, item.alias = text:match "^(%S+)%s+(.*)"
end

-- The description so far is the field's, but for that of the class, which
-- comes before the line that names it.
function tags.field(item, text)
  local name, rest = text:match "^(%S+)%s+(.*)"
  local kind, about = typed(rest)
  local above = table.concat(item.doc, " ", item.own + 1)
  for i = #item.doc, item.own + 1, -1 do
    item.doc[i] = nil
  end
  table.insert(item.fields, {name = name, type = kind, about = above .. about})
end

local function new()
  return {doc = {}, own = 0, params = {}, results = {}, overloads = {}, operators = {}, fields = {}}
end

local function annotate(item, line)
  local tag, text = line:match "^@(%l+)%s*(.*)"
  if not tag then
    table.insert(item.doc, line)
    return
  end
  if tag == "class" then
    item.own = #item.doc
  end
  assert(tags[tag], "unknown tag: " .. line)(item, text)
end

-- What a line of code, which ends an item, adds to it.
local function finish(item, line)
  item.owner, item.mark, item.name, item.arguments = line:match "^function (%w+)([.:])([%w_]+)(%b())"
  item.owner = item.owner or line:match "^local (%w+) = {}"
  return (item.name or item.class) and item
end

--- Reads a file of types: an array of items. One is a section, with a 'title';
-- a 'class' with 'fields'; or a function with its 'owner', a 'mark', "." or
-- ":", its 'name', 'arguments', 'params', 'results', 'overloads' and 'generic'.
-- 'doc' is an array of lines.
function annotations.read(path)
  local items, item, rule = {}, new(), false
  for line in io.lines(path) do
    local comment = line:match "^%-%-%-(.*)"
    if line:find "^%-%- %-%-%-" then
      rule = true
    elseif rule then
      table.insert(items, {title = line:match "^%-%- (.*)"})
      rule = false
    elseif comment then
      annotate(item, comment)
    else
      items[#items + 1] = finish(item, line)
      item = new()
    end
  end
  return items
end

--- The names of the functions, sorted, by their owners. Fields that hold
-- functions are among them.
function annotations.names(path)
  local names = {}
  local function add(owner, name)
    names[owner] = names[owner] or {}
    table.insert(names[owner], name)
  end
  for _, item in ipairs(annotations.read(path)) do
    if item.name then
      add(item.owner, item.name)
    end
    for _, field in ipairs(item.fields or {}) do
      if field.type:find "^fun" then
        add(item.owner, field.name)
      end
    end
  end
  for _, list in pairs(names) do
    table.sort(list)
  end
  return names
end

-- ---------------------------------------------------------------------------
-- Writing

-- "f [, size], ...": of names, of which those with a question mark are optional.
local function list(names)
  local text = ""
  for i, name in ipairs(names) do
    local bare, optional = name:match "^(.-)(%??)$"
    local comma = i > 1 and ", " or ""
    text = text .. (optional == "" and comma .. bare or ("%s[%s%s]"):format(i > 1 and " " or "", comma, bare))
  end
  return text
end

local function signature(item, names)
  return ("    %s%s%s(%s)\n"):format(item.owner, item.mark, item.name, list(names))
end

local function signatures(item)
  local names = {}
  for i, p in ipairs(item.params) do
    names[i] = p.name
  end
  local lines = signature(item, names)
  for _, overload in ipairs(item.overloads) do
    names = {}
    for name in overload:match "^fun(%b())":sub(2, -2):gsub(":[^,]*", ""):gmatch "[^%s,]+" do
      names[#names + 1] = name
    end
    lines = lines .. signature(item, names)
  end
  return lines
end

-- 'linked' is the set of types that have a place on the page.
local function described(lead, item, linked)
  local kind, about = ("`%s`"):format(item.type), item.about
  local class = item.type:match "^[%l.]+"
  if linked[class] then
    kind = ("[%s](#%s)"):format(kind, class:gsub("%.", ""))
  end
  return ("- %s (%s)%s\n"):format(lead, kind, about ~= "" and ": " .. about or "")
end

local function parameters(item, linked)
  local lines = {}
  for _, p in ipairs(item.params) do
    if p.name ~= "..." or p.about ~= "" then
      lines[#lines + 1] = described(("`%s`"):format(p.name), p, linked)
    end
  end
  for _, r in ipairs(item.results) do
    lines[#lines + 1] = described("returns" .. (r.name ~= "" and (" `%s`"):format(r.name) or ""), r, linked)
  end
  return table.concat(lines)
end

-- Paragraphs of a page, those that are empty left out.
local function join(...)
  local parts = {}
  for _, text in ipairs {...} do
    if text ~= "" then
      parts[#parts + 1] = text:gsub("\n*$", "\n")
    end
  end
  return table.concat(parts, "\n")
end

-- What is said of an item, and its example.
local function description(item)
  local text = table.concat(item.doc, "\n")
  local at = text:find "```" or #text + 1
  return text:sub(1, at - 1), text:sub(at)
end

local function fields(item, linked)
  local lines = {}
  for i, f in ipairs(item.fields) do
    lines[i] = described(("`%s`"):format(f.name), f, linked)
  end
  return table.concat(lines)
end

local function functiontext(item, linked)
  local name = item.mark == ":" and item.owner .. ":" .. item.name or item.name
  local text, example = description(item)
  return join("### " .. name, signatures(item), text, parameters(item, linked), example)
end

local function classtext(item, linked)
  return join("### " .. item.class, item.alias and ("    %s"):format(item.alias) or "", description(item),
    fields(item, linked))
end

-- Has the item a place of its own under "Types"?
local function istype(item)
  return item.class and (item.alias or #item.fields > 0)
end

local function types(items)
  local linked = {}
  for i = 2, #items do
    linked[items[i].class or ""] = istype(items[i])
  end
  return linked
end

--- The page of a module: the description of its first class, all functions by
-- sections, then the classes with fields.
function annotations.page(module, path)
  local items = annotations.read(path)
  local linked, short = types(items), module:match "%l+$"
  local parts = {"# " .. module, description(items[1]), ("    local %s = require %q"):format(short, module),
    fields(items[1], linked)}
  local last = {"## Types"}
  for i = 2, #items do
    local item = items[i]
    if item.title then
      parts[#parts + 1] = "## " .. item.title
    elseif item.name then
      parts[#parts + 1] = functiontext(item, linked)
    elseif istype(item) then
      last[#last + 1] = classtext(item, linked)
    else
      parts[#parts + 1] = description(item)
    end
  end
  return join(join(table.unpack(parts)), join(table.unpack(last)))
end

return annotations
