-- bench.lua: measures a thing against its peer, in turn, and shows the ratio
--
-- A figure is a program that calls 'compare' or 'report' for each row. Alone
-- it prints its rows; under 'make bench' it also appends each row, as a line
-- of JSON, to the file that BENCH_ROWS names.

local json = require "dkjson"

local bench = {cfiber = require "cfiber", stock = coroutine}

local ROUNDS = 11  -- odd: the median is one of them
local LONG = 0.04  -- seconds that a measurement takes at least

local function median(list)
  table.sort(list)
  return list[#list // 2 + 1]
end

local function time(f, n)
  local start = os.clock()
  f(n)
  return os.clock() - start
end

-- How often to do a thing so that it takes long enough to measure.
local function repetitions(f)
  local n = 1
  while true do
    local seconds = time(f, n)
    if seconds >= LONG then
      return n
    end
    n = math.max(n * 2, math.min(n * 100, math.ceil(n * LONG / math.max(seconds, 1e-6) * 1.1)))
  end
end

--- A whole number in words: 1,000,000.
function bench.commas(n)
  return (tostring(n):reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", ""))
end

--- Shows a row and keeps it.
-- row: id, title, unit, ours, peer (both in that unit), ratio, low, high,
-- and against (what the peer is, "stock" unless given)
function bench.report(row)
  row.against = row.against or "stock"
  print(("%-44s %9.1f %9.1f %-2s %6.2f  %.2f to %.2f  %s"):format(row.title, row.ours, row.peer,
    row.unit, row.ratio, row.low, row.high, row.against == "stock" and "" or "against " .. row.against))
  local path = os.getenv "BENCH_ROWS"
  if path then
    local file = assert(io.open(path, "a"))
    file:write(json.encode(row), "\n")
    file:close()
  end
end

--- Reports a row from the measurements of its rounds: lists of equal length.
function bench.rounds(row, ours, peer)
  local ratios = {}
  for i = 1, #ours do
    ratios[i] = ours[i] / peer[i]
  end
  row.ratio = median(ratios)
  row.low, row.high = ratios[1], ratios[#ratios]
  row.ours, row.peer = median(ours), median(peer)
  row.rounds = #ratios
  bench.report(row)
end

--- Measures two functions of a count in turn, the first of a round
-- alternating, and reports nanoseconds for one of the things counted.
-- options: rounds, and count: how often the thing is done when the function
-- is called with 1 (default 1).
function bench.compare(id, title, ours, peer, options)
  options = options or {}
  local count = options.count or 1
  local n = math.max(repetitions(ours), repetitions(peer))
  local a, b = {}, {}
  for i = 1, options.rounds or ROUNDS do
    collectgarbage()
    if i % 2 == 0 then
      a[i] = time(ours, n)
    end
    b[i] = time(peer, n)
    if i % 2 == 1 then
      a[i] = time(ours, n)
    end
    a[i], b[i] = a[i] / n / count * 1e9, b[i] / n / count * 1e9
  end
  bench.rounds({id = id, title = title, unit = "ns", against = options.against}, a, b)
end

--- The same for one function of a library, with both libraries.
-- make(co) returns the function of a count.
function bench.both(id, title, make, options)
  bench.compare(id, title, make(bench.cfiber), make(bench.stock), options)
end

--- A function of a count: resumes and yields of one fiber or coroutine.
function bench.pair(co)
  local resume, yield = co.resume, co.yield
  local thread = co.create(function()
    while true do
      yield()
    end
  end)
  return function(n)
    for _ = 1, n do
      resume(thread)
    end
  end
end

return bench
