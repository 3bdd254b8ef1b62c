-- http_spec.lua: a server and clients of lua-http, on the loopback interface

local library = require "library"

local tests = library.tests("http.server", "http.request", "loopback")

-- 'serve' starts a web server, whose answers come from a function of the path,
-- and returns its port; 'get' asks it. 'run' runs functions in coroutines in
-- threads of cqueues.
local web = [[
  local wrap = require "cqueues.auxlib".wrap
  local headers, request, server = require "http.headers", require "http.request", require "http.server"
  local queue, servers = require "cqueues".new(), {}

  local function serve(answer)
    local s = server.listen {host = "127.0.0.1", port = 0, tls = false, cq = queue, onstream = function(_, stream)
      wrap(function()
        local body = answer(stream:get_headers():get ":path")
        local reply = headers.new()
        reply:append(":status", "200")
        stream:write_headers(reply, false)
        stream:write_chunk(body, true)
      end)()
    end}
    s:listen()
    servers[#servers + 1] = s
    return (select(3, s:localname()))
  end

  local function get(port, path)
    local _, stream = assert(request.new_from_uri("http://127.0.0.1:" .. port .. path):go())
    return (stream:get_body_as_string())
  end

  local function run(...)
    local running = select("#", ...)
    for _, body in ipairs {...} do
      queue:wrap(function()
        local ok, problem = pcall(wrap(body))
        running = running - 1
        if running == 0 then
          for _, s in ipairs(servers) do s:close() end
        end
        assert(ok, problem)
      end)
    end
    assert(queue:loop())
  end
]]

-- A server that answers in capitals
local capitals = web .. library.capitals

describe("lua-http", function()
  tests.same("serves several clients", "/1 /2 /3\n", web .. library.clients)

  tests.lifted("lets a client ask inside string.gsub", "TO BE\n", capitals .. [[
    run(function() print((string.gsub("to be", "%a+", ask))) end)
  ]])

  tests.lifted("lets a server ask another one inside string.gsub", "TO BE\n", capitals .. [[
    local port = serve(function() return (string.gsub("to be", "%a+", ask)) end)
    run(function() print(get(port, "/")) end)
  ]])

  tests.lifted("lets a server ask another one in a comparator of table.sort", "abc\n", capitals .. library.sorting)
end)
