-- luv_spec.lua: fibers that wait for timers, files, processes and connections
-- of luv, whose callbacks resume them

local library = require "library"

-- 'await' calls a function that begins something and is given the callback,
-- then waits for the callback's arguments. 'run' runs functions as coroutines.
local loop = [[
  local uv = require "luv"
  local failure

  local function resume(co)
    local ok, problem = coroutine.resume(co)
    if not ok then
      failure = problem
      uv.stop()
    end
  end

  local function await(begin)
    local co = coroutine.running()
    local waits, result
    local function callback(...)
      result = table.pack(...)
      if waits then resume(co) end
    end
    assert(begin(callback))
    if not result then
      waits = true
      coroutine.yield()
    end
    return table.unpack(result, 1, result.n)
  end

  local function start(body)
    resume(coroutine.create(body))
  end

  local function run(...)
    for _, body in ipairs {...} do start(body) end
    uv.run()
    assert(not failure, failure)
  end

  local function sleep()
    local timer = uv.new_timer()
    await(function(callback) return timer:start(1, 0, callback) end)
    timer:close()
  end
]]

local files = loop .. [[
  local function read(name)
    local _, file = await(function(callback) return uv.fs_open(name, "r", 0, callback) end)
    if not file then return nil end
    local _, text = await(function(callback) return uv.fs_read(file, 100, 0, callback) end)
    await(function(callback) return uv.fs_close(file, callback) end)
    return text
  end

  local function write(name, text)
    local _, file = await(function(callback) return uv.fs_open(name, "w", 384, callback) end)
    await(function(callback) return uv.fs_write(file, text, 0, callback) end)
    await(function(callback) return uv.fs_close(file, callback) end)
  end

  local directory = uv.fs_mkdtemp "/tmp/cfiberXXXXXX"
  local _ <close> = setmetatable({}, {__close = function()
    os.execute("rm -r " .. directory)
  end})
]]

-- The output of a program
local processes = loop .. [[
  local function output(program, ...)
    local pipe, list, process = uv.new_pipe(), {}, nil
    local arguments = {...}
    await(function(callback)
      process = uv.spawn(program, {args = arguments, stdio = {nil, pipe}}, callback)
      return process
    end)
    await(function(callback)
      return pipe:read_start(function(_, text)
        list[#list + 1] = text
        if not text then callback() end
      end)
    end)
    pipe:close()
    process:close()
    return table.concat(list)
  end
]]

-- A server that answers in capitals, and what asks it
local tcp = loop .. [[
  local server = uv.new_tcp()
  server:bind("127.0.0.1", 0)
  server:listen(16, function()
    start(function()
      local client = uv.new_tcp()
      server:accept(client)
      local _, text = await(function(callback) return client:read_start(callback) end)
      client:read_stop()
      await(function(callback) return client:write(text:upper(), callback) end)
      client:close()
    end)
  end)

  local function ask(word)
    local client = uv.new_tcp()
    local address = server:getsockname()
    await(function(callback) return client:connect(address.ip, address.port, callback) end)
    await(function(callback) return client:write(word, callback) end)
    local _, text = await(function(callback) return client:read_start(callback) end)
    client:close()
    return text
  end
]]

local tests = library.tests "luv"

describe("luv", function()
  tests.same("wakes coroutines by timers", "one one two two\n", loop .. [[
    local list = {}
    local function body()
      list[#list + 1] = "one"
      sleep()
      list[#list + 1] = "two"
    end
    run(body, body)
    print(table.concat(list, " "))
  ]])

  tests.lifted("wakes them in a comparator of table.sort", "1 2 3\n", loop .. [[
    local list = {3, 1, 2}
    run(function()
      table.sort(list, function(a, b)
        sleep()
        return a < b
      end)
      print(table.concat(list, " "))
    end)
  ]])

  tests.same("writes and reads files", "text nil\n", files .. [[
    run(function()
      write(directory .. "/a", "text")
      print(read(directory .. "/a") .. " " .. tostring(read(directory .. "/none")))
    end)
  ]])

  tests.lifted("reads files inside string.gsub", "one and two\n", files .. [[
    run(function()
      write(directory .. "/a", "one")
      write(directory .. "/b", "two")
      print((string.gsub("$a and $b", "%$(%a)", function(name)
        return read(directory .. "/" .. name)
      end)))
    end)
  ]])

  tests.lifted("reads the chunk that require loads", "loaded\n", files .. [[
    package.searchers[2] = function(name)
      return load(read(directory .. "/" .. name))
    end
    run(function()
      write(directory .. "/module", "return 'loaded'")
      print((require "module"))
    end)
  ]])

  tests.same("runs programs", "a b\n\n", processes .. [[
    run(function() print(output("echo", "a", "b")) end)
  ]])

  tests.lifted("runs them in __tostring below string.format", "<named\n>\n", processes .. [[
    local object = setmetatable({}, {__tostring = function() return output("echo", "named") end})
    run(function() print(("<%s>"):format(object)) end)
  ]])
end)

local connected = library.tests("luv", "loopback")

describe("luv's TCP", function()
  connected.same("has servers and clients", "ONE TWO\n", tcp .. [[
    local answers = {}
    run(function()
      answers[1] = ask "one"
      answers[2] = ask "two"
      server:close()
    end)
    print(table.concat(answers, " "))
  ]])

  connected.lifted("asks inside string.gsub", "ONE TWO\n", tcp .. [[
    run(function()
      print((string.gsub("one two", "%a+", ask)))
      server:close()
    end)
  ]])

  connected.lifted("answers while a hook preempts string.gsub", "ONE\nend\n", tcp .. [[
    local answered
    run(function()
      debug.sethook(sleep, "", 1000)
      string.gsub("spin", "s", function() repeat until answered end)
      print "end"
    end, function()
      print(ask "one")
      answered = true
      server:close()
    end)
  ]])
end)

describe("luv's callbacks", function()
  tests.it("resume fibers where uv.run is called in a fiber", function()
    local result = library.run(library.fibers .. "$SCRIPT", loop .. [[
      start(function()
        local list = {}
        run(function()
          string.gsub("ab", ".", function(c)
            sleep()
            list[#list + 1] = c
          end)
        end)
        print(table.concat(list), coroutine.isyieldable())
      end)
    ]])
    assert.same({output = "ab\ttrue\n", errors = "", status = 0}, result)
  end)

  tests.it("are refused a yield there: they run on the main state", function()
    local result = library.run(library.fibers .. "$SCRIPT", loop .. [[
      start(function()
        local timer = uv.new_timer()
        timer:start(0, 0, function()
          print(pcall(coroutine.yield))
          timer:close()
        end)
        uv.run()
      end)
    ]])
    assert.same({output = "false\tattempt to yield from outside a coroutine\n", errors = "", status = 0}, result)
  end)
end)
