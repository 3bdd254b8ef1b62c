-- overflow.lua: recursions through the C functions of the standard library
--
-- Each ends at Lua's limit of nested C calls, or of its own stack.
-- Name -> function; run in a child: without the limit it ends in a fault.

local overflow = {}

overflow["Lua recursion"] = function()
  local function f(n)
    return 1 + f(n + 1)
  end
  return f(1)
end

overflow["string.gsub with a function"] = function()
  local function f(s)
    return (s:gsub(".", f))
  end
  return f "x"
end

overflow["string.gsub with a table"] = function()
  local t = {}
  return (("x"):gsub("x", setmetatable(t, {
    __index = function(_, k)
      return (k:gsub(k, t))
    end,
  })))
end

overflow["tostring"] = function()
  local function f(o)
    return (tostring(o))
  end
  return f(setmetatable({}, {__tostring = f}))
end

overflow["string.format"] = function()
  local function f(o)
    return ("%s %99.99f %s"):format("x", 1e10, o)
  end
  return f(setmetatable({}, {__tostring = f}))
end

overflow["print"] = function()
  local function f(o)
    print(o)
    return ""
  end
  return f(setmetatable({}, {__tostring = f}))
end

overflow["a reader of load"] = function()
  local function f()
    local done = false
    assert(load(function()
      if not done then
        done = true
        return f()
      end
    end))
    return ""
  end
  return f()
end

local function nested_source(opening, closing)
  return "return " .. opening:rep(1000) .. "1" .. closing:rep(1000)
end

local sources = {
  ["parentheses"] = nested_source("(", ")"),
  ["tables"] = nested_source("{", "}"),
  ["functions"] = nested_source("function() return ", " end"),
  ["calls"] = nested_source("f(", ")"),
  ["operators"] = nested_source("not ", ""),
  ["concatenation"] = nested_source("1 .. ", ""),
  ["blocks"] = ("do "):rep(1000) .. ("end "):rep(1000),
}

for name, source in pairs(sources) do
  overflow["load of nested " .. name] = function()
    return assert(load(source))
  end
end

overflow["load of nested functions in the deepest gsub"] = function()
  local source = sources.functions
  local last
  local function f(s)
    local _, message = load(source)
    last = message or last
    return (s:gsub(".", f))
  end
  local ok, message = pcall(f, "x")
  assert(last:find "C stack overflow")
  return ok or error(message, 0)
end

overflow["a reader in the deepest gsub that reads nested tables"] = function()
  local source = sources.tables
  local function f(s)
    local i = 0
    load(function()
      i = i + 1
      return i <= #source and source:sub(i, i) or nil
    end)
    return (s:gsub(".", f))
  end
  return f "x"
end

local function proxy(f)
  return setmetatable({}, {__index = f, __len = function() return 3 end, __newindex = f})
end

local through_index = {
  ["table.concat"] = table.concat,
  ["table.unpack"] = table.unpack,
  ["table.sort by __index"] = table.sort,
  ["table.remove"] = function(t) return table.remove(t, 1) end,
  ["table.insert"] = function(t) return table.insert(t, 1, 1) end,
  ["table.move"] = function(t) return table.move(t, 1, 3, 2) end,
  ["ipairs"] = function(t)
    for _ in ipairs(t) do  -- luacheck: ignore
    end
  end,
  ["os.time"] = os.time,
  ["__index"] = function(t) return t.x + 1 end,
  ["__newindex"] = function(t) t.x = 1 end,
}

for name, call in pairs(through_index) do
  overflow[name] = function()
    local t
    t = proxy(function()
      call(t)
      return 1
    end)
    return call(t) or error "no overflow"
  end
end

overflow["a comparator of table.sort"] = function()
  local function f(a, b)
    table.sort({1, 2, 3, 4, 5}, f)
    return a < b
  end
  return f(1, 2)
end

overflow["table.sort by __lt"] = function()
  local meta = {}
  local function f()
    local t = {}
    for i = 1, 5 do
      t[i] = setmetatable({}, meta)
    end
    table.sort(t)
    return false
  end
  meta.__lt = f
  return f()
end

overflow["__call"] = function()
  local function f(o)
    return 1 + o()
  end
  return f(setmetatable({}, {__call = f}))
