-- yields_spec.lua: yields through what stock Lua lets them through

local same = require "helper".same

-- That fibers do it shows anywhere_spec.lua.
local since_it = require "since"("5.4.3", "refuses it")

describe("yields that stock Lua allows", function()
  it("go through pcall and xpcall", same(function(co, log)
    local c = co.wrap(function()
      log(pcall(function(a)
        local b = co.yield(a)
        log(xpcall(function(...)
          log(co.yield(...))
          error("deep", 2)
        end, function(m) return "handled " .. m end, b))
        return "ok"
      end, 1))
      return "end"
    end)
    log(c())
    log(c(2))
    log(c(3))
  end))

  it("go through metamethods", same(function(co, log)
    local function op(name)
      return function(a, b)
        return co.yield(name, type(a), type(b))
      end
    end
    local mt = {}
    for _, name in ipairs {"add", "concat", "eq", "lt", "le", "index", "call", "unm", "len", "band"} do
      mt["__" .. name] = op(name)
    end
    mt.__newindex = op "newindex"
    local c = co.wrap(function()
      local a, b = setmetatable({}, mt), setmetatable({}, mt)
      log("add", a + 1)
      log("concat", "x" .. a .. "y")
      log("eq", a == b, a ~= b)
      log("lt", a < b)
      log("le", a <= b)
      log("index", a.field)
      log("call", a(1))
      log("unm", -a)
      log("len", #a)
      log("band", a & 1)
      a.field = 1
      return "end"
    end)
    local result = table.pack(c())
    while result[1] ~= "end" do
      log("yielded", table.unpack(result, 1, result.n))
      result = table.pack(c(#result))
    end
  end))

  it("go through the iterator of a for loop", same(function(co, log)
    local c = co.wrap(function()
      for k in function(_, k) return co.yield(k) end do
        log("body", k)
      end
      return "end"
    end)
    log(c())
    log(c "a")
    log(c "b")
    log(c())
  end))

  since_it("go through __close at a block's end", same(function(co, log)
    local c = co.wrap(function()
      do
        local _ <close> = setmetatable({}, {__close = function()
          log(co.yield "closing")
        end})
        log "block"
      end
      local _ <close> = setmetatable({}, {__close = function()
        log(co.yield "returning")
      end})
      return "result", 2
    end)
    log(c())
    log(c "one")
    log(c "two")
  end))

  it("go through dofile", same(function(co, log)
    local name = os.tmpname()
    local f = assert(io.open(name, "w"))
    f:write "return ('x'):rep(3, YIELD(1))"
    f:close()
    rawset(_G, "YIELD", co.yield)
    local c = co.wrap(function() return dofile(name) end)
    log(c())
    log(c ",")
    rawset(_G, "YIELD", nil)
    os.remove(name)
  end))

  since_it("go through __pairs", same(function(co, log)
    local c = co.wrap(function()
      local t = setmetatable({}, {__pairs = function(t)
        co.yield "pairs"
        return next, t
      end})
      t.a = 1
      for k, v in pairs(t) do
        log(k, v)
      end
      return "end"
    end)
    log(c())
    log(c())
  end))
end)

describe("a body that is a C function", function()
  it("runs and ends", same(function(co, log)
    log(co.resume(co.create(select), "#", 1, nil))
    log(co.resume(co.create(string.rep), "ab", 3))
    log(co.wrap(tostring)(nil))
  end))

  it("yields, if it is yield, pcall or another's wrap", same(function(co, log)
    local c = co.create(co.yield)
    log(co.resume(c, 1))
    log(co.resume(c, 2))
    log(co.status(c))
    c = co.create(pcall)
    log(co.resume(c, co.yield, 3))
    log(co.resume(c, 4))
    c = co.create(co.wrap(function(a) log(a) return co.yield(5) end))
    log(co.resume(c, 6))
  end))
end)
