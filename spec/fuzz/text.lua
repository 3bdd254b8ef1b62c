-- text.lua: programs as text, to be loaded again and to be read

local text = {}

-- ---------------------------------------------------------------------------
-- To be loaded

local function sortedkeys(t)
  local keys = {}
  for key in pairs(t) do
    keys[#keys + 1] = key
  end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  return keys
end

--- A Lua expression for a value made of tables and literals.
function text.serialize(value)
  if type(value) ~= "table" then
    return ("%q"):format(value)
  end
  local parts = {}
  for _, key in ipairs(sortedkeys(value)) do
    parts[#parts + 1] = ("[%q]=%s"):format(key, text.serialize(value[key]))
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

--- The value that a file holds.
function text.load(path)
  return assert(loadfile(path, "t", {}))()
end

function text.save(path, value)
  local file = assert(io.open(path, "w"))
  file:write("return ", text.serialize(value), "\n")
  file:close()
end

-- ---------------------------------------------------------------------------
-- To be read

-- What a node does; $name is the value of a field. The blocks in it follow,
-- each after a line that says what it is.
local forms = {
  create = {"t$slot = $lib.create(f$body)"},
  wrap = {"w$slot = $lib.wrap(f$body)"},
  drop = {"t$slot, w$slot = nil"},
  keep = {"t$slot = $lib.running()"},
  resume = {"print($lib.resume(t$slot, $values))"},
  call = {"print($how(w$slot, $values))"},
  yield = {"print($lib.yield($values))  -- $how"},
  status = {"print($lib.status(t$slot), $lib.isyieldable(t$slot))"},
  close = {"print(pcall($lib.close, t$slot))"},
  error = {"error($value, $level)"},
  fault = {"a runtime error of kind $kind"},
  ["return"] = {"return"},
  pcall = {"print(pcall(function ()", "end))"},
  xpcall = {"print(xpcall(function ()", "end, function (e)  -- answer: $answer", "end))"},
  scope = {"do local _ <close> = on closing: second block", "on closing:", "end"},
  scopes = {"do local _, _ <close> = on closing: second, third block", "on closing the outer:", "on closing the inner:",
    "end"},
  forclose = {"for i = 1, $n with a closing value do", "on closing:", "end"},
  loop = {"for i = 1, $n do", "end"},
  forwrap = {"for v, w in $lib.wrap(f$body) do print(v, w)  -- break at $n", "end"},
  meta = {"print(through the metamethod $event: function ()", "return $n end)"},
  below = {"print(from $place, at its call $n: function ()", "end)"},
  hook = {"debug.sethook(hook, \"$mask\", $count) do", "end debug.sethook()  -- hook: at its call $n", "end of the hook"},
  collect = {"collectgarbage: $kind $n"},
  finalize = {"setmetatable({}, {__gc = a function that runs a coroutine})"},
  traceback = {"print(debug.traceback(t$slot, \"$message\", $level))"},
  suspend = {"print(cfiber.suspend(t$slot, or $up levels up, $values))"},
  throw = {"print(cfiber.throw(t$slot, $value))"},
  transfer = {"print(pcall(cfiber.transfer, t$slot, $values))"},
  exit = {"cfiber.exit($values)"},
  slice = {"print(cfiber.slice(t$slot, $budget, $values))  -- until it comes back, or $n times"},
  iter = {"for v, w in cfiber.iter(f$body, $values) do print(v, w)  -- break at $n", "end"},
  direct = {"print(pcall: cfiber.yield called by $place)"},
  inspect = {"print(cfiber.traceback(\"$message\"), cfiber.info(t$slot))"},
  trim = {"cfiber.trim()"},
  guardian = {"setmetatable({a fiber suspended in gsub}, {__gc = a function that resumes it})"},
}

local function literal(value)
  if type(value) == "table" then
    local parts = {}
    for i = 1, #value do
      parts[i] = literal(value[i])
    end
    return table.concat(parts, ", ")
  elseif type(value) == "string" and value:sub(1, 1) == "@" then
    return value:sub(2)
  end
  return type(value) == "string" and '"' .. value .. '"' or tostring(value)
end

local bare = {how = true, place = true, event = true, kind = true, answer = true, mask = true, message = true}

local function fill(form, node)
  return (form:gsub("%$(%l+)", function(name)
    if name == "lib" then
      return node.lib == "stock" and "coroutine" or "co"
    end
    return bare[name] and tostring(node[name]) or literal(node[name])
  end):gsub(", %)", ")"))
end

local function addblock(lines, block, indent)
  for _, node in ipairs(block or {}) do
    for i, form in ipairs(forms[node.op]) do
      lines[#lines + 1] = indent .. fill(form, node)
      addblock(lines, node[i], indent .. "  ")
    end
  end
end

--- The program in the likeness of Lua.
function text.show(program)
  local lines = {("-- at most %d operations; collector: %s"):format(program.fuel, program.collector)}
  for i, body in ipairs(program.bodies) do
    lines[#lines + 1] = ("function f%d (...)"):format(i)
    addblock(lines, body, "  ")
    lines[#lines + 1] = ("  return %s"):format(literal(body.results))
    lines[#lines + 1] = "end"
  end
  lines[#lines + 1] = ("for round = 1, %d do"):format(program.rounds)
  addblock(lines, program.main, "  ")
  lines[#lines + 1] = "end"
  return table.concat(lines, "\n")
end

return text
