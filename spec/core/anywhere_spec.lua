-- anywhere_spec.lua: a yield works wherever Lua code can run

local place = require "place"
local helper = require "helper"
local child = require "child"
local cfiber = helper.cfiber
local beyond, as_stock, REFUSED = place.beyond, place.as_stock, place.REFUSED

-- A place where stock coroutines can yield since Lua 5.4.3.
local as_stock_now = child.release() < "5.4.3" and beyond or as_stock

-- A proxy of an array whose elements are asked for before they are read.
local function proxy(ask, array)
  return setmetatable({}, {
    __index = function(_, k)
      ask(k)
      return array[k]
    end,
    __newindex = function(_, k, v)
      ask(k)
      array[k] = v
    end,
    __len = function()
      ask "len"
      return #array
    end,
  })
end

local function numbers()
  return {5, 3, 9, 1, 7, 2, 8}
end

describe("sorting", function()
  beyond("in a comparator", function(ask)
    local t = numbers()
    table.sort(t, function(a, b)
      return ask(a) < ask(b)
    end)
    return table.unpack(t)
  end)

  beyond("in __lt", function(ask)
    local t, meta = {}, {}
    function meta.__lt(a, b)
      return ask(a.n) < ask(b.n)
    end
    for i, n in ipairs(numbers()) do
      t[i] = setmetatable({n = n}, meta)
    end
    table.sort(t)
    local order = {}
    for i, v in ipairs(t) do
      order[i] = v.n
    end
    return table.unpack(order)
  end)

  beyond("in __index and __newindex of the sorted table", function(ask)
    local array = numbers()
    table.sort(proxy(ask, array))
    return table.unpack(array)
  end)

  beyond("in __call that a comparator uses", function(ask)
    local t = numbers()
    local less = setmetatable({}, {
      __call = function(_, a, b)
        return ask(a) < ask(b)
      end,
    })
    table.sort(t, function(a, b)
      return less(a, b)
    end)
    return table.unpack(t)
  end)
end)

describe("substitution", function()
  beyond("in a replacement function", function(ask)
    return ("hello small world"):gsub("(%w)(%w*)", function(first, rest)
      return rest .. ask(first)
    end)
  end)

  beyond("in __index of a replacement table", function(ask)
    return ("hello small world"):gsub("%w+", setmetatable({}, {
      __index = function(_, k)
        return ask(k)
      end,
    }))
  end)

  beyond("in a replacement of a result that outgrows its buffer", function(ask)
    local s = ("x"):rep(40)
    return s:gsub("x", function(x)
      return ask(x):rep(100)
    end)
  end)
end)

describe("loading", function()
  beyond("in a reader", function(ask)
    local pieces, i = {"return ", "1 ", "+ 41", " + #'", ("z"):rep(5000), "'"}, 0
    return assert(load(function()
      i = i + 1
      return ask(i) == -i and pieces[i] or nil
    end))()
  end)

  beyond("in a loader of require", function(ask)
    package.preload["spec.preloaded"] = ask
    package.loaded["spec.preloaded"] = nil
    local module = require "spec.preloaded"
    package.preload["spec.preloaded"], package.loaded["spec.preloaded"] = nil, nil
    return module
  end)

  beyond("in a searcher of require", function(ask)
    local function searcher(name)
      local value = ask(name)
      return function(_, extra)
        return value .. extra
      end, "!"
    end
    table.insert(package.searchers, 1, searcher)
    local ok, module, extra = pcall(require, "spec.searched")
    for i = #package.searchers, 1, -1 do
      if package.searchers[i] == searcher then
        table.remove(package.searchers, i)
      end
    end
    package.loaded["spec.searched"] = nil
    return assert(ok and module, module), extra
  end)

  beyond("in a module file that require loads", function(ask)
    local name = os.tmpname()
    local file = assert(io.open(name, "w"))
    file:write "return _ASK 'file'"
    file:close()
    local path = package.path
    _G._ASK, package.path = ask, name  -- luacheck: ignore
    local ok, module = pcall(require, "spec.filed")
    _G._ASK, package.path, package.loaded["spec.filed"] = nil, path, nil  -- luacheck: ignore
    os.remove(name)
    return assert(ok and module, module)
  end)

  as_stock("from files run by dofile in a loop", function(ask)
    local name = os.tmpname()
    local file = assert(io.open(name, "w"))
    file:write "return _ASK(1) + _ASK(2)"
    file:close()
    _G._ASK = ask  -- luacheck: ignore
    local sum = 0
    for _ = 1, 5 do
      sum = sum + dofile(name) + loadfile(name)()
    end
    _G._ASK = nil  -- luacheck: ignore
    os.remove(name)
    return sum
  end)
end)

