-- loop.lua: tasks that wait, each written straight down
-- usage: make examples && eval "$(make -s env)" && lua5.4 spec/examples/loop.lua

local cfiber = require "cfiber"
local loop = require "loop"

-- A generator that knows nothing of the loop: lines out of pieces.
local function lines(pieces)
  return cfiber.iter(function()
    local rest = ""
    for piece in pieces do
      rest = (rest .. piece):gsub("([^\n]*)\n", function(line)
        cfiber.yield(line)
        return ""
      end)
    end
  end)
end

local client, server = loop.pair()

loop.spawn(function()
  for line in lines(function() return loop.read(server) end) do  -- waits inside the generator
    loop.write(server, line:upper() .. "!\n")
  end
  loop.close(server)
end)

loop.spawn(function()
  loop.write(client, "hello\nwor")
  loop.sleep(1)
  loop.write(client, "ld\n")
  local n = 0
  for line in lines(function() return loop.read(client) end) do
    print("the server says", line)
    n = n + 1
    if n == 2 then
      break
    end
  end
  loop.close(client)
end)

-- As many tasks as you like: the shortest sleep ends first.
for _, ms in ipairs {30, 10, 20} do
  loop.spawn(function()
    loop.sleep(ms)
    print("slept", ms)
  end)
end

loop.run()
