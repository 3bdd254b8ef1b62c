-- pipeline.lua: producer, filters and a consumer that pulls
local function receive(producer)
  local ok, value, extra = coroutine.resume(producer)
  assert(ok, value)
  return value, extra
end

local function producer(text)
  return coroutine.create(function()
    for line in text:gmatch "[^\n]*" do
      coroutine.yield(line, #line)
    end
  end)
end

local function numbered(source)
  return coroutine.create(function()
    local n = 0
    for line, length in receive, source do
      n = n + 1
      coroutine.yield(("%3d %s"):format(n, line), length)
    end
  end)
end

local function nonempty(source)
  return coroutine.create(function()
    for line, length in receive, source do
      if length > 0 then
        coroutine.yield(line, length)
      end
    end
  end)
end

-- Joins two sources, in turn, until both have ended.
local function zip(a, b)
  return coroutine.create(function()
    repeat
      local x, y = receive(a), receive(b)
      if x or y then
        coroutine.yield((x or "") .. " | " .. (y or ""))
      end
    until not (x or y)
  end)
end

local text = "when the pipe\n\nis pulled\nall of it\n\n\nmoves"
local last = zip(nonempty(numbered(producer(text))), numbered(nonempty(producer(text:upper()))))
for line in receive, last do
  print(line)
end
print(coroutine.status(last), coroutine.resume(last))