describe("conversion to strings", function()
  local function object(ask)
    return setmetatable({}, {
      __tostring = function()
        return ask "object" .. ask "!"
      end,
    })
  end

  beyond("in __tostring under tostring", function(ask)
    return tostring(object(ask))
  end)

  beyond("in __tostring under string.format", function(ask)
    return ("%s and %10s, %d"):format(object(ask), object(ask), 7)
  end)

  it("lets a fiber yield in __tostring under print", function()
    local printed = child.output [[
      local object = setmetatable({}, {__tostring = function() return cfiber.yield "object" end})
      local function body()
        print("a", object, nil)
        return "end"
      end
      assert(not stock.resume(stock.create(body)))
      print "refused"
      local co = cfiber.create(body)
      local _, asked = cfiber.resume(co)
      print(select(2, cfiber.resume(co, asked:upper())))
    ]]
    assert.equal("arefused\n" .. "a\tOBJECT\tnil\nend\n", printed)
  end)
end)

describe("the table library", function()
  beyond("in metamethods under table.concat", function(ask)
    return table.concat(proxy(ask, {"a", "b", "c"}), ", ")
  end)

  beyond("in metamethods under table.insert", function(ask)
    local array = {1, 2, 3}
    table.insert(proxy(ask, array), 2, "new")
    return table.unpack(array)
  end)

  beyond("in metamethods under table.remove", function(ask)
    local array = {1, 2, 3, 4}
    return table.remove(proxy(ask, array), 2), table.unpack(array)
  end)

  beyond("in metamethods under table.move", function(ask)
    local from, to = {1, 2, 3}, {}
    table.move(proxy(ask, from), 1, 3, 2, proxy(ask, to))
    return table.unpack(to, 1, 4)
  end)

  beyond("in metamethods under table.unpack", function(ask)
    return table.unpack(proxy(ask, {"a", "b", "c"}), 1, 4)
  end)
end)

describe("iteration", function()
  beyond("in __index under ipairs", function(ask)
    local seen = {}
    for i, v in ipairs(proxy(ask, {"a", "b", "c"})) do
      seen[i] = v .. ask(v)
    end
    return table.unpack(seen)
  end)

  as_stock_now("in __pairs and the iterator it returns", function(ask)
    local sum = 0
    local t = setmetatable({}, {
      __pairs = function()
        ask "pairs"
        return function(_, k)
          k = (k or 0) + 1
          if k <= 3 then
            return k, ask(k)
          end
        end
      end,
    })
    for _, v in pairs(t) do
      sum = sum + v
    end
    return sum
  end)

  as_stock("between steps of next", function(ask)
    local t, sum = {10, 20, 30}, 0
    for _, v in next, t do
      sum = sum + ask(v)
    end
    return sum
  end)
end)

describe("metamethods", function()
  as_stock("in __concat", function(ask)
    local meta = {}
    function meta.__concat(a, b)
      return ask(type(a) == "table" and "left" or a) .. ask(type(b) == "table" and "right" or b)
    end
    local object = setmetatable({}, meta)
    return ("a" .. object) .. (object .. "b" .. "c") .. (object .. object)
  end)

  as_stock_now("in __index, __call, __eq, __lt, __len, __add, __close", function(ask)
    local meta = {}
    function meta.__index(_, k) return ask(k) end
    function meta.__call(_, a) return ask(a) end
    function meta.__eq() return ask(1) == -1 end
    function meta.__lt() return ask(2) == -2 end
    function meta.__len() return ask(3) end
    function meta.__add(_, b) return ask(b) end
    function meta.__close() ask "close" end
    local a, b = setmetatable({}, meta), setmetatable({}, meta)
    do
      local _ <close> = a
    end
    return a.key, a(10), a == b, a < b, #a, a + 20
  end)

  beyond("in __add that the arithmetic of strings calls", function(ask)
    return "10" + setmetatable({}, {
      __add = function(a)
        return ask(a)
      end,
    })
  end)

  beyond("in __index under os.time", function(ask)
    return os.time(setmetatable({}, {
      __index = function(_, k)
        ask(k)
        return k == "year" and 2020 or k ~= "isdst" and 10 or nil
      end,
    }))
  end)
end)

describe("message handlers", function()
  beyond("in one that error calls", function(ask)
    local r = {xpcall(error, function(message)
      return "handled " .. ask(message)
    end, "oops")}
    return assert(r[2] ~= "error in error handling" and r[2], REFUSED:gsub("%%", "")), r[1]
  end)

  beyond("in one that handles an error of the machine", function(ask)
    local r = {xpcall(function()
      return nil + 1
    end, function(message)
      return ask(message:match "arithmetic") .. ask "second"
    end)}
    return assert(r[2] ~= "error in error handling" and r[2], REFUSED:gsub("%%", "")), r[1]
  end)
end)

