-- debug_spec.lua: the debug library on coroutines that do not run

local helper = require "helper"
local same, stock = helper.same, helper.stock

-- A coroutine suspended below three Lua functions and pcall.
local function deep(co)
  local function third(x, ...)
    local t = {x, ...}
    local got = co.yield(#t)
    return got, t[1]
  end
  local function second(a)
    local ok, v, w = pcall(third, a + 1, "v1", "v2")
    return ok, v, w, a
  end
  return co.create(function(a)
    local b <const>, d = a * 2, "d"
    local r = table.pack(second(b))
    return d, table.unpack(r, 1, r.n)
  end)
end

-- All variables of five levels, this one first.
local function logvariables(c, log, first)
  for level = first, first + 4 do
    for n = -3, 12 do
      local name, value = debug.getlocal(c, level, n)
      if name then
        log(level, n, name, value)
      end
    end
  end
end

describe("on a suspended coroutine", function()
  it("getinfo tells of every level", same(function(co, log)
    local c = deep(co)
    log(co.resume(c, 1))
    for level = 0, 8 do
      local info = debug.getinfo(c, level)
      if info then
        log(level, info.what, info.name, info.namewhat, info.currentline, info.linedefined,
          info.nparams, info.isvararg, info.istailcall, info.short_src)
      else
        log(level, "none")
      end
    end
    log(pcall(debug.getinfo, c, -1))
    log(pcall(debug.getinfo, c, 0, ">"))
    log(pcall(debug.getinfo, c, 0, "X"))
  end))

  it("getinfo gives functions and lines", same(function(co, log)
    local c = deep(co)
    co.resume(c, 1)
    for level = 0, 4 do
      local info = debug.getinfo(c, level, "fL")
      log(level, info.func)
      for line in pairs(info.activelines or {}) do
        log(info.activelines[line])
      end
    end
    log(debug.getinfo(c, 0, "f").func == co.yield)
  end, {collect = false}))

  it("getlocal shows every variable of every level", same(function(co, log)
    local c = deep(co)
    co.resume(c, 1)
    logvariables(c, log, 0)
    log(pcall(debug.getlocal, c, 9, 1))
    log(pcall(debug.getlocal, c, -1, 1))
  end))

  it("setlocal changes what it goes on with", same(function(co, log)
    local c = deep(co)
    co.resume(c, 1)
    log(debug.setlocal(c, 1, 1, "new x"))
    log(debug.setlocal(c, 1, -2, "new vararg"))
    log(debug.setlocal(c, 3, 1, "new a"))
    log(debug.setlocal(c, 4, 3, "new d"))
    log(debug.setlocal(c, 4, 60, "none"))
    log(pcall(debug.setlocal, c, 9, 1, "none"))
    log(co.resume(c, "got"))
  end))

  it("setlocal changes a value of the table that it holds", same(function(co, log)
    local c = deep(co)
    co.resume(c, 1)
    local i = 0
    repeat i = i + 1 until debug.getlocal(c, 1, i) == "t"
    select(2, debug.getlocal(c, 1, i))[1] = "changed"
    log(co.resume(c, "got"))
  end))

  it("traceback starts at any level", same(function(co, log)
    local c = deep(co)
    log(debug.traceback(c))
    co.resume(c, 1)
    for level = 0, 7 do
      log(debug.traceback(c, "message", level))
    end
    log(debug.traceback(c, nil, 1))
    log(debug.traceback(c, {}, 1))
    log(debug.traceback(c, 12, 3))
    co.resume(c)
    log(debug.traceback(c))
  end))

  it("upvalues of its functions are read and set", same(function(co, log)
    local function make()
      local v, w = 1, 2
      return co.create(function()
        co.yield(v, w)
        return v, w
      end)
    end
    local c = make()
    log(co.resume(c))
    local f = debug.getinfo(c, 1, "f").func
    for i = 1, 4 do
      local name, value = debug.getupvalue(f, i)
      log(name, type(value))
      if name == "v" then
        log(debug.setupvalue(f, i, "new"))
      end
    end
    log(co.resume(c))
  end))

  it("all of that after each of many yields", same(function(co, log)
    local c = co.create(function()
      for i = 1, 20 do
        local double = i * 2
        co.yield(double)
      end
    end)
    for _ = 1, 20 do
      co.resume(c)
      local i, j = 0, 0
      repeat i = i + 1 until debug.getlocal(c, 1, i) == "double"
      repeat j = j + 1 until debug.getlocal(c, 1, j) == "i"
      log(debug.getlocal(c, 1, i))
      log(debug.getlocal(c, 1, j))
      log(debug.getinfo(c, 1, "l").currentline, debug.traceback(c))
    end
  end))
end)

-- The scenario that calls 'inspect' with a coroutine below table.sort and
-- string.gsub. Stock coroutines cannot be suspended there: theirs resumes
-- another one that looks at it, at the line where a fiber yields.
local function below(inspect)
  return same(function(co, log)
    local function pause(c)
      local look = co == stock and co.wrap(inspect) or co.yield
      local got = look(c, log)
      return got
    end
    local c
    c = co.create(function(...)
      local list, outer = {2, 1}, "outer"
      table.sort(list, function(a, b)
        local inner = "inner"
        local text = string.gsub("word", "%a+", function(word)
          pause(c)
          return word:upper()
        end)
        log(text, inner, a, b)
        return a < b
      end)
      return list[1], outer, ...
    end)
    local result = table.pack(co.resume(c, "vararg"))
    if co.status(c) == "suspended" then
      inspect(c, log)
      result = table.pack(co.resume(c))
    end
    log(table.unpack(result, 1, result.n))
  end)
end

describe("on a coroutine below C frames", function()
  it("getinfo and traceback tell of every level", below(function(c, log)
    for level = 1, 7 do
      local info = debug.getinfo(c, level)
      log(level, info and info.what, info and info.name, info and info.namewhat, info and info.currentline,
        info and info.nparams)
    end
    log(debug.traceback(c, "message", 1))
  end))

  it("getlocal shows every variable and value of C functions", below(function(c, log)
    logvariables(c, log, 2)
  end))

  it("setlocal changes variables on both sides of them", below(function(c, log)
    log(debug.setlocal(c, 4, 3, "new inner"))
    log(debug.setlocal(c, 6, 2, "new outer"))
    log(debug.setlocal(c, 6, -1, "new vararg"))
  end))

  it("a hook that is set sees the lines from there on", below(function(c, log)
    debug.sethook(c, function(event, line)
      log(event, line, debug.getinfo(2, "S").what)
    end, "lr")
    log(debug.gethook(c) ~= nil)
  end))

  it("upvalues of its functions are read and set", below(function(c, log)
    local f = debug.getinfo(c, 4, "f").func
    local i = 0
    repeat i = i + 1 until debug.getupvalue(f, i) == "log"
    log(i, debug.setupvalue(f, i, function(...) log("set", ...) end))
  end))
end)

describe("on a fresh, running or dead coroutine", function()
  it("getinfo and getlocal tell what there is", same(function(co, log)
    local c
    c = co.create(function(a)
      log(debug.getinfo(c, 0, "S").what, debug.getinfo(c, 1, "l").currentline)
      log(debug.getlocal(c, 1, 1))
      error(a)
    end)
    log(debug.getinfo(c, 0))
    log(pcall(debug.getlocal, c, 0, 1))
    log(co.resume(c, "argument"))
    log(debug.getinfo(c, 0, "S").what, debug.getinfo(c, 1, "l").currentline)
    log(debug.getlocal(c, 1, 1))
    co.close(c)
    log(debug.getinfo(c, 0))
  end, {collect = false}))

  it("a resumer's stack is seen and changed from inside", same(function(co, log)
    local outer
    outer = co.create(function()
      local v = "old"
      co.wrap(function()
        local i = 0
        repeat i = i + 1 until debug.getlocal(outer, 1, i) == "v"
        log(debug.setlocal(outer, 1, i, "new"))
        log(debug.traceback(outer))
      end)()
      return v
    end)
    log(co.resume(outer))
  end))
end)
