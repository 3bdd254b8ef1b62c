-- inside.lua: yields with C frames in between, against stock's plain pair

local bench = require "bench"
local calls = require "calls"

local stock = coroutine

-- Resumes a fiber that never ends.
local function resumer(co, body)
  local resume, thread = co.resume, co.create(body)
  return function(n)
    for _ = 1, n do
      resume(thread)
    end
  end
end

local yield, stockyield = bench.cfiber.yield, stock.yield
local text = ("x"):rep(1000)
local huge = math.maxinteger

local function plain()
  while true do
    stockyield()
  end
end

local bodies = {
  gsub = function()
    while true do
      text:gsub("x", yield)
    end
  end,
  sort = function()
    local list = {}
    for i = 1, 1000 do
      list[i] = i * 7919 % 1000
    end
    while true do
      table.sort(list, function(a, b)
        yield()
        return a < b
      end)
    end
  end,
  callback = function()
    calls.callback(yield, huge)
  end,
}

local options = {against = "its plain pair"}
for _, name in ipairs {"gsub", "sort", "callback"} do
  local title = name == "callback" and "a C callback" or name
  bench.compare(name, "resume + yield inside " .. title, resumer(bench.cfiber, bodies[name]),
    resumer(stock, plain), options)
end
