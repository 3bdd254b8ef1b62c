-- collector_places_spec.lua: a full collection in every kind of callback, before
-- and after the fiber yields from there

local boundary = require "boundary"
local capi = require "capi"
local helper = require "helper"
local place = require "place"
local cfiber = helper.cfiber

-- Collects on both sides of the question, which nothing else refers to. What
-- was collected wrongly is overwritten.
local function collecting(ask)
  return function(x)
    local question = {x}
    collectgarbage()
    local answer = {ask(question[1])}
    for i = 1, 20 do
      question[i + 1] = {("filler"):rep(i)}
    end
    collectgarbage()
    return answer[1], question[1]
  end
end

-- A place that a fiber cannot leave but natively, with collections.
local function beyond(name, f)
  place.natively(name, function(ask)
    return f(collecting(ask))
  end)
end

-- The same for one that would not keep it from yielding compactly.
local function within(name, f)
  beyond(name .. " below gsub", function(ask)
    local results
    ("x"):gsub("x", function() results = table.pack(f(ask)) end)
    return table.unpack(results, 1, results.n)
  end)
end

local function young(t)
  return setmetatable({}, t)
end

describe("A collection in a callback", function()
  beyond("in a comparator", function(ask)
    local t = {5, 3, 9, 1}
    table.sort(t, function(a, b) return ask(a) < ask(b) end)
    return table.unpack(t)
  end)

  beyond("in __lt of what is sorted", function(ask)
    local meta = {__lt = function(a, b) return ask(a[1]) < ask(b[1]) end}
    local t = {}
    for i = 1, 4 do
      t[i] = setmetatable({i * 7 % 4}, meta)
    end
    table.sort(t)
    return t[1][1], t[4][1]
  end)

  beyond("in a replacement function", function(ask)
    return ("hello small world"):gsub("%w+", function(word) return ask(word) .. ("."):rep(500) end)
  end)

  beyond("in __index of a replacement table", function(ask)
    return ("hello world"):gsub("%w+", young {__index = function(_, k) return (ask(k)) end})
  end)

  beyond("in a reader of load", function(ask)
    local i = 0
    return load(function()
      i = i + 1
      return i <= 3 and ("local v%d = '%s' "):format(i, ask("x" .. i)) or i == 4 and "return v1 .. v2 .. v3" or nil
    end)()
  end)

  beyond("in a loader and a searcher of require", function(ask)
    local name = "spec.collected"
    local function searcher(wanted)
      return wanted == name and function(...) return {ask(...)} end or "none", ask(wanted)
    end
    table.insert(package.searchers, 1, searcher)
    local ok, module, extra = pcall(require, name)
    table.remove(package.searchers, 1)
    package.loaded[name] = nil
    return assert(ok and module[1], module), extra
  end)

  beyond("in __index under ipairs", function(ask)
    local sum = 0
    for _, v in ipairs(young {__index = function(_, k) return k < 5 and ask(k) or nil end}) do
      sum = sum + v
    end
    return sum
  end)

  beyond("in __index, __newindex and __len under table.insert", function(ask)
    local array = {1, 2, 3}
    table.insert(young {
      __index = function(_, k) return ask(k) and array[k] end,
      __newindex = function(_, k, v) array[k] = ask(k) and v end,
      __len = function() return ask "len" and #array end,
    }, 1, "first")
    return table.unpack(array)
  end)

  beyond("in __tostring", function(ask)
    return tostring(young {__tostring = function() return "a" .. ask "text" end})
  end)

  beyond("in a message handler", function(ask)
    return xpcall(error, function(e) return {ask(e)} end, "message")
  end)

  beyond("in a message handler below a C function", function(ask)
    return (("x"):gsub("x", function()
      local _, e = xpcall(error, function(e) return ask(e) end, "message")
      return e
    end))
  end)

  for name, mask in pairs {count = "", line = "l", call = "c", ["return"] = "r"} do
    beyond(("in a %s hook"):format(name), function(ask)
      local asked
      debug.sethook(function()
        debug.sethook()
        asked = ask(name)
      end, mask, mask == "" and 3 or nil)
      for i = 1, 5 do
        math.abs(-i)
      end
      debug.sethook()
      return asked
    end)
  end

  within("in __index", function(ask) return young {__index = function(_, k) return (ask(k)) end}.key end)
  within("in __call", function(ask) return young {__call = function(_, x) return ask(x) end} "x" end)
  within("in __concat", function(ask) return young {__concat = function(_, b) return ask(b) end} .. "b" end)
  within("in __eq", function(ask) return young {__eq = function() return ask "a" == "b" end} == {} end)
  within("in an iterator", function(ask)
    local sum = 0
    for i in function(_, i) return i < 5 and -ask(i + 1) or nil end, nil, 0 do
      sum = sum + i
    end
    return sum
  end)

  within("in pcall and error", function(ask)
    local ok, e = pcall(function() error({ask "e"}) end)
    return ok, e[1]
  end)

  within("in __close", function(ask)
    local closed
    do
      local _ <close> = young {__close = function(_, e) closed = {ask "closing", e} end}
    end
    return table.unpack(closed)
  end)

  within("in __close after an error", function(ask)
    return pcall(function()
      local _ <close> = young {__close = function(_, e) error({ask(e[1])}) end}
      error {"first"}
    end)
  end)

  within("in __gc, which ends before the question", function(ask)
    local finalized
    do
      setmetatable({}, {__gc = function()
        collectgarbage()
        finalized = true
      end})
    end
    collectgarbage()
    return ask "after", finalized
  end)

  beyond("in a function that lua_call calls", function(ask) return boundary.call(ask, "x") end)
  beyond("in a function that lua_pcall calls", function(ask) return select(3, boundary.pcall(ask, "x")) end)
  beyond("in a C loop", function(ask) return boundary.loop(function(i) return (ask(i)) end, 5) end)
  beyond("while a buffer is boxed", function(ask)
    return boundary.buffer(function(i) return tostring(ask(i)) end, 4, 5000)
  end)
  beyond("while C holds a reference", function(ask)
    return boundary.reference(function() return (ask(1)) end, "kept" .. #ask "x")
  end)
  beyond("below 50 calls from C", function(ask) return boundary.nest(function(i) return (ask(i)) end, 50) end)

  beyond("in a comparator of qsort", function(ask)
    return table.unpack(capi.sort({3, 1, 2}, function(a, b) return (ask(b)) - (ask(a)) end))
  end)
end)

describe("A finalizer", function()
  -- Yields below a C function: natively.
  local function deep()
    local r
    ("x"):gsub("x", function() r = cfiber.yield "inner" end)
    return r
  end

  it("may collect around native yields of a fiber that it resumes", function()
    helper.leakless(function()
      local results
      helper.finalize(function()
        local co = cfiber.wrap(function()
          collectgarbage()
          local r = {deep()}
          collectgarbage()
          return r[1]
        end)
        results = {co()}
        collectgarbage()
        results[2] = co "passed"
      end)
      assert.same({"inner", "passed"}, results)
      assert.is_true(collectgarbage "isrunning")
    end)
  end)

  it("may run at any allocation of a fiber that yields natively then", function()
    helper.leakless(helper.withcollector, function()
      require("collector")("incremental", 1, 1000, 1)
      collectgarbage()  -- from here on
      local finalized = 0
      local meta = {}
      function meta.__gc()
        finalized = finalized + 1
        setmetatable({}, meta)
      end
      setmetatable({}, meta)
      local co = cfiber.wrap(function()
        for i = 1, 1500 do
          local kept = {i}
          deep()
          assert(kept[1] == i)
        end
      end)
      for _ = 1, 1501 do
        co {}
      end
      assert(finalized > 10, finalized)
      meta.__gc = nil
    end)
  end)
end)
