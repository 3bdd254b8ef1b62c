-- wrap_spec.lua: functions made by wrap

local same = require "helper".same

local function closable(f)
  return setmetatable({}, {__close = f})
end

describe("a wrapped function", function()
  it("returns what the body yields and returns", same(function(co, log)
    local f = co.wrap(function(...)
      log("in", ...)
      log("in", co.yield(1, nil, 3))
      log("in", co.yield())
      return "end", nil
    end)
    log(f("a", nil))
    log(select("#", f(nil, "b", nil)))
    log(f())
  end))

  it("is a function of its own each time", same(function(co, log)
    local function body() end
    local f, g = co.wrap(body), co.wrap(body)
    log(type(f), f == g, f ~= body)
    log(f, g)
  end))

  it("is a C function without fields or name", same(function(co, log)
    local info = debug.getinfo(co.wrap(function() end), "Su")
    log(info.what, info.short_src, info.nparams, info.isvararg)
  end))

  it("is dead after the end", same(function(co, log)
    local f = co.wrap(function() return 1 end)
    log(f())
    log(pcall(f))
    log(pcall(function() f() end))
    log(pcall(function() return f(1, 2) end))
    log(xpcall(f, debug.traceback))
  end))

  it("is dead after an error", same(function(co, log)
    local f = co.wrap(function() error "e" end)
    log(pcall(f))
    log(pcall(f))
    log(pcall(function() f() end))
  end))

  it("cannot call itself", same(function(co, log)
    local f
    f = co.wrap(function()
      log(pcall(f))
      log(pcall(function() f(1) end))
      return "end"
    end)
    log(f())
  end))

  it("cannot be called by what it resumed", same(function(co, log)
    local outer
    outer = co.wrap(function()
      co.wrap(function()
        log(pcall(outer))
        log(pcall(function() return (outer()) end))
      end)()
      return "end"
    end)
    log(outer())
  end))

  it("is called as a method and through __call", same(function(co, log)
    local object = {next = co.wrap(function(self, a)
      while true do
        self, a = co.yield(type(self), a)
      end
    end)}
    log(object:next(1))
    log(object:next(2))
    local t = setmetatable({}, {__call = co.wrap(function(self, a)
      while true do
        self, a = co.yield(type(self), a)
      end
    end)})
    log(t(1))
    log(t(2))
  end))

  it("serves as __index, __add and other metamethods", same(function(co, log)
    local function echo()
      return co.wrap(function(...)
        local a = table.pack(...)
        while true do
          a = table.pack(co.yield(a.n, a[2]))
        end
      end)
    end
    local t = setmetatable({}, {
      __index = echo(), __add = echo(), __len = echo(), __concat = echo(),
      __newindex = echo(), __lt = echo(),
    })
    for i = 1, 2 do
      log(t.field, t[i], t + i, #t, t .. "x", t < t)
      t[i] = i
      log(rawget(t, i))
    end
  end))

  it("serves as callback of sort, gsub and load", same(function(co, log)
    local less = co.wrap(function(a, b)
      while true do
        a, b = co.yield(a < b)
      end
    end)
    local t = {5, 2, 8, 1, 9, 3}
    table.sort(t, less)
    log(table.concat(t, " "))
    log(("abc"):gsub(".", co.wrap(function(c)
      while true do
        c = co.yield(c:upper() .. c)
      end
    end)))
    log(load(co.wrap(function()
      for _, piece in ipairs {"return ", "1", " + 2"} do
        co.yield(piece)
      end
    end))())
  end))

  it("serves as message handler", same(function(co, log)
    log(xpcall(error, co.wrap(function(m)
      return "handled " .. m
    end), "e"))
  end))

  it("serves as the iterator of for, with state and control", same(function(co, log)
    for a, b in co.wrap(function(state, control)
      log(state, control)
      for i = 1, 3 do
        log(co.yield(i, i * i))
      end
    end), "state", "control" do
      log(a, b)
    end
  end))

  it("serves as __gc", same(function(co, log)
    setmetatable({}, {__gc = co.wrap(function(o)
      log("finalizing", type(o))
    end)})
    collectgarbage()
    collectgarbage()
    log "collected"
  end, {collect = false}))
end)

describe("the error of a wrapped body", function()
  it("gets the position of the call in front", same(function(co, log)
    log(pcall(function()
      local f = co.wrap(function()
        error "inner"
      end)
      f()
    end))
    log(pcall(function()
      return co.wrap(function() error("no position", 0) end)()
    end))
    log(pcall(co.wrap(function() error("no caller in Lua", 0) end)))
  end))

  it("gets no position when it is no string", same(function(co, log)
    local t = setmetatable({}, {__tostring = function() return "shown" end})
    for _, e in ipairs {1, 2.5, t, true, print} do
      log(pcall(function() co.wrap(function() error(e) end)() end))
    end
    log(pcall(function() co.wrap(function() error() end)() end))
  end))

  it("closes the variables before it passes on", same(function(co, log)
    local f = co.wrap(function()
      local _ <close> = closable(function(_, e) log("outer", e) end)
      local _ <close> = closable(function(_, e) log("inner", e) end)
      co.yield()
      error "e"
    end)
    f()
    log(pcall(f))
    log(pcall(f))
  end))

  it("is replaced by the error of a variable", same(function(co, log)
    local f = co.wrap(function()
      local _ <close> = closable(function(_, e)
        log("got", e)
        error "from close"
      end)
      error "from body"
    end)
    log(pcall(function() f() end))
    local g = co.wrap(function()
      local _ <close> = closable(function() error({}) end)
      error "from body"
    end)
    log(pcall(function() g() end))
  end))

  it("tells of too many values either way", same(function(co, log)
    local f = co.wrap(function(...)
      co.yield()
      return (...)
    end)
    f(table.unpack({}, 1, 700000))
    log(pcall(function() f(table.unpack({}, 1, 400000)) end))
    local g = co.wrap(function()
      co.yield(table.unpack({}, 1, 400000))
      return "still there"
    end)
    local function large(...)
      local ok, message = pcall(g)
      return ok, message, (...)
    end
    log(large(table.unpack({}, 1, 700000)))
    log(g())
  end))

  it("passes through levels of wraps, for loops and pcalls", same(function(co, log)
    log(pcall(function()
      for _ in co.wrap(function()
        for v in co.wrap(function()
          co.yield(1)
          error "deepest"
        end) do
          co.yield(v)
        end
      end) do
        log "body"
      end
    end))
  end))

  it("shows in the caller's traceback where the call was", same(function(co, log)
    local f = co.wrap(function() error "e" end)
    log(xpcall(function()
      f()
    end, debug.traceback))
  end))

  it("from a metamethod or C function in it", same(function(co, log)
    log(pcall(co.wrap(function() return {} < {} end)))
    log(pcall(co.wrap(function() return string.rep() end)))
    log(pcall(co.wrap(function() return setmetatable({}, {__index = error}).key end)))
    log(pcall(co.wrap(string.rep)))
    log(pcall(function() co.wrap(string.rep)("x", {}) end))
    log(pcall(co.wrap(load "return 1 + {}")))
  end))
end)

describe("wrap in place of the loop's closing value", function()
  it("is called when the loop is left", same(function(co, log)
    local handler = co.wrap(function(v, e)
      while true do
        log("closing", v, e)
        v, e = co.yield()
      end
    end)
    for i = 1, 2 do
      for k in next, {1, 2, 3}, nil, setmetatable({}, {__close = handler}) do
        log("in the loop", i, k)
        if k == i then
          break
        end
      end
    end
  end))
end)

describe("the coroutine of wrap", function()
  it("is what running returns in its body", same(function(co, log)
    local c
    local f = co.wrap(function()
      c = co.running()
      co.yield()
    end)
    f()
    log(c, co.status(c))
    f()
    log(co.status(c))
  end))

  it("may be resumed by thread and by function in turn", same(function(co, log)
    local f = co.wrap(function()
      local c = co.running()
      for i = 1, 5 do
        log("in", co.yield(c, i))
      end
      return "end"
    end)
    local c = f()
    log(co.resume(c, "by resume"))
    log(f "by call")
    log(co.resume(c, "by resume"))
  end))

  it("may be closed by thread", same(function(co, log)
    local f = co.wrap(function()
      local _ <close> = closable(function() log "closed" end)
      co.yield((co.running()))
    end)
    local c = f()
    log(co.close(c))
    log(pcall(f))
    log(co.status(c))
  end))

  it("that failed when resumed by thread makes the function dead", same(function(co, log)
    local f = co.wrap(function()
      co.yield((co.running()))
      error "e"
    end)
    local c = f()
    log(co.resume(c))
    log(pcall(f))
    log(co.close(c))
  end))

  it("lives as long as the function", same(function(co, log)
    local weak = setmetatable({}, {__mode = "v"})
    local f = co.wrap(function()
      weak[1] = co.running()
      co.yield()
    end)
    f()
    collectgarbage()
    log(weak[1] ~= nil)
    f = nil
    collectgarbage()
    collectgarbage()
    log(weak[1], f)
  end))

  it("that drops its own function in its body ends safely", same(function(co, log)
    local f
    f = co.wrap(function()
      f = nil
      collectgarbage()
      collectgarbage()
      return "end"
    end)
    log(f())
    log(f)
  end))
end)
