-- copas_spec.lua: a server and clients under copas, on the loopback interface

local library = require "library"

local tests = library.tests("copas", "loopback")

-- A web server on copas, whose answers come from a function of the path, and
-- 'get', which asks it with LuaSocket's own client, from a thread of copas.
local web = [[
  local copas = require "copas"
  local http, socket = require "socket.http", require "socket"

  local function listen(handler)
    local server = assert(socket.bind("127.0.0.1", 0))
    copas.addserver(server, handler)
    return select(2, server:getsockname())
  end

  local function serve(answer)
    return listen(function(s)
      local client = copas.wrap(s)
      local path = client:receive():match "^GET (%S+) HTTP/1.1$"
      repeat until client:receive() == ""
      local body = answer(path)
      client:send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body)
    end)
  end

  -- What LuaSocket's client needs of a socket
  local function create()
    local s = socket.tcp()
    return setmetatable({
      connect = function(_, ...) return copas.connect(s, ...) end,
      receive = function(_, ...) return copas.receive(s, ...) end,
      send = function(_, ...) return copas.send(s, ...) end,
      settimeout = function() return 1 end,
    }, {__index = function(_, name)
      return function(_, ...) return s[name](s, ...) end
    end})
  end

  local function get(port, path)
    local list = {}
    local ok, code = http.request {url = "http://127.0.0.1:" .. port .. path, create = create,
      sink = require("ltn12").sink.table(list)}
    return ok and code == 200 and table.concat(list) or "no answer: " .. code
  end

  -- Runs threads of copas until all have ended.
  local function run(...)
    local threads = {}
    for i, body in ipairs {...} do
      threads[i] = copas.addthread(body)
    end
    for _, thread in ipairs(threads) do
      while coroutine.status(thread) ~= "dead" do
        copas.step(1)
      end
    end
  end
]]

-- An HTTP server that answers in capitals, to be asked inside another one
local capitals = web .. library.capitals

describe("copas", function()
  tests.same("serves requests of HTTP to several clients", "/1 /2 /3\n", web .. library.clients)

  tests.same("lets a handler be a client of another server", "TO BE\n", capitals .. [[
    local port = serve(function() return ask "to" .. " " .. ask "be" end)
    run(function() print(get(port, "/")) end)
  ]])

  local inside = [[
    local port = serve(function() return (("to be or not"):gsub("%a+", ask)) end)
    run(function() print(get(port, "/")) end)
  ]]

  tests.lifted("lets a handler ask the network inside string.gsub", "TO BE OR NOT\n", capitals .. inside)

  tests.it("does so too where fibers are installed after it was loaded", function()
    local result = library.run("$SCRIPT", capitals .. "require 'cfiber.global'" .. inside)
    assert.same({output = "TO BE OR NOT\n", errors = "", status = 0}, result)
  end)

  tests.lifted("lets a handler ask it in a comparator of table.sort", "abc\n", capitals .. library.sorting)

  tests.lifted("lets a handler require a module that comes over the network", "MODULE!\n", capitals .. [[
    package.searchers[2] = function(name)
      return load("return '" .. ask(name) .. "!'")
    end
    local port = serve(function() return (require "module") end)
    run(function() print(get(port, "/")) end)
  ]])

  tests.lifted("serves one while it preempts another by a hook in string.gsub", "/\n", web .. [[
    local port = serve(function(path) return path end)
    local answered
    run(function()
      print(get(port, "/"))
      answered = true
    end, function()
      local s = socket.udp()  -- what can always be written to
      s:setsockname("127.0.0.1", 0)
      s:setpeername(s:getsockname())
      s:settimeout(0)
      debug.sethook(function() copas.send(s, "on") end, "", 1000)
      string.gsub("spin", "s", function()
        repeat until answered
      end)
    end)
  ]])
end)
