-- misuse_spec.lua: every function with wrong arguments, and yields where
-- nobody resumed

local same = require "helper".same

local none = {}  -- stands for no argument at all

-- Arguments of every type, threads in every state among them.
local function arguments(co)
  local function body() end
  local fresh, dead, suspended = co.create(body), co.create(body), co.create(co.yield)
  local failed = co.create(error)
  co.close(dead)
  co.resume(suspended)
  co.resume(failed, "e")
  return {
    {"none", none}, {"nil", nil}, {"boolean", true}, {"integer", 1},
    {"float", 1.5}, {"string", "x"}, {"numeral", "10"}, {"table", {}},
    {"userdata", io.stdout}, {"callable", setmetatable({}, {__call = print})},
    {"named", setmetatable({}, {__name = "My.Type"})},
    {"C function", string.len}, {"Lua function", function() end},
    {"fresh", fresh}, {"dead", dead}, {"suspended", suspended},
    {"failed", failed}, {"running", (co.running())},
  }
end

local function call(f, argument)
  if argument == none then
    return f()
  end
  return f(argument)
end

for _, name in ipairs {"resume", "status", "isyieldable", "close", "create", "wrap"} do
  describe(name, function()
    it("takes or refuses each type, called from Lua", same(function(co, log)
      for _, a in ipairs(arguments(co)) do
        log(a[1], pcall(function()
          local result = table.pack(call(co[name], a[2]))
          return table.unpack(result, 1, result.n)
        end))
      end
    end))

    it("takes or refuses each type, called by pcall", same(function(co, log)
      for _, a in ipairs(arguments(co)) do
        if a[2] == none then
          log(a[1], pcall(co[name]))
        else
          log(a[1], pcall(co[name], a[2]))
        end
      end
    end))

    it("takes or refuses each type, as a body and inside one", same(function(co, log)
      for _, a in ipairs(arguments(co)) do
        if a[2] ~= none then
          log(a[1], co.resume(co.create(co[name]), a[2]))
        end
        log(a[1], co.resume(co.create(function()
          return (call(co[name], a[2]))
        end)))
      end
    end))

    it("names itself by the field it is called through", same(function(co, log)
      local t = {field = co[name]}
      local up = co[name]
      log(pcall(function() t.field() end))
      log(pcall(function() t:field() end))
      log(pcall(function() local l = co[name] l() end))
      log(pcall(function() up() end))
      log(pcall(function() return t.field({}) end))
      log(xpcall(function() t.field(1) end, debug.traceback))
    end))
  end)
end

describe("resume", function()
  it("of a dead coroutine drops the arguments", same(function(co, log)
    local c = co.create(function() end)
    co.resume(c)
    log(co.resume(c, 1, 2, 3))
    log(co.resume(c))
    log(co.status(c), debug.traceback(c))
  end))

  it("of one dead by an error leaves its stack to be seen", same(function(co, log)
    local c = co.create(function() error "e" end)
    co.resume(c)
    local before = debug.traceback(c)
    log(co.resume(c, 1, 2, 3))
    log(before == debug.traceback(c), co.status(c))
  end))

  it("of the running one is refused and changes nothing", same(function(co, log)
    local c
    c = co.create(function(...)
      log(co.resume(c, 1, 2, 3))
      log(co.resume((co.running())))
      log(pcall(co.resume, c, nil))
      log(co.status(c), ...)
      log(co.yield "on")
      return "end"
    end)
    log(co.resume(c, "a", "b"))
    log(co.resume(c, "c"))
  end))

  it("of the main thread is refused everywhere", same(function(co, log)
    local main = co.running()
    log(co.resume(main))
    log(co.resume(main, 1, 2))
    co.wrap(function()
      log(co.resume(main, 1))
      co.wrap(function() log(co.resume(main)) end)()
    end)()
    log(co.status(main))
  end))

  it("of a resumer is refused and changes nothing", same(function(co, log)
    local outer, middle
    outer = co.create(function()
      middle = co.create(function()
        local inner = co.create(function()
          log(co.resume(outer, 1))
          log(co.resume(middle, 2))
          co.yield "inner"
        end)
        log(co.resume(inner))
        log(co.resume(outer))
        co.yield "middle"
      end)
      log(co.resume(middle))
      log(co.status(outer), co.status(middle))
      return "outer"
    end)
    log(co.resume(outer))
    log(co.resume(middle))
  end))
end)

describe("yield", function()
  it("outside a coroutine is refused", same(function(co, log)
    log(pcall(co.yield))
    log(pcall(co.yield, 1, 2))
    log(pcall(function() co.yield(1) end))
    log(pcall(function() return co.yield(1) end))
    log(xpcall(co.yield, debug.traceback))
    log(co.running())
  end))

  it("outside, below callbacks and metamethods, is refused", same(function(co, log)
    log(pcall(table.sort, {3, 2, 1}, co.yield))
    log(pcall(string.gsub, "abc", ".", co.yield))
    log(pcall(function() return setmetatable({}, {__index = co.yield}).key end))
    log(pcall(load, co.yield))
  end))

  it("outside, after a coroutine ran, is refused still", same(function(co, log)
    local c = co.create(function() co.yield() end)
    co.resume(c)
    log(pcall(co.yield, "while one is suspended"))
    co.resume(c)
    log(pcall(co.yield, "after its end"))
  end))

  it("in main's own __close is refused", same(function(co, log)
    log(pcall(function()
      local _ <close> = setmetatable({}, {__close = function() co.yield() end})
    end))
  end))
end)

describe("extra arguments", function()
  it("are ignored by status, isyieldable, running and close", same(function(co, log)
    local c = co.create(co.yield)
    log(co.status(c, 1, {}))
    log(co.isyieldable(c, 1))
    log(select("#", co.running(1, 2)))
    log(co.close(c, "x", 1))
  end))
end)

describe("the thread of another library's making", function()
  it("is taken by every function", same(function(co, log)
    local c = coroutine.create(function(...) return ... end)
    log(co.status(c), co.isyieldable(c))
    log(co.resume(c, 1, 2))
    log(co.status(c))
    log(co.close(c))
  end))
end)

it("a missing field of the library is as any table's", same(function(co, log)
  log(co.resume ~= nil, co.nothing_of_that_name)
  log(pcall(function() return co.nothing_of_that_name() end))
end))