end

local operators = {
  __concat = function(a, b) return a .. b .. "" end,
  __add = function(a, b) return a + b + 1 end,
  __unm = function(a) return 1 + -a end,
  __len = function(a) return 1 + #a end,
  __eq = function(a) return 1 + (a == setmetatable({}, getmetatable(a))) end,
  __lt = function(a, b) return 1 + (a < b) end,
}

for name, f in pairs(operators) do
  overflow[name] = function()
    local meta = {[name] = f}
    return f(setmetatable({}, meta), setmetatable({}, meta))
  end
end

overflow["the arithmetic of strings"] = function()
  local function f(a, b)
    return "10" + (type(a) == "table" and a or b)
  end
  local o = setmetatable({}, {
    __add = function(a, b)
      return 1 + f(a, b)
    end,
  })
  return f(o)
end

overflow["__close"] = function()
  local meta = {}
  function meta.__close()
    local _ <close> = setmetatable({}, meta)
  end
  meta.__close()
  error "no overflow"
end

overflow["pcall"] = function()
  local function f()
    assert(pcall(f))
  end
  return f()
end

overflow["xpcall"] = function()
  local function f()
    assert(xpcall(f, function(m) return m end))
  end
  return f()
end

overflow["an error in a message handler"] = function()
  local function handler(m)
    error(m)
  end
  local _, m = xpcall(error, handler, "first")
  error(m, 0)
end

overflow["an error in a message handler, below gsub"] = function()
  local function handler(m)
    return (("x"):gsub("x", function()
      error(m)
    end))
  end
  local _, m = xpcall(error, handler, "first")
  error(m, 0)
end

overflow["an error in a message handler that overflows after an overflow"] = function()
  local function f(s)
    return (s:gsub(".", f))
  end
  local _, m = xpcall(f, function()
    return f "y"
  end, "x")
  error(m, 0)
end

overflow["large frames in the handler of an overflow"] = function()
  local function f(s)
    return (s:gsub(".", f))
  end
  local reached = {}
  local _, m = xpcall(f, function(m)
    local simple, _, complex
    _, simple = load(sources.parentheses)
    complex = ("a"):rep(190):find(("a?"):rep(190))
    reached = {simple, complex, ("%.99f"):format(1e308), loadfile "/nowhere/file", io.open "/nowhere/file"}
    return m
  end, "x")
  assert(#reached[3] > 100)
  error(m, 0)
end

overflow["require"] = function()
  local n = 0
  local preload = package.preload
  setmetatable(preload, {
    __index = function()
      return function()
        n = n + 1
        return require("overflow" .. n)
      end
    end,
  })
  local ok, m = pcall(require, "overflow")
  setmetatable(preload, nil)
  return ok or error(m, 0)
end

overflow["dofile"] = function()
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write(("local r = dofile %q return r"):format(name))
  file:close()
  local ok, m = pcall(dofile, name)
  os.remove(name)
  return ok or error(m, 0)
end

overflow["string.find with a deep pattern in the deepest gsub"] = function()
  local subject, pattern = ("a"):rep(1000), ("a?"):rep(1000) .. "b"
  local complex = 0
  local function f(s)
    local ok, m = pcall(string.find, subject, pattern)
    if not ok and m:find "pattern too complex" then
      complex = complex + 1
    end
    return (s:gsub(".", f))
  end
  local ok, m = pcall(f, "x")
  assert(complex > 150, complex)
  return ok or error(m, 0)
end

overflow["stock coroutines"] = function()
  local wrap = coroutine.wrap
  local function f()
    return 1 + wrap(f)()
  end
  return f()
end

overflow["stock coroutines below gsub"] = function()
  local wrap = coroutine.wrap
  local function f()
    return (("x"):gsub("x", wrap(f)))
  end
  return f()
end

overflow["gsub in sort in format in concat"] = function()
  local f
  local object = setmetatable({}, {__tostring = function() return f() end})
  local array = proxy(function() return ("%s"):format(object) end)
  local function compare()
    return table.concat(array) == ""
  end
  function f()
    return (("x"):gsub("x", function()
      table.sort({1, 2}, compare)
      return ""
    end))
  end
  return f()
end

return overflow
