-- socket_spec.lua: fibers and LuaSocket, on the loopback interface alone

local helper = require "helper"
local ltn12, mime, socket = require "library".modules("ltn12", "mime", "socket")

if not socket then
  return
end

local cfiber, stock = helper.cfiber, helper.stock

local refused = "attempt to yield across a C-call boundary"

-- Both ends of a connection; neither blocks.
local function pair()
  local server = assert(socket.bind("127.0.0.1", 0))
  local address, port = server:getsockname()
  local client, problem = socket.connect(address, port)
  if problem == "Network is unreachable" then
    pending "there is no loopback interface"
  end
  assert(client, problem)
  server:settimeout(10)
  local accepted = assert(server:accept())
  server:close()
  client:settimeout(0)
  accepted:settimeout(0)
  return client, accepted
end

-- Receives a line; yields the socket until there is one.
local function receive(s)
  local line, problem, part
  repeat
    line, problem, part = s:receive("*l", part)
    if problem == "timeout" then
      cfiber.yield(s)
    end
  until problem ~= "timeout"
  return line
end

local function start(threads, thread)
  local ok, s = cfiber.resume(thread)
  assert(ok, s)
  threads[thread] = s  -- what it waits for; nil when it has ended
end

-- Runs fibers, each of which yields the socket that it wants to read.
local function loop(...)
  local threads = {}
  for _, body in ipairs {...} do
    start(threads, cfiber.create(body))
  end
  while next(threads) do
    local sockets = {}
    for _, s in pairs(threads) do
      sockets[#sockets + 1] = s
    end
    local ready = socket.select(sockets, nil, 10)
    assert(#ready > 0, "every fiber waits")
    for thread, s in pairs(threads) do
      if ready[s] then
        start(threads, thread)
      end
    end
  end
end

-- What a thread of either library yields until its end, which comes last.
local function yields(co, body)
  local list = {}
  local thread = co.create(body)
  repeat
    local ok, value = co.resume(thread)
    assert(ok, value)
    list[#list + 1] = value
  until co.status(thread) == "dead"
  return list
end

describe("LuaSocket in a fiber", function()
  it("lets fibers talk over TCP, each yielding where it would block", function()
    local client, server = pair()
    local answers = {}
    loop(function()
      for line in receive, server do
        server:send(line:upper() .. "\n")
      end
      server:close()
    end, function()
      for _, word in ipairs {"one", "two", "three"} do
        client:send(word .. "\n")
        answers[#answers + 1] = receive(client)
      end
      client:close()
    end)
    assert.same({"ONE", "TWO", "THREE"}, answers)
  end)

  it("asks the network from inside string.gsub", function()
    helper.leakless(function()
      local client, server = pair()
      local answer
      loop(function()
        for line in receive, server do
          server:send(#line .. "\n")
        end
        server:close()
      end, function()
        answer = ("to be or not"):gsub("%a+", function(word)
          client:send(word .. "\n")
          return receive(client)
        end)
        client:close()
      end)
      assert.equal("2 2 2 3", answer)
    end)
  end)

  it("serves many connections at once", function()
    local bodies, sums = {}, {}
    for i = 1, 20 do
      local client, server = pair()
      bodies[2 * i - 1] = function()
        for line in receive, server do
          server:send(line + i .. "\n")
        end
        server:close()
      end
      bodies[2 * i] = function()
        sums[i] = 0
        for _ = 1, 5 do
          client:send(sums[i] .. "\n")
          sums[i] = math.tointeger(receive(client))
        end
        client:close()
      end
    end
    loop(table.unpack(bodies))
    for i = 1, 20 do
      assert.equal(5 * i, sums[i])
    end
  end)

  it("yields in a method that socket.select calls", function()
    local object = {
      getfd = function()
        return cfiber.yield "which?"
      end,
      dirty = function()
        return true
      end,
    }
    local client, server = pair()
    local co = cfiber.wrap(function()
      return socket.select({object}, nil, 0)
    end)
    local ready = co()
    while ready == "which?" do
      ready = co(client:getfd())
    end
    assert.same({object, [object] = 1}, ready)
    client:close()
    server:close()
  end)

  it("is refused a yield in a method that socket.select calls by stock coroutines", function()
    local object = {getfd = stock.yield}
    local ok, message = pcall(stock.wrap(function()
      return socket.select({object}, nil, 0)
    end))
    assert.is_false(ok)
    assert.equal(refused, message)
  end)

  it("yields in source, filter and sink of a pump as stock coroutines do", function()
    local function body(co)
      return function()
        local text, encode = {"abc", "def"}, mime.encode "base64"
        local source = ltn12.source.chain(function()
          co.yield "source"
          return table.remove(text, 1)
        end, function(chunk)
          co.yield "filter"
          return encode(chunk)
        end)
        local collect, list = ltn12.sink.table()
        ltn12.pump.all(source, function(chunk, problem)
          co.yield(chunk or "end")
          return collect(chunk, problem)
        end)
        return table.concat(list)
      end
    end
    local expected = yields(stock, body(stock))
    assert.equal("YWJjZGVm", expected[#expected])
    assert.same(expected, yields(cfiber, body(cfiber)))
  end)

  it("yields between protect and the try that fails as stock coroutines do", function()
    local function body(co)
      return function()
        local result, problem = socket.protect(function()
          co.yield "protected"
          socket.try(nil, "no connection")
          co.yield "not reached"
        end)()
        return tostring(result) .. ", " .. problem
      end
    end
    assert.same({"protected", "nil, no connection"}, yields(cfiber, body(cfiber)))
    assert.same(yields(stock, body(stock)), yields(cfiber, body(cfiber)))
  end)

  it("passes other errors through protect after a yield", function()
    local co = cfiber.create(socket.protect(function()
      cfiber.yield()
      error("not of a try", 0)
    end))
    cfiber.resume(co)
    assert.same({false, "not of a try"}, {cfiber.resume(co)})
  end)

  it("yields in the finalizer of a try, which stock coroutines are refused", function()
    local function body(co)
      return function()
        local try = socket.newtry(function()
          co.yield "cleaning up"
        end)
        local _, problem = socket.protect(function()
          try(nil, "failed")
        end)()
        return problem
      end
    end
    assert.same({"cleaning up", "failed"}, yields(cfiber, body(cfiber)))
    local ok, message = pcall(yields, stock, body(stock))
    assert.is_false(ok)
    assert.match(refused, message, 1, true)
  end)
end)

describe("an unmodified program with LuaSocket", function()
  local tests = require("library").tests("socket", "loopback")

  tests.lifted("asks a server from inside string.gsub", "TO BE\n", [[
    local socket = require "socket"
    local server = assert(socket.bind("127.0.0.1", 0))
    local function serve()
      for _ = 1, 2 do
        local client = server:accept()
        client:send(client:receive():upper() .. "\n")
        client:close()
        coroutine.yield()
      end
    end

    local address, port = server:getsockname()
    local function ask(word)
      local client = socket.connect(address, port)
      client:send(word .. "\n")
      coroutine.yield()
      return client:receive(), client:close()
    end

    local co = coroutine.create(function()
      print((string.gsub("to be", "%a+", function(word) return (ask(word)) end)))
    end)
    local service = coroutine.create(serve)
    while coroutine.status(co) ~= "dead" do
      assert(coroutine.resume(co))
      assert(coroutine.resume(service))
    end
  ]])
end)