describe("debug hooks", function()
  -- Runs f while the hook asks; counts how often it did.
  local function hooked(ask, f, ...)
    local count = 0
    debug.sethook(function(event)
      count = count + 1
      debug.sethook()
      ask(event)
    end, ...)
    local result = f()
    debug.sethook()
    return result, count > 0
  end

  local function work()
    local sum = 0
    for i = 1, 10 do
      sum = sum + math.abs(-i)
    end
    return sum
  end

  beyond("in a count hook", function(ask)
    return hooked(ask, work, "", 3)
  end)

  beyond("in a line hook", function(ask)
    return hooked(ask, work, "l")
  end)

  beyond("in a call hook", function(ask)
    return hooked(ask, work, "c")
  end)

  beyond("in a return hook", function(ask)
    return hooked(ask, work, "r")
  end)

  beyond("in every line of a loop", function(ask)
    local lines = 0
    debug.sethook(function(_, line)
      lines = lines + 1
      ask(line)
    end, "l")
    local result = work()
    debug.sethook()
    return result, lines
  end)
end)

describe("combinations", function()
  beyond("in gsub inside sort inside gsub", function(ask)
    return ("dcba hgfe"):gsub("%w+", function(word)
      local letters = {word:byte(1, -1)}
      table.sort(letters, function(a, b)
        local first = string.char(a):gsub(".", function(c) return ask(c) end)
        return first < ask(string.char(b))
      end)
      return string.char(table.unpack(letters))
    end)
  end)

  beyond("in load inside tostring inside concat", function(ask)
    local object = setmetatable({}, {
      __tostring = function()
        local done = false
        return assert(load(function()
          local text = not done and ask "return 'deep'"
          done = true
          return text and text:lower() or nil
        end))()
      end,
    })
    return table.concat(proxy(function(k)
      return ask(tostring(object) .. k)
    end, {"a", "b"}))
  end)

  beyond("below a pcall in a gsub callback", function(ask)
    return ("a b c"):gsub("%w", function(c)
      local ok, r = pcall(function()
        return ask(c) .. ask "x"
      end)
      return ok and r or error(r, 0)
    end)
  end)

  it("keeps fibers apart that are interleaved inside gsub", function()
    helper.leakless(function()
      local N, fibers, results = 300, {}, {}
      local function body(i)
        return (("word"):rep(5, " "):gsub("%w+", function(w)
          return w .. cfiber.yield(i)
        end))
      end
      for i = 1, N do
        fibers[i] = cfiber.create(body)
      end
      for round = 0, 5 do
        for i = 1, N do
          local ok, r = cfiber.resume(fibers[i], round == 0 and i or i * round)
          assert(ok, r)
          results[i] = r
        end
      end
      for i = 1, N do
        assert.equal("dead", cfiber.status(fibers[i]))
        assert.equal(("wordA wordB wordC wordD wordE"):gsub("%u", function(c)
          return i * (c:byte() - 64)
        end), results[i])
      end
    end)
  end)

  it("lets one fiber sort what another supplies from inside its own sort", function()
    helper.leakless(function()
      local source = cfiber.wrap(function()
        local t = numbers()
        table.sort(t, function(a, b)
          cfiber.yield(a)
          return a < b
        end)
      end)
      local expected, plain = {}, numbers()
      table.sort(plain, function(a, b)
        expected[#expected + 1] = a
        return a < b
      end)
      local got = {}
      local sink = cfiber.wrap(function()
        local t = {3, 1, 2}
        table.sort(t, function(a, b)
          got[#got + 1] = source()
          cfiber.yield()
          return a < b
        end)
        return table.concat(t)
      end)
      local r
      repeat
        r = sink()
      until r
      assert.equal("123", r)
      while #got < #expected do
        got[#got + 1] = source()
      end
      assert.same(expected, got)
      source()
    end)
  end)
end)

describe("errors after a yield inside a C function", function()
  local function failing()
    return ("abc"):gsub(".", function(c)
      if cfiber.yield(c) == "fail" then
        error({c})
      end
    end)
  end

  it("are caught by a pcall between the C function and the callback", function()
    helper.leakless(function()
      local co = cfiber.create(function()
        return ("ab"):gsub(".", function(c)
          local ok, e = pcall(function()
            error(cfiber.yield(c), 0)
          end)
          return tostring(ok) .. e
        end)
      end)
      cfiber.resume(co)
      cfiber.resume(co, 1)
      assert.same({true, "false1false2", 2}, {cfiber.resume(co, 2)})
    end)
  end)

  it("are caught by a pcall around the C function", function()
    helper.leakless(function()
      local co = cfiber.create(function()
        local ok, e = pcall(failing)
        return ok, e[1], cfiber.yield "after"
      end)
      cfiber.resume(co)
      assert.same({true, "b"}, {cfiber.resume(co)})
      assert.same({true, "after"}, {cfiber.resume(co, "fail")})
      assert.same({true, false, "b", "end"}, {cfiber.resume(co, "end")})
    end)
  end)

  it("end the fiber and give its stack back", function()
    helper.leakless(function()
      local co = cfiber.create(failing)
      cfiber.resume(co)
      local ok, e = cfiber.resume(co, "fail")
      assert.is_false(ok)
      assert.same({"a"}, e)
      assert.equal("dead", cfiber.status(co))
      assert.match("gsub", debug.traceback(co))
    end)
  end)
end)
