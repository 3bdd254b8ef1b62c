-- churn.lua: memory over time, while waves of fibers are suspended and dropped
-- usage: lua churn.lua                  both sides, each in a process; writes
--                                       build/churn.data and build/churn.svg
--        lua churn.lua cfiber|stock     one side: prints fibers made, MB

local bench = require "bench"

local WAVES, WAVE, SAMPLE = 6, 10000, 500

local function resident()
  for line in io.lines "/proc/self/status" do
    local kb = line:match "^VmRSS:%s*(%d+)"
    if kb then
      return kb / 1024
    end
  end
end

-- A wave is held as a whole, then half of it ends and half is dropped; then as
-- many are dropped one by one. The collector is left alone until the end.
local function churn(co, body)
  local made = 0
  local function sample()
    print(made, resident())
  end
  local function begin()
    local thread = co.create(body)
    co.resume(thread)
    made = made + 1
    if made % SAMPLE == 0 then
      sample()
    end
    return thread
  end
  for _ = 1, WAVES do
    local threads = {}
    for i = 1, WAVE do
      threads[i] = begin()
    end
    for i = 1, WAVE, 2 do
      co.resume(threads[i])
    end
    threads = nil  -- luacheck: ignore
    for _ = 1, WAVE do
      begin()
    end
  end
  for _ = 1, 4 do
    collectgarbage()
  end
  bench.cfiber.trim()
  sample()
end

local text = "x"
local bodies = {
  cfiber = function()
    text:gsub("x", bench.cfiber.yield)
  end,
  stock = function()
    coroutine.yield()
  end,
}

if arg[1] then
  churn(bench[arg[1]], bodies[arg[1]])
  return
end

-- Adds a side's samples to the data; returns the most MB.
local function child(side, data)
  local most = 0
  local pipe = assert(io.popen(("%s spec/bench/churn.lua %s"):format(os.getenv "LUA" or "lua5.4", side)))
  for line in pipe:lines() do
    data[#data + 1] = line
    most = math.max(most, tonumber(line:match "%S+$"))
  end
  pipe:close()
  data[#data + 1] = "\n"
  return most
end

local data = {}
local ours, peer = child("cfiber", data), child("stock", data)
bench.rounds({id = "churn", title = "most resident under churn, below C", unit = "MB",
  against = "its plain coroutine"}, {ours}, {peer})
local file = assert(io.open("build/churn.data", "w"))
file:write(table.concat(data, "\n"), "\n")
file:close()
os.execute "gnuplot spec/bench/churn.gnuplot"
