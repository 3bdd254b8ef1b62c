-- cqueues_spec.lua: fibers in cqueues, whose C code resumes its threads itself

local library = require "library"

local tests = library.tests("cqueues", "loopback")

-- A server that answers each line in capitals, and 'ask', which has a
-- connection to it. 'run' runs functions as threads of cqueues.
local lines = [[
  local cqueues, socket = require "cqueues", require "cqueues.socket"
  local wrap = require "cqueues.auxlib".wrap
  local queue = cqueues.new()

  local server = socket.listen("127.0.0.1", 0)
  server:listen()
  local _, address, port = server:localname()
  local connection = socket.connect(address, port)

  local function ask(word)
    connection:write(word, "\n")
    connection:flush()
    return connection:read()
  end

  queue:wrap(function()
    local accepted = server:accept()
    for line in accepted:lines() do
      accepted:write(line:upper(), "\n")
      accepted:flush()
    end
    accepted:close()
  end)

  local function run(...)
    for _, body in ipairs {...} do
      queue:wrap(body)
    end
    queue:wrap(function()
      while queue:count() > 2 do  -- this one and the server's
        cqueues.sleep(0)
      end
      connection:close()
    end)
    assert(queue:loop())
  end
]]

describe("cqueues", function()
  tests.same("runs a server and its client", "TO\nBE\n", lines .. [[
    run(wrap(function()
      print(ask "to")
      print(ask "be")
    end))
  ]])

  tests.same("polls from generators inside generators", "A B C\n", lines .. [[
    local function words(n)
      return wrap(function()
        local inner = n > 0 and words(n - 1)
        for _, word in ipairs {"a", "b", "c"} do
          coroutine.yield(inner and inner() or ask(word))
        end
      end)
    end
    run(function()
      local word = words(20)
      print(word() .. " " .. word() .. " " .. word())
    end)
  ]])

  tests.lifted("asks the network inside string.gsub", "TO BE\n", lines .. [[
    run(wrap(function() print((string.gsub("to be", "%a+", ask))) end))
  ]])

  tests.lifted("asks it in a comparator of table.sort", "a b c\n", lines .. [[
    run(wrap(function()
      local list = {"b", "c", "a"}
      table.sort(list, function(x, y) return ask(x) < ask(y) end)
      print(table.concat(list, " "))
    end))
  ]])

  tests.lifted("asks it in __tostring below string.format", "<NAME>\n", lines .. [[
    run(wrap(function()
      print(("<%s>"):format(setmetatable({}, {__tostring = function() return ask "name" end})))
    end))
  ]])

  tests.lifted("is preempted by a hook in string.gsub", "others ran\nend\n", lines .. [[
    local spins, ran
    run(wrap(function()
      debug.sethook(function() cqueues.sleep(0) end, "", 1000)
      string.gsub("spin", "s", function()
        spins = true
        repeat until ran
      end)
      print "end"
    end), function()
      repeat cqueues.sleep(0) until spins
      print "others ran"
      ran = true
    end)
  ]])

  -- Programs in which stock coroutines are left somewhere
  local function refused(what, program)
    tests.it("is refused " .. what, function()
      local result = library.run("$SCRIPT", program)
      assert.match("attempt to yield across a C-call boundary", result.errors, 1, true)
    end)
  end

  refused("a yield below C frames in a thread of its own, outside of fibers", "require 'cfiber.global'" .. lines .. [[
    run(function() string.gsub("to be", "%a+", ask) end)
  ]])

  refused("one in a fiber too where it was loaded before fibers were installed",
    lines .. "require 'cfiber.global'" .. [[
    run(wrap(function() string.gsub("to be", "%a+", ask) end))
  ]])
end)
